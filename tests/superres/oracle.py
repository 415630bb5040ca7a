"""Downsampling as dense matrices, one an axis: slow, and plainly right."""

import numpy as np


def cubic(t):
    """Keys' kernel with a = -1/2, as in his paper."""
    t = abs(t)
    if t < 1:
        return 3 / 2 * t**3 - 5 / 2 * t**2 + 1
    return -1 / 2 * t**3 + 5 / 2 * t**2 - 4 * t + 2 if t < 2 else 0.0


def weight(kernel, scale, distance):
    """Weight of a sample that lies so many samples from the centre of a block, not normalized."""
    if kernel == "box":
        return float(abs(distance) < scale / 2)
    if kernel == "gaussian":
        reach = 2 * scale if scale % 2 == 0 else 2 * scale + 0.5
        return np.exp(-(distance**2) / (2 * (0.4 * scale) ** 2)) if abs(distance) < reach + 0.1 else 0.0
    return cubic(distance / scale)


def mirrored(index, size):
    """Where a sample beyond the ends of a signal is found in it."""
    index %= 2 * size
    return index if index < size else 2 * size - 1 - index


def repeated(index, size):
    """The same where the first and the last sample are repeated for ever."""
    return min(max(index, 0), size - 1)


def downsampling_matrix(kernel, scale, size, beyond=mirrored):
    """[size / scale, size] float64: block i is Σ_n weight(n - centre of i), the signal continued as `beyond` says."""
    matrix = np.zeros([size // scale, size])
    for i in range(len(matrix)):
        centre = scale * i + (scale - 1) / 2
        row = matrix[i]
        for n in range(int(centre) - 4 * scale, int(centre) + 4 * scale + 2):
            row[beyond(n, size)] += weight(kernel, scale, n - centre)
        row /= row.sum()
    return matrix


def downsample(images, kernel, scale):
    """A y for [batch, height, width, channels] float64."""
    rows = downsampling_matrix(kernel, scale, images.shape[1])
    columns = downsampling_matrix(kernel, scale, images.shape[2])
    return np.einsum("ih,jw,bhwc->bijc", rows, columns, images)


def pseudo_inverse(images, kernel, scale):
    """The Moore–Penrose A⁺ x for [batch, height, width, channels] float64."""
    rows = np.linalg.pinv(downsampling_matrix(kernel, scale, scale * images.shape[1]))
    columns = np.linalg.pinv(downsampling_matrix(kernel, scale, scale * images.shape[2]))
    return np.einsum("hi,wj,bijc->bhwc", rows, columns, images)


def downsample_as_old_matlab(image, scale):
    """[height, width, 3] uint8 -> uint8, as the test sets were made: borders repeated, rounded after each axis."""
    rows, columns = (downsampling_matrix("bicubic", scale, side, repeated) for side in image.shape[:2])
    image = np.floor(np.einsum("ih,hwc->iwc", rows, image).clip(0, 255) + 0.5 + 1e-9)
    return np.floor(np.einsum("jw,iwc->ijc", columns, image).clip(0, 255) + 0.5 + 1e-9).astype(np.uint8)
