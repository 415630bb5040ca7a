"""Bits, bytes and integers of varying length, in ops that TensorFlow and TFLite both have.

Everything is int32; where "bytes" is said, values are 0 to 255. (TFLite has no left shift, no `and`, no `or`.)
"""

import tensorflow as tf

MAX_WIDTH = 30  # of `pack_bits`
MAX_VARINT = 4  # bytes


def power_of_two(exponents):
    """2^n, n from 0 to 30: int32 of any shape."""
    return tf.gather([1 << n for n in range(31)], exponents)


def integers(data, size):
    """Big-endian integers of `size` bytes each: [n * size] bytes -> [n]; what is left over is ignored."""
    count = tf.size(data) // size
    weights = [256 ** (size - 1 - i) for i in range(size)]
    if size == 4:
        weights[0] = 1 << 24  # the highest bit becomes the sign
    return tf.reduce_sum(tf.reshape(data[: count * size], [count, size]) * weights, axis=1)


def to_bytes(values, size):
    """The reverse of `integers`, for values from 0 on: [n] -> [n * size]."""
    shifts = [8 * (size - 1 - i) for i in range(size)]
    return tf.reshape(tf.math.floormod(tf.bitwise.right_shift(values[:, tf.newaxis], shifts), 256), [-1])


def pack_bits(values, widths):
    """Writes numbers one after the other, most significant bits first.

    Args:
      values: [n], each below 2^width.
      widths: [n], bits of each, 0 to 30.

    Returns:
      [⌈sum of widths / 8⌉] bytes.
    """
    places = tf.range(MAX_WIDTH)
    shifts = tf.maximum(widths[:, tf.newaxis] - 1 - places, 0)  # [n, 30]
    bits = tf.math.floormod(tf.bitwise.right_shift(values[:, tf.newaxis] + tf.zeros_like(shifts), shifts), 2)
    bits = tf.boolean_mask(bits, places < widths[:, tf.newaxis])
    bits = tf.pad(bits, [[0, tf.math.floormod(-tf.size(bits), 8)]])
    return tf.reduce_sum(tf.reshape(bits, [-1, 8]) * [128, 64, 32, 16, 8, 4, 2, 1], axis=1)


def unpack_bits(data, widths):
    """The reverse of `pack_bits`: bytes, [n] widths -> [n]. What is missing reads as anything."""
    data = tf.pad(data, [[0, 1]])  # never empty
    bits = tf.reshape(
        tf.math.floormod(tf.bitwise.right_shift(data[:, tf.newaxis], [7, 6, 5, 4, 3, 2, 1, 0]), 2), [-1]
    )
    places = tf.range(MAX_WIDTH)
    positions = tf.cumsum(widths, exclusive=True)[:, tf.newaxis] + places
    found = tf.gather(bits, tf.minimum(positions, tf.size(bits) - 1))  # [n, 30]
    shifts = widths[:, tf.newaxis] - 1 - places
    return tf.reduce_sum(tf.where(shifts >= 0, found * power_of_two(tf.maximum(shifts, 0)), 0), axis=1)


def pack_varints(values):
    """Numbers below 2^28 in base 128, least significant digit first, 128 added to all but the last: [n] -> bytes."""
    places = tf.range(MAX_VARINT)
    lengths = varint_bytes(values)[:, tf.newaxis]
    digits = tf.math.floormod(tf.bitwise.right_shift(values[:, tf.newaxis], 7 * places), 128)
    digits += tf.where(places < lengths - 1, 128, 0)
    return tf.boolean_mask(digits, places < lengths)


def varint_bytes(values):
    """How many bytes `pack_varints` takes for each: any shape of int32 -> int32."""
    return 1 + sum(tf.cast(values >= 1 << 7 * i, tf.int32) for i in range(1, MAX_VARINT))


def unpack_varints(data, count):
    """The reverse of `pack_varints`.

    Args:
      data: [n] bytes.
      count: scalar, how many numbers are expected.

    Returns:
      [count] numbers, and whether `data` holds exactly so many. Of other data they are anything, but below 2^31.
    """
    more = tf.cast(data >= 128, tf.int32)
    before = [tf.pad(more, [[i, 0]])[: tf.size(more)] for i in (1, 2, 3)]
    place = before[0] * (1 + before[1] * (1 + before[2]))
    digits = (data - 128 * more) * tf.gather([1, 1 << 7, 1 << 14, 1 << 21], place)
    number = tf.cumsum(1 - more, exclusive=True)
    found = tf.reduce_sum(1 - more)
    whole = (found == count) & (tf.reduce_sum(more[-1:]) == 0)
    number = tf.minimum(number, count)[:, tf.newaxis]  # one more place takes what is too much
    return tf.scatter_nd(number, digits, tf.reshape(count + 1, [1]))[:count], whole
