"""The theorems of Arjovsky & Bottou (2017) and the example of Arjovsky, Chintala & Bottou (2017), as numbers.

Plain NumPy: each function computes one side of a statement, for a test or an experiment to hold against the other.
"""

import math

import numpy as np


def parallel_lines(shift):
    """How far P₀ = (0, U[0, 1]) is from P = (shift, U[0, 1]), by each measure.

    Only the first says how far, and only it has a gradient that points to the other line.

    Source: Arjovsky, Chintala & Bottou 2017, example 1.

    Returns:
      dict of float: wasserstein, jensen_shannon (nats), kl (nats), total_variation.
    """
    apart = shift != 0
    return {
        "wasserstein": abs(float(shift)),
        "jensen_shannon": math.log(2) if apart else 0.0,
        "kl": math.inf if apart else 0.0,
        "total_variation": 1.0 if apart else 0.0,
    }


def jensen_shannon(p, q):
    """Of two densities on one grid: arrays of any one shape that each sum to 1 -> float, nats."""
    middle = (p + q) / 2

    def kl(a):
        there = a > 0
        return np.sum(a[there] * np.log(a[there] / middle[there]))

    return float((kl(p) + kl(q)) / 2)


def smoothed_lines(shift, radius, cells=400):
    """Both sides of theorem 3.3 for the parallel lines with noise that is uniform on a disc.

        W(P_r, P_g) <= 2 √V + 2 C √JSD(P_r+ε, P_g+ε)

    V is the variance of the noise, C the diameter of a ball around both noisy supports.

    Source: Arjovsky & Bottou 2017, theorem 3.3.

    Args:
      shift: float, between the lines.
      radius: float, of the disc.
      cells: int, of the grid along each side.

    Returns:
      dict of float: wasserstein, jensen_shannon, variance, bound.
    """
    shift = abs(shift)
    x, y = (-radius + (np.arange(cells) + 0.5) / cells * (width + 2 * radius) for width in (shift, 1))

    def density(position):
        # The part of the line within the radius of each point.
        half = np.sqrt(np.maximum(radius**2 - (x[:, np.newaxis] - position) ** 2, 0))
        part = np.minimum(y + half, 1) - np.maximum(y - half, 0)
        part = np.maximum(part, 0)
        return part / part.sum()

    divergence = jensen_shannon(density(0.0), density(shift))
    variance = radius**2 / 2
    diameter = math.hypot(shift + 2 * radius, 1 + 2 * radius)
    return {
        "wasserstein": float(shift),
        "jensen_shannon": divergence,
        "variance": variance,
        "bound": 2 * math.sqrt(variance) + 2 * diameter * math.sqrt(divergence),
    }


def smoothed_cost(generated, real, fixed, deviation):
    """E log(1 - D*(g)) for the best discriminator between noisy real and noisy generated points.

    Args:
      generated: [n, d], the points g that move.
      real: [m, d], the points of P_r.
      fixed: [k, d], those of P_g that the discriminator has seen: `generated` where it is up to date.
      deviation: float, of Gaussian noise.

    Returns:
      float, nats.
    """
    p, q = (_kernel_density(generated, points, deviation) for points in (real, fixed))
    return float(np.mean(np.log(q / (p + q))))


def smoothed_gradient(generated, real, fixed, deviation):
    """The gradient of `smoothed_cost` in each of the points that move, by theorem 3.2.

        ∇ = a ∫ P_ε(g - y) ∇‖g - y‖² dP_r(y) - b ∫ P_ε(g - y) ∇‖g - y‖² dP_g(y)
        a = 1 / (2 σ² (P_r+ε + P_g+ε)),   b = a P_r+ε / P_g+ε

    It moves points towards real ones, and away from generated ones where there are more of these than real ones.

    Source: Arjovsky & Bottou 2017, theorem 3.2.

    Returns:
      [n, d], of the mean over points.
    """
    p, q = (_kernel_density(generated, points, deviation) for points in (real, fixed))
    a = 1 / (2 * deviation**2 * (p + q))
    b = a * p / q

    def pull(points):
        offsets = generated[:, np.newaxis] - points  # [n, m, d]
        weights = _kernel(offsets, deviation)
        return np.mean(weights[..., np.newaxis] * 2 * offsets, axis=1)

    gradient = a[:, np.newaxis] * pull(real) - b[:, np.newaxis] * pull(fixed)
    return gradient / len(generated)


def _kernel(offsets, deviation):
    scale = (2 * np.pi * deviation**2) ** (offsets.shape[-1] / 2)
    return np.exp(-np.sum(offsets**2, axis=-1) / (2 * deviation**2)) / scale


def _kernel_density(at, points, deviation):
    """P_X+ε = E_y P_ε(x - y) (theorem 3.1): [n, d], [m, d] -> [n]."""
    return _kernel(at[:, np.newaxis] - points, deviation).mean(axis=1)
