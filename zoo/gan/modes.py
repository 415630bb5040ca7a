"""What of a distribution a generator makes: modes that are met, and how far samples are from data."""

import numpy as np
from scipy.optimize import linear_sum_assignment

HIGH_QUALITY = 3  # standard deviations from a mode within which an example counts
PROJECTIONS = 128


def count_modes(points, mixture):
    """Modes covered and quality of samples of a mixture of Gaussians.

    Args:
      points: [n, 2] float.
      mixture: a `zoo.gan.toy_data.Mixture`.

    Returns:
      dict: modes, of which one sample at least is of high quality: within three standard deviations; high_quality, the
      share of these samples; reverse_kl, nats, KL of their histogram over modes to a uniform one, None if there are none;
      reverse_kl_all, the same of all samples, each counted at its nearest mode.

    Source: the protocol of Srivastava et al. 2017 (VEEGAN) and Lin et al. 2018 (PacGAN).
    """
    distances = np.linalg.norm(points[:, np.newaxis] - mixture.centers, axis=-1)  # [n, modes]
    nearest = distances.argmin(axis=1)
    good = distances.min(axis=1) <= HIGH_QUALITY * mixture.deviation
    counts, all_counts = (np.bincount(n, minlength=len(mixture.centers)) for n in (nearest[good], nearest))
    return {
        "modes": int(np.count_nonzero(counts)),
        "high_quality": float(good.mean()),
        "reverse_kl": reverse_kl(counts) if good.any() else None,
        "reverse_kl_all": reverse_kl(all_counts),
    }


def reverse_kl(counts, expected=None):
    """KL divergence of a histogram to the one expected, uniform unless told: [n] -> float, nats."""
    counts = np.asarray(counts, np.float64)
    p = counts / counts.sum()
    q = np.full(len(p), 1 / len(p)) if expected is None else np.asarray(expected, np.float64)
    there = p > 0
    return float(np.sum(p[there] * np.log(p[there] / q[there])))


def sliced_wasserstein(first, second, projections=PROJECTIONS, seed=0):
    """Mean Wasserstein-1 distance of one-dimensional projections of two sets of equally many points.

    Args:
      first, second: [n, d] float.
      projections: int, directions, drawn from `seed`.

    Returns:
      float, in the points' unit.

    Source: Rabin et al. 2011, with distances instead of their squares.
    """
    directions = np.random.default_rng(seed).standard_normal([first.shape[1], projections])
    directions /= np.linalg.norm(directions, axis=0)
    a, b = (np.sort(points @ directions, axis=0) for points in (first, second))
    return float(np.abs(a - b).mean())


def wasserstein(first, second):
    """The Wasserstein-1 distance of two sets of equally many points, exactly: [n, d], n up to some 1,000 -> float."""
    costs = np.linalg.norm(first[:, np.newaxis] - second, axis=-1)
    return float(costs[linear_sum_assignment(costs)].mean())
