"""The `.tln` file inside a TensorFlow graph, see `zoo.coding.container`; in ops that TFLite has too.

Bytes are int32 vectors of values 0 to 255.
"""

import tensorflow as tf

from zoo.coding import bits, checksum
from zoo.coding.container import ALPHA, GREY, HEADER_BYTES, MAGIC, PROFILE, SEALED_FROM, VERSION

_START = [*MAGIC, VERSION]


def checksum_bytes(data):
    """`zoo.coding.checksum.checksum` of [n] bytes: [4] bytes."""
    size = tf.size(data)
    rows = tf.pad(data, [[0, tf.math.floormod(-size, checksum.ROW * checksum.GROUP)]])
    rows = tf.reshape(rows, [-1, checksum.ROW])
    factor = tf.math.floormod(tf.range(tf.shape(rows)[0]), checksum.CYCLE) + 1
    numbers = []
    for (prime, _), factors in zip(checksum.HASHES, checksum.FACTORS, strict=True):
        sums = tf.math.floormod(tf.reduce_sum(rows * factors, axis=1), prime)
        sums = tf.reshape(tf.math.floormod(sums * factor, prime), [-1, checksum.GROUP])
        total = tf.reduce_sum(tf.math.floormod(tf.reduce_sum(sums, axis=1), prime))
        numbers.append(tf.math.floormod(size + total, prime))
    return bits.to_bytes(tf.stack(numbers), 2)


def pack(identity, quality, grey, height, width, payload):
    """The bytes of a file without alpha and profile.

    Args:
      identity: bytes, 8.
      quality: scalar, 0 for a model of one rate.
      grey: scalar bool.
      height, width: scalars.
      payload: [n] bytes.

    Returns:
      [26 + n] bytes.
    """
    sealed = tf.concat(
        [
            list(identity),
            tf.stack([quality, GREY * tf.cast(grey, tf.int32)]),
            bits.to_bytes(tf.stack([height, width]), 4),
            payload,
        ],
        0,
    )
    return tf.concat([_START, checksum_bytes(sealed), sealed], 0)


def unpack(data, identity):
    """Reads a file.

    Args:
      data: [n] bytes.
      identity: bytes, 8, of the model that is here.

    Returns:
      dict of scalars quality, height, width, grey; [·] bytes alpha (a PNG file, or nothing) and payload; and a dict of
      message to scalar bool: what must hold, in the order in which to tell. Where something does not, the rest
      is anything.
    """
    header = tf.concat([data, tf.zeros([HEADER_BYTES], tf.int32)], 0)[:HEADER_BYTES]
    own = _same(header[SEALED_FROM : SEALED_FROM + 8], list(identity))
    height, width = tf.unstack(bits.integers(header[18:26], 4), 2)
    flags = header[17]
    alpha, body, alpha_fits = _chunk(data[HEADER_BYTES:], tf.math.floormod(flags, 2 * ALPHA) >= ALPHA)
    _, body, profile_fits = _chunk(body, tf.math.floormod(flags, 2 * PROFILE) >= PROFILE)
    right = {
        "is not a .tln file": _same(header[:3], _START[:3]),
        f"is not of format version {VERSION}": header[3] == VERSION,
        "is cut off": tf.size(data) >= HEADER_BYTES,
        "is damaged: its checksum does not match": _same(
            checksum_bytes(data[SEALED_FROM:]), header[4:SEALED_FROM]
        ),
        "was made by another model": own,
        "has flags that only later releases know": flags <= GREY + ALPHA + PROFILE,
        "is damaged: what it keeps beside the colours does not fit in it": alpha_fits & profile_fits,
    }
    grey = tf.math.floormod(flags, 2 * GREY) >= GREY
    parts = {"quality": header[16], "height": height, "width": width, "grey": grey}
    return parts | {"alpha": alpha, "payload": body}, right


def _same(a, b):
    return tf.reduce_all(tf.equal(a, b))  # unlike ==, it says that shapes agree, which TFLite must know


def _chunk(body, there):
    """Splits what begins with a length, if it is there: its bytes, the rest, whether it fits."""
    length = bits.integers(tf.concat([body[:4], [0, 0, 0, 0]], 0)[:4], 4)[0]
    fits = (length > 0) & (length <= tf.size(body) - 4)
    begin = tf.where(there & fits, 4, 0)
    end = tf.where(there & fits, 4 + length, 0)
    return body[begin:end], body[end:], fits | ~there


def to_string(data):
    """[n] bytes -> scalar string. (Not in TFLite.)"""
    characters = tf.constant([bytes([i]) for i in range(256)])
    return tf.strings.reduce_join(tf.gather(characters, data))


def from_string(data):
    """Scalar string -> [n] bytes. (Not in TFLite.)"""
    return tf.cast(tf.io.decode_raw(data, tf.uint8), tf.int32)
