"""Both sides of the theorems, computed apart."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from zoo.gan.theorems import jensen_shannon, parallel_lines, smoothed_cost, smoothed_gradient, smoothed_lines
from zoo.losses.adversarial import non_saturating_generator_loss


def test_example_1():
    found = parallel_lines(-0.3)
    assert found["wasserstein"] == pytest.approx(0.3)
    assert (found["jensen_shannon"], found["kl"], found["total_variation"]) == (np.log(2), np.inf, 1)
    assert set(parallel_lines(0).values()) == {0.0}


def test_jensen_shannon():
    assert jensen_shannon(np.array([1.0, 0]), np.array([0, 1.0])) == pytest.approx(np.log(2))
    p, q = np.array([0.2, 0.8]), np.array([0.6, 0.4])
    m = (p + q) / 2
    assert jensen_shannon(p, q) == pytest.approx((stats.entropy(p, m) + stats.entropy(q, m)) / 2)


@pytest.mark.parametrize(
    ("shift", "radius", "divergence", "bound"),
    [
        (0.1, 0.05, 0.6931, 1.932),
        (0.1, 0.2, 0.1568, 1.460),
        (0.1, 0.5, 0.0475, 1.702),
        (0.5, 0.5, 0.3748, None),
    ],
)
def test_theorem_3_3_on_parallel_lines(shift, radius, divergence, bound):
    found = smoothed_lines(shift, radius)
    assert found["jensen_shannon"] == pytest.approx(divergence, abs=1e-3)
    assert found["bound"] >= found["wasserstein"]
    if bound:
        assert found["bound"] == pytest.approx(bound, abs=3e-3)


def test_the_divergence_of_smoothed_lines_by_sampling(noise):
    """E_p log 2p / (p + q) over noisy points of one line, the densities by counting noisy points near each."""
    shift, radius, n = 0.5, 0.5, 400_000

    def draw(position):
        angle, distance = noise.uniform(0, 2 * np.pi, n), radius * np.sqrt(noise.uniform(size=n))
        return position + distance * np.cos(angle), noise.uniform(size=n) + distance * np.sin(angle)

    edges = [np.linspace(-0.5, 1.0, 61), np.linspace(-0.5, 1.5, 61)]
    p, q = (np.histogram2d(*draw(at), edges)[0] / n for at in (0, shift))
    assert smoothed_lines(shift, radius)["jensen_shannon"] == pytest.approx(jensen_shannon(p, q), abs=0.01)


def test_theorem_3_3_holds_everywhere_and_is_tight_for_neither_much_nor_little_noise():
    for shift in (0.02, 0.1, 0.4, 1.0):
        bounds = [smoothed_lines(shift, radius, 100)["bound"] for radius in (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)]
        assert min(bounds) >= shift
        if shift == 0.1:
            assert 0 < int(np.argmin(bounds)) < 5


def test_theorem_3_2_is_the_gradient_of_the_cost():
    """Lines of points at x = 0 and x = 1/2, noise 0.3: the formula against differences of the cost."""
    heights = np.linspace(0, 1, 40)
    real = np.stack([np.zeros(40), heights], axis=1)
    fixed = np.stack([np.full(40, 0.5), heights], axis=1)
    formula = smoothed_gradient(fixed, real, fixed, 0.3)
    step = 1e-5
    for i, axis in [(0, 0), (7, 1), (39, 0), (20, 1)]:
        costs = []
        for sign in (1, -1):
            moved = fixed.copy()
            moved[i, axis] += sign * step
            costs.append(smoothed_cost(moved, real, fixed, 0.3))
        assert (costs[0] - costs[1]) / (2 * step) == pytest.approx(formula[i, axis], abs=1e-9)
    assert np.all(formula[:, 0] > 0)  # down the gradient, towards the real line


def test_theorem_2_6_gradients_are_cauchy():
    """A discriminator ε above 0 where it should be 0, whose gradient is r: that of -log D is Cauchy, without mean or variance."""
    rng = np.random.default_rng(0)
    error, slope = np.abs(rng.normal(0, 0.1, 200_000)), rng.normal(0, 0.3, 200_000)
    place = tf.Variable(tf.zeros([200_000], tf.float64))
    with tf.GradientTape() as tape:
        probability = tf.minimum(error + slope * place, 1 - 1e-9)
        logit = tf.math.log(probability) - tf.math.log(1 - probability)
        loss = 200_000 * non_saturating_generator_loss(logit)
    gradients = tape.gradient(loss, place).numpy()
    quarter, three = np.quantile(gradients, [0.25, 0.75])
    assert (three - quarter) / 2 == pytest.approx(3, rel=0.02)
    assert stats.kstest(gradients, stats.cauchy(0, 3).cdf).pvalue > 0.01
    assert gradients.var() > 1000 * (three - quarter) ** 2
