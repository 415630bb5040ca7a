"""How close a picture's texture is to another's: by the histograms of its edges and details, wherever they lie.

PSNR asks that every pixel be right, so a blur is the best guess at a texture. What is asked here is whether there is as
much of each size and direction of detail as in the true picture.
"""

import numpy as np
from scipy import ndimage

from zoo.superres.benchmark import luma

SCALES = 1.0, 2.0  # pixels, deviations of the Gaussians of the band-pass filters
ORIENTATIONS = 4  # of them, over half a turn


def responses(image):
    """What is compared of a picture.

    Args:
      image: [height, width, 3] uint8.

    Returns:
      dict of "gradient", magnitudes of luma's differences, and ("band", scale, orientation), second derivatives of
      Gaussians along a direction (the steerable filters of Freeman & Adelson 1991), to [n] float64.
    """
    y = luma(image)
    found = {"gradient": np.hypot(y[1:, :-1] - y[:-1, :-1], y[:-1, 1:] - y[:-1, :-1]).ravel()}
    for scale in SCALES:
        vertical, mixed, horizontal = (
            ndimage.gaussian_filter(y, scale, order=order, mode="reflect")
            for order in ((2, 0), (1, 1), (0, 2))
        )
        for i in range(ORIENTATIONS):
            c, s = np.cos(np.pi * i / ORIENTATIONS), np.sin(np.pi * i / ORIENTATIONS)
            band = c**2 * horizontal + 2 * c * s * mixed + s**2 * vertical
            found["band", scale, i] = band.ravel()
    return found


def distances(image, reference):
    """Distances of the histograms of two pictures' responses.

    Each is the 1-Wasserstein distance of the two distributions, what their histograms' mass has to be moved by, over
    the mean magnitude in the reference: 0 is equal, 1 is about what a picture without any detail has.

    Args:
      image, reference: [height, width, 3] uint8, of one size.

    Returns:
      (gradient, band): floats, of the gradient's magnitude, and the mean over scales and directions.
    """
    theirs = responses(reference)
    found = {
        # Of two samples of one size it is the mean difference of the sorted values.
        key: float(
            np.mean(np.abs(np.sort(values) - np.sort(theirs[key]))) / max(np.mean(np.abs(theirs[key])), 1e-9)
        )
        for key, values in responses(image).items()
    }
    gradient = found.pop("gradient")
    return gradient, float(np.mean(list(found.values())))
