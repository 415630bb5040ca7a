"""Multi-scale structural similarity in a TensorFlow graph: differentiable, and fast on a CPU."""

import numpy as np
import tensorflow as tf

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, finest first
WINDOW = 11
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2


PICTURES = 2 * [tf.TensorSpec([None, None, None, 3])]


@tf.function(input_signature=PICTURES)
def ms_ssim(images, references):
    """MS-SSIM of RGB pictures, the same number as `tf.image.ssim_multiscale`, several times as fast on a CPU.

    The Gaussian window is separable, and blurring along an axis is a product with a banded matrix, which CPUs do
    much faster than depthwise convolutions.

    Source: Wang, Simoncelli & Bovik 2003.

    Args:
      images, references: [batch, height, width, 3] float32 in [0, 1], sides of 161 pixels at least.

    Returns:
      [batch] float32. The gradient is finite everywhere, zero where structures are uncorrelated.
    """
    return _ms_ssim(images, references, _window_matrix)


@tf.function(input_signature=PICTURES)
def ms_ssim_to_the_border(images, references):
    """The same with windows about every pixel, pictures being continued by mirroring, from sides of 81 pixels on.

    MS-SSIM leaves out windows that reach over the border, so that pixels there count less, next to nothing at the
    coarser scales; what is trained for it spoils them.
    """
    return _ms_ssim(images, references, _mirrored_window_matrix)


def _ms_ssim(images, references, window_matrix):
    pair = tf.transpose(tf.stack([images, references]), [0, 1, 4, 2, 3])  # [2, B, 3, H, W]
    product = 1.0
    for scale, weight in enumerate(WEIGHTS):
        if scale:
            pair = _halve(pair)
        p, q = tf.unstack(pair)
        mean_p, mean_q, squares, products = tf.unstack(
            _blur(tf.stack([p, q, p * p + q * q, p * q]), window_matrix)
        )
        mean_product, mean_squares = mean_p * mean_q, mean_p * mean_p + mean_q * mean_q
        similarity = (2 * (products - mean_product) + C2) / (squares - mean_squares + C2)
        if scale == len(WEIGHTS) - 1:
            similarity *= (2 * mean_product + C1) / (mean_squares + C1)
        similarity = tf.reduce_mean(similarity, axis=[-2, -1])  # [B, 3]
        positive = similarity > 0
        product *= tf.where(positive, tf.where(positive, similarity, 1.0) ** weight, 0.0)
    return tf.reduce_mean(product, axis=-1)


def _blur(x, window_matrix):
    """Gaussian windows along both axes: [..., H, W] -> [..., h, w], as many as `window_matrix` has rows."""
    height, width = tf.unstack(tf.shape(x)[-2:])
    return window_matrix(height) @ tf.matmul(x, window_matrix(width), transpose_b=True)


def _window_matrix(size):
    """[size - 10, size]: row i holds the window that begins at i."""
    window = np.exp(-np.square(np.arange(WINDOW) - WINDOW // 2) / (2 * SIGMA**2))
    window = tf.constant(window / window.sum(), tf.float32)
    offset = tf.range(size)[tf.newaxis] - tf.range(size - WINDOW + 1)[:, tf.newaxis]
    within = (offset >= 0) & (offset < WINDOW)
    return tf.where(within, tf.gather(window, tf.clip_by_value(offset, 0, WINDOW - 1)), 0.0)


def _mirrored_window_matrix(size):
    """[size, size]: row i holds the window about i, what reaches over the ends folded back."""
    half = WINDOW // 2
    wide = _window_matrix(size + 2 * half)  # [size, size + 10]
    first, middle, last = tf.split(wide, [half, size, half], axis=1)
    inside = tf.zeros([size, size - half])
    return middle + tf.concat([first[:, ::-1], inside], 1) + tf.concat([inside, last[:, ::-1]], 1)


def _halve(x):
    """Means of 2 x 2 pixels, an odd side's last row or column repeated: [2, B, 3, H, W] -> [2, B, 3, ⌈H/2⌉, ⌈W/2⌉]."""
    odd = tf.shape(x)[-2:] % 2
    x = tf.pad(x, tf.stack([[0, 0], [0, 0], [0, 0], [0, odd[0]], [0, odd[1]]]), mode="SYMMETRIC")
    shape = tf.shape(x)
    x = tf.reshape(x, tf.stack([2, shape[1], 3, shape[3] // 2, 2, shape[4] // 2, 2]))
    return tf.reduce_mean(x, axis=[-3, -1])
