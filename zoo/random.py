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
