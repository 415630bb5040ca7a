"""The gradient penalty against closed forms, and against the mistakes that others make."""

import numpy as np
import pytest
import tensorflow as tf

from zoo.losses.gradient_penalty import gradient_penalty, slopes_between


def test_each_example_has_a_slope_of_its_own(noise):
    """f(x) = |x|²: the gradient is 2 x̂, of norm 2 |x̂|, over rows, columns and channels of one example."""
    real, fake = (noise.normal(size=(5, 4, 3, 2)).astype(np.float32) for _ in range(2))
    uniform = noise.random(5).astype(np.float32)
    slopes = slopes_between(
        lambda x: tf.reduce_sum(x**2, axis=[1, 2, 3]), tf.constant(real), tf.constant(fake), uniform
    )
    u = uniform[:, None, None, None]
    expected = 2 * np.sqrt(np.sum((u * real + (1 - u) * fake) ** 2, axis=(1, 2, 3)))
    np.testing.assert_allclose(slopes, expected, rtol=1e-5)


def test_values():
    slopes = tf.constant([0.0, 1.0, 3.0])
    assert float(gradient_penalty(slopes)) == pytest.approx((1 + 0 + 4) / 3)
    assert float(gradient_penalty(slopes, one_sided=True)) == pytest.approx(4 / 3)
    assert float(gradient_penalty(slopes, target=0.0)) == pytest.approx(10 / 3)


def test_the_penalty_has_the_gradient_of_its_closed_form(noise):
    """f(x) = w·x has slope |w| everywhere: ∇_w (|w| - 1)² = 2 (|w| - 1) w / |w|."""
    w = tf.Variable(noise.normal(size=7).astype(np.float32))
    data = tf.constant(noise.normal(size=(4, 7)).astype(np.float32))
    with tf.GradientTape() as tape:
        slopes = slopes_between(lambda x: tf.linalg.matvec(x, w), data, -data, tf.fill([4], 0.3))
        penalty = gradient_penalty(slopes)
    size = np.linalg.norm(w)
    np.testing.assert_allclose(tape.gradient(penalty, w), 2 * (size - 1) * w / size, rtol=1e-5)


def test_a_flat_critic_has_a_finite_gradient():
    w = tf.Variable(tf.zeros([3]))
    with tf.GradientTape() as tape:
        slopes = slopes_between(
            lambda x: tf.linalg.matvec(x, w), tf.ones([2, 3]), tf.zeros([2, 3]), tf.zeros([2])
        )
        penalty = gradient_penalty(slopes)
    assert np.all(np.isfinite(tape.gradient(penalty, w)))
