"""Random numbers that are a function of an example, not of the machine that draws them.

A number is a hash of the example's seed and of its own place: SplitMix64 (Steele, Lea & Flood 2014), in ops that work on whole
batches at once and that XLA compiles. (TensorFlow's stateless generators take one seed a call.)
"""

import math

import tensorflow as tf

_GAMMA = 0x9E3779B97F4A7C15  # between the states of the generator
_PLACES = 24  # bits of a float32's fraction


def mix(x):
    """The finaliser of SplitMix64, a hash: integer tensors of 64 bits -> the same."""
    state = tf.bitcast(x, tf.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        state = tf.bitwise.bitwise_xor(state, tf.bitwise.right_shift(state, tf.constant(shift, tf.uint64)))
        state *= tf.constant(factor, tf.uint64)
    return tf.bitcast(state, x.dtype)


def uniform_per_example(seeds, shape, minval, maxval):
    """Uniform noise in which example i depends on `seeds[i]` alone.

    However a global batch is split over replicas and workers, each example meets the same noise.

    Args:
      seeds: [batch, 2] int64, a seed for each example.
      shape: shape of one example's noise, a list or int32 tensor.
      minval, maxval: float, the range.

    Returns:
      [batch, *shape] float32.
    """
    return minval + (maxval - minval) * _fraction(_words(seeds, shape), 64 - _PLACES)


def normal_per_example(seeds, shape):
    """Standard normal noise in which example i depends on `seeds[i]` alone; see `uniform_per_example`."""
    words = _words(seeds, shape)
    # Box & Muller 1958; the radius takes a number above 0.
    radius = tf.sqrt(-2 * tf.math.log(1 - _fraction(words, 64 - _PLACES)))
    return radius * tf.cos(2 * math.pi * _fraction(words, 64 - 2 * _PLACES))


def fold_in(seeds, number):
    """Other seeds made of these, [batch, 2] int64, and an int: for a second use of randomness by the same examples."""
    return tf.stack([mix(mix(seeds[:, 0]) + (number + 1)), seeds[:, 1]], axis=1)


def _words(seeds, shape):
    """[batch, *shape] uint64, of which all bits are random."""
    seeds = tf.bitcast(tf.cast(seeds, tf.int64), tf.uint64)
    key = mix(mix(seeds[:, 0]) + seeds[:, 1])
    shape = tf.convert_to_tensor(shape, tf.int32)
    places = tf.cast(tf.range(1, tf.reduce_prod(shape) + 1), tf.uint64) * tf.constant(_GAMMA, tf.uint64)
    return tf.reshape(mix(key[:, tf.newaxis] + places), tf.concat([tf.shape(key), shape], 0))


def _fraction(words, first):
    """A number in [0, 1) of the bits from `first` on."""
    bits = tf.bitwise.right_shift(words, tf.constant(first, tf.uint64))
    bits = tf.bitwise.bitwise_and(bits, tf.constant(2**_PLACES - 1, tf.uint64))
    return tf.cast(tf.bitcast(bits, tf.int64), tf.float32) * 2.0**-_PLACES
