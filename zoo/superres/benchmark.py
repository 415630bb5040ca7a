"""The field's protocol for super-resolution: Set5, Set14 and BSD100 by luma, without a border, in 8 bits."""

import numpy as np

LUMA = np.array([65.481, 128.553, 24.966]) / 255  # of R, G, B from 0 to 255, beside an offset of 16


def luma(image):
    """Y of ITU-R 601 as MATLAB's `rgb2ycbcr` computes it: [height, width, 3] uint8 -> [height, width] float64, 16 to 235."""
    return 16 + image.astype(np.float64) @ LUMA


def psnr_y(image, reference, border):
    """PSNR of luma with a peak of 255, as papers on super-resolution report it.

    Args:
      image, reference: [height, width, 3] uint8.
      border: int, pixels left out on each side, as many as the factor of enlargement.

    Returns:
      float, dB; infinite where both are equal.
    """
    error = _inner(luma(image) - luma(reference), border)
    mse = np.mean(error**2)
    return float(10 * np.log10(255**2 / mse)) if mse else float("inf")


def ssim_y(image, reference, border):
    """SSIM of luma: windows of 11 x 11, Gaussian of 1.5, K of 0.01 and 0.03, within the picture (Wang et al. 2004).

    Args: as `psnr_y`.

    Returns:
      float.
    """
    import tensorflow as tf

    pair = (_inner(luma(x), border)[..., np.newaxis].astype(np.float32) for x in (image, reference))
    return float(tf.image.ssim(*map(tf.constant, pair), max_val=255.0))


def _inner(values, border):
    return values[border:-border, border:-border] if border else values
