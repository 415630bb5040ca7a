"""Multi-scale structural similarity."""

import numpy as np

MIN_SIDE = 161  # after four halvings, rounded up, 11 pixels are left: one window


def ms_ssim(image, reference):
    """MS-SSIM of two 8-bit RGB pictures, the number that papers on compression report.

    Five scales, 11 x 11 Gaussian windows, R'G'B' channels averaged, like `tf.image.ssim_multiscale`.

    Source: Wang, Simoncelli & Bovik 2003.

    Args:
      image, reference: [height, width, 3] uint8, each side at least 161 pixels.

    Returns:
      float, 1 where both are equal.

    Raises:
      ValueError: the pictures are not of that kind, differ in shape, or are too small for five scales.
    """
    image, reference = np.asarray(image), np.asarray(reference)
    for array in (image, reference):
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[-1] != 3:
            raise ValueError(
                f"a picture is {array.dtype} {array.shape}; MS-SSIM needs uint8 [height, width, 3]."
            )
    if image.shape != reference.shape:
        raise ValueError(
            f"pictures of shapes {image.shape} and {reference.shape}; MS-SSIM needs equal shapes."
        )
    if min(image.shape[:2]) < MIN_SIDE:
        height, width = image.shape[:2]
        raise ValueError(
            f"a picture of {width}x{height} pixels; the five scales of MS-SSIM need {MIN_SIDE} each way."
        )
    from zoo.metrics import ms_ssim_graph  # TensorFlow only when it is needed

    pair = (array[np.newaxis].astype(np.float32) / 255 for array in (image, reference))
    return float(ms_ssim_graph.ms_ssim(*pair)[0])


def ms_ssim_db(value):
    """MS-SSIM on a scale where differences near 1 can be seen: -10 log10(1 - value), dB.

    Args:
      value: MS-SSIM, a float or an array of any shape.

    Returns:
      The same shape in float64; infinite at 1.
    """
    with np.errstate(divide="ignore"):
        return -10 * np.log10(1 - np.asarray(value, np.float64))
