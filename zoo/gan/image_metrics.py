"""How good and how diverse pictures are, by measures that need no downloaded network.

Pictures are [n, h, w, C] float32 in [-1, 1]. Numbers compare only with numbers of the same count of pictures and, where a
classifier is in them, of the same classifier.
"""

import numpy as np
import tensorflow as tf

from zoo.gan.modes import reverse_kl, sliced_wasserstein

SMALLEST = 14  # least side of a level of the pyramid
PATCH = 7  # pixels each way
PATCHES = 64  # of each picture
POWERS = 0.0448, 0.2856, 0.3001  # of MS-SSIM's first three scales, all that 28 pixels hold
SSIM_FILTER = 7


def class_statistics(probabilities):
    """What a classifier sees in pictures.

    Args:
      probabilities: [n, classes], its answers.

    Returns:
      dict: histogram, the share of each class; total_variation, of that to a uniform one; top_probability, the mean of the largest,
      near 1 where each picture is clearly something; score, exp E KL(p(c | x) || p(c)), from 1 to the number of classes
      (Salimans et al. 2016, with this classifier).
    """
    p = np.asarray(probabilities, np.float64)
    histogram = np.bincount(p.argmax(axis=1), minlength=p.shape[1]) / len(p)
    mean = p.mean(axis=0)
    divergences = np.sum(p * np.log(np.maximum(p, 1e-12) / np.maximum(mean, 1e-12)), axis=1)
    return {
        "histogram": histogram.tolist(),
        "total_variation": float(np.abs(histogram - 1 / p.shape[1]).sum() / 2),
        "top_probability": float(p.max(axis=1).mean()),
        "score": float(np.exp(divergences.mean())),
    }


def stacked_modes(probabilities):
    """Modes of stacked digits: a picture's three channels are three digits, of 1,000 kinds.

    Args:
      probabilities: [3, n, 10], a classifier's answers for each channel.

    Returns:
      dict: modes, kinds that were made; reverse_kl of the kinds to uniform ones, nats; top_probability.

    Source: Metz et al. 2017; the protocol is that of Srivastava et al. 2017 and Lin et al. 2018.
    """
    p = np.asarray(probabilities)
    kinds = p.argmax(axis=2).T @ [100, 10, 1]
    counts = np.bincount(kinds, minlength=1000)
    return {
        "modes": int(np.count_nonzero(counts)),
        "reverse_kl": reverse_kl(counts),
        "top_probability": float(p.max(axis=2).mean()),
    }


def kernel_distance(first, second):
    """KID of Bińkowski et al. 2018: the unbiased estimate of the squared MMD of features, by the kernel (x·y / d + 1)³.

    Args:
      first, second: [n, d], [m, d], features of a classifier.

    Returns:
      float, 0 on average for features of one distribution.
    """
    x, y = (np.asarray(features, np.float64) for features in (first, second))

    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    def mean_of_others(k):
        return (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))

    return float(mean_of_others(kernel(x, x)) + mean_of_others(kernel(y, y)) - 2 * kernel(x, y).mean())


def pyramid_distance(first, second, seed=0):
    """Sliced Wasserstein distance of patches on a Laplacian pyramid, mean of its levels (Karras et al. 2018).

    Patches of either set are normalized by channel with the first set's mean and deviation.

    Args:
      first, second: equally many pictures; the first are the real ones.
      seed: int.

    Returns:
      float, times 1000 as usual.
    """
    distances = []
    for a, b in zip(laplacian_pyramid(first), laplacian_pyramid(second), strict=True):
        patches = [cut_patches(level, seed) for level in (a, b)]
        mean, deviation = (f(patches[0], axis=(0, 1, 2)) for f in (np.mean, np.std))
        flat = [((p - mean) / deviation).reshape(len(p), -1) for p in patches]
        distances.append(1000 * sliced_wasserstein(*flat, seed=seed))
    return float(np.mean(distances))


def laplacian_pyramid(images):
    """Differences from what the next coarser level holds, and the coarsest: a list of [n, h, w, C], finest first."""
    levels, images = [], np.asarray(images, np.float32)
    while min(images.shape[1:3]) >= 2 * SMALLEST:
        size = images.shape[1:3]
        smaller = tf.image.resize(images, [n // 2 for n in size], "area")
        levels.append(images - tf.image.resize(smaller, size, "bilinear").numpy())
        images = smaller.numpy()
    return [*levels, images]


def cut_patches(images, seed):
    """Patches at random places, the same of any set: [n, h, w, C] -> [n PATCHES, 7, 7, C]."""
    rng = np.random.default_rng(seed)
    n, height, width, _ = images.shape
    tops, lefts = (rng.integers(0, size - PATCH + 1, [n, PATCHES]) for size in (height, width))
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
    chosen = windows[np.arange(n)[:, np.newaxis], tops, lefts]  # [n, PATCHES, C, 7, 7]
    return np.moveaxis(chosen.reshape(-1, *chosen.shape[2:]), 1, -1)


def diversity(images, pairs=1000, seed=0):
    """Mean MS-SSIM of random pairs: near 1 where all pictures are one. With three scales and a window of 7: float."""
    rng = np.random.default_rng(seed)
    one = rng.integers(0, len(images), pairs)
    other = (one + rng.integers(1, len(images), pairs)) % len(images)
    shown = (np.asarray(images) + 1) * 127.5
    values = tf.image.ssim_multiscale(
        shown[one], shown[other], 255.0, power_factors=POWERS, filter_size=SSIM_FILTER
    )
    return float(tf.reduce_mean(values))


def duplicates(images, real):
    """Pictures less than half as far from another one of their set as nearly all real ones are: the birthday test's pairs.

    (As 99 % of them are: data may hold a picture twice.) A set of s pictures with a pair tells that there are hardly more than s² to be made (Arora & Zhang 2018).

    Args:
      images, real: equally many pictures.

    Returns:
      int, pictures that have a twin.
    """

    def nearest(x):
        x = np.asarray(x, np.float64).reshape(len(x), -1)
        squares = (x**2).sum(axis=1)
        distances = squares[:, np.newaxis] + squares - 2 * x @ x.T
        np.fill_diagonal(distances, np.inf)
        return distances.min(axis=1)

    return int(np.count_nonzero(4 * nearest(images) < np.quantile(nearest(real), 0.01)))
