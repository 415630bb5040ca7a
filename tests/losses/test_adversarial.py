"""Losses against their formulas in NumPy, and their gradients against the theorems of Arjovsky & Bottou."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.integrate import trapezoid
from scipy.special import expit
from scipy.stats import norm

from zoo.losses import adversarial as losses


def test_values(noise):
    real, fake = (3 * noise.normal(size=(6, 2)).astype(np.float32) for _ in range(2))
    d_real, d_fake = expit(real.astype(np.float64)), expit(fake.astype(np.float64))
    pairs = [
        (losses.discriminator_loss(real, fake), -np.log(d_real).mean() - np.log(1 - d_fake).mean()),
        (losses.non_saturating_generator_loss(fake), -np.log(d_fake).mean()),
        (losses.minimax_generator_loss(fake), np.log(1 - d_fake).mean()),
        (losses.kl_generator_loss(fake), -np.log(d_fake / (1 - d_fake)).mean()),
        (losses.wasserstein_critic_loss(real, fake), fake.mean() - real.mean()),
        (losses.wasserstein_generator_loss(fake), -fake.mean()),
    ]
    for found, expected in pairs:
        assert float(found) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("logit", [-80.0, 80.0])
def test_no_loss_overflows(logit):
    logits = tf.constant([logit])
    for loss in (losses.non_saturating_generator_loss, losses.minimax_generator_loss):
        assert np.isfinite(float(loss(logits)))
    assert np.isfinite(float(losses.discriminator_loss(logits, logits)))


def divergences(shift):
    """KL[q || p] and the Jensen-Shannon divergence of p = N(0, 1) and q = N(shift, 1), by quadrature."""
    x = np.linspace(-12, 14, 20001)
    p, q = norm.pdf(x), norm.pdf(x, shift)
    middle = (p + q) / 2
    kl = trapezoid(q * (norm.logpdf(x, shift) - norm.logpdf(x)), x)
    jensen_shannon = trapezoid(p * np.log(p / middle) + q * np.log(q / middle), x) / 2
    return np.array([kl, jensen_shannon])


@pytest.mark.parametrize(
    ("loss", "weights"),
    [
        (losses.minimax_generator_loss, [0, 2]),  # 2 ∇JSD
        (losses.non_saturating_generator_loss, [1, -2]),  # ∇(KL[q || p] - 2 JSD), theorem 2.5
        (losses.kl_generator_loss, [1, 0]),  # ∇KL[q || p]
    ],
)
def test_gradients_under_the_best_discriminator(loss, weights):
    """q = N(1.3, 1): g = 1.3 + z moves, the discriminator log p/q stays; against the divergences' own slopes."""
    expected = weights @ (divergences(1.3 + 1e-4) - divergences(1.3 - 1e-4)) / 2e-4
    z = tf.constant(norm.ppf((np.arange(200_000) + 0.5) / 200_000))  # expectations as sums over quantiles
    shift = tf.Variable(1.3, dtype=tf.float64)
    with tf.GradientTape() as tape:
        g = shift + z
        value = loss((g - 1.3) ** 2 / 2 - g**2 / 2)
    assert float(tape.gradient(value, shift)) == pytest.approx(expected, abs=2e-5)
