"""Instance noise: real and generated examples both blurred before the discriminator sees them."""

import tensorflow as tf

from zoo.random import normal_per_example


def annealed(initial, step, steps, final=0.0):
    """A standard deviation that falls linearly from `initial` at step 0 to `final` at step `steps` and stays there.

    Args:
      initial: float.
      step: integer tensor.
      steps: int, at least 1.
      final: float.

    Returns:
      Scalar float32 tensor.
    """
    return final + (initial - final) * tf.maximum(1 - tf.cast(step, tf.float32) / steps, 0.0)


def add_instance_noise(examples, seeds, deviation):
    """Adds Gaussian noise, so that the supports of two distributions overlap and D(p ∗ noise, q ∗ noise) is finite.

    Source: Sønderby et al. 2017, section 3.2.1 and appendix C; Arjovsky & Bottou 2017, section 3.

    Args:
      examples: [batch, …] float32.
      seeds: [batch, 2] integer, one stateless seed an example; other ones for real and generated examples.
      deviation: standard deviation of the noise, scalar or a tensor that broadcasts to the examples.

    Returns:
      Like `examples`.
    """
    return examples + deviation * normal_per_example(seeds, tf.shape(examples)[1:])
