"""The gradient penalty: a critic's slope between real and generated examples is kept near one."""

import tensorflow as tf

EPSILON = 1e-12  # in the root: its gradient is finite where the critic is flat


def slopes_between(critic, real, fake, uniform, epsilon=EPSILON):
    """Norms of a critic's gradient at places between real and generated examples.

        x̂ = u x + (1 - u) g,   ‖∇f(x̂)‖, over all dimensions of one example

    Source: Gulrajani et al. 2017, algorithm 1.

    Args:
      critic: function [batch, …] -> [batch, …] scores; example i's must depend on example i alone, so there is no
        batch normalization in it.
      real, fake: [batch, …] float32.
      uniform: [batch] float32 in [0, 1), u, one for each example.
      epsilon: float, in the root; 0 where slopes are only looked at, which may be below its root.

    Returns:
      [batch] float32.
    """
    u = tf.reshape(uniform, [-1] + [1] * (real.shape.rank - 1))
    between = u * real + (1 - u) * fake
    with tf.GradientTape() as tape:
        tape.watch(between)
        scores = critic(between)
    gradient = tape.gradient(scores, between)
    return tf.sqrt(tf.reduce_sum(gradient**2, axis=list(range(1, real.shape.rank))) + epsilon)


def gradient_penalty(slopes, target=1.0, one_sided=False):
    """E (‖∇f‖ - target)²; one-sided, slopes below the target cost nothing.

    Source: Gulrajani et al. 2017, eq. (3) and section 4; one-sided, Petzka et al. 2018.

    Args:
      slopes: [batch] float32, see `slopes_between`.
      target: float.
      one_sided: bool.

    Returns:
      Scalar float32.
    """
    excess = slopes - target
    return tf.reduce_mean(tf.nn.relu(excess) ** 2 if one_sided else excess**2)
