"""Random numbers that are a function of an example, not of the machine that draws them."""

import tensorflow as tf


def uniform_per_example(seeds, shape, minval, maxval):
    """Uniform noise in which example i depends on `seeds[i]` alone.

    However a global batch is split over replicas and workers, each example meets the same noise.

    Args:
      seeds: [batch, 2] integer, one stateless seed an example.
      shape: shape of one example's noise, a list or int32 tensor.
      minval, maxval: float, the range.

    Returns:
      [batch, *shape] float32.
    """

    def draw(seed):
        return tf.random.stateless_uniform(shape, seed, minval, maxval)

    return tf.map_fn(draw, seeds, fn_output_signature=tf.float32)


def normal_per_example(seeds, shape):
    """Standard normal noise in which example i depends on `seeds[i]` alone; see `uniform_per_example`."""

    def draw(seed):
        return tf.random.stateless_normal(shape, seed)

    return tf.map_fn(draw, seeds, fn_output_signature=tf.float32)


def fold_in(seeds, number):
    """Other seeds made of these, [batch, 2] int64, and a number: for a second use of randomness by the same examples."""

    def one(seed):
        return tf.cast(tf.random.experimental.stateless_fold_in(seed, number), tf.int64)

    return tf.map_fn(one, seeds, fn_output_signature=tf.int64)
