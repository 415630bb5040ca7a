"""Peak signal-to-noise ratio."""

import numpy as np


def psnr(image, reference, max_value=None):
    """Peak signal-to-noise ratio of a whole picture, all channels together.

        PSNR = 10 log10(max_value² / MSE)

    Args:
      image, reference: arrays of one shape, any number of dimensions, integer or float.
      max_value: the largest value a pixel can have. May be left out for uint8, where it is 255.

    Returns:
      float, dB; computed in float64, infinite where both are equal.

    Raises:
      ValueError: the shapes differ, or `max_value` is missing for pixels other than uint8.
    """
    image, reference = np.asarray(image), np.asarray(reference)
    if image.shape != reference.shape:
        raise ValueError(f"pictures of shapes {image.shape} and {reference.shape}; PSNR needs equal shapes.")
    if max_value is None:
        if image.dtype != np.uint8 or reference.dtype != np.uint8:
            raise ValueError(f"pixels are {image.dtype} and {reference.dtype}; give max_value, such as 1.0.")
        max_value = 255
    mse = np.mean((image.astype(np.float64) - reference.astype(np.float64)) ** 2)
    return float(10 * np.log10(max_value**2 / mse)) if mse else float("inf")
