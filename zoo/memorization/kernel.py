"""Linear models in section 5 of Zhang et al.: the interpolant of least norm, by a kernel."""

import dataclasses
import os

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from zoo.errors import UserError

GAMMA = 0.02  # of the Gaussian kernel, for pixels in [0, 1]; that of the authors' code
ROWS = 2048  # of a kernel matrix computed at a time


@dataclasses.dataclass(frozen=True)
class KernelInterpolant:
    """f(x) = Σᵢ αᵢ k(xᵢ, x) with f(xᵢ) = yᵢ, the function of least norm that has these values.

    Attributes:
      points: [n, d] float array, the xᵢ.
      coefficients: [n, outputs], α.
      gamma: float, of k(x, y) = exp(-γ ‖x - y‖²).
      norms: [outputs] float64, √(yᵀ K⁻¹ y), of each output in the kernel's space.
    """

    points: np.ndarray
    coefficients: np.ndarray
    gamma: float
    norms: np.ndarray

    def __call__(self, x):
        """Values: [m, d] -> [m, outputs]."""
        x = np.asarray(x, self.points.dtype)
        parts = [x[i : i + ROWS] for i in range(0, len(x), ROWS)]
        return np.concatenate(
            [gaussian_kernel(p, self.points, self.gamma) @ self.coefficients for p in parts]
        )


def fit_kernel(x, y, gamma=GAMMA, dtype=np.float64, out=None):
    """Fits the interpolant of least norm: K α = y by Cholesky, in the memory of K itself, n² numbers.

    Source: Zhang et al. 2017, section 5, eq. (3); the kernel is that of the authors' code.

    Args:
      x: [n, d] array of distinct points.
      y: [n, outputs] array, labels, such as one-hot classes.
      gamma: float, see `KernelInterpolant`.
      dtype: float32 or float64; in float32 half the memory, and errors of 1e-4 or so.
      out: function that is told how much memory is needed, in bytes, before it is taken.

    Returns:
      A `KernelInterpolant`.

    Raises:
      UserError: the shapes do not agree, this machine has not that much memory, or the matrix is singular: points are equal or,
        for the dtype, too near.
    """
    x, y = np.asarray(x, dtype), np.asarray(y, np.float64)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or not len(x):
        raise UserError(f"x has shape {x.shape} and y {y.shape}; expected [n, d] and [n, outputs].")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise UserError("x or y holds values that are no finite numbers.")
    needed, there = len(x) ** 2 * x.dtype.itemsize, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if out:
        out(needed)
    if needed > there:
        raise UserError(
            f"{len(x)} points need {needed / 2**30:.1f} GiB, and there are {there / 2**30:.1f}; take fewer, or float32."
        )
    try:
        matrix = np.empty([len(x), len(x)], dtype, order="F")  # LAPACK's, which then needs no copy
        for i in range(0, len(x), ROWS):
            matrix[:, i : i + ROWS] = gaussian_kernel(x, x[i : i + ROWS], gamma)
        factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        # Rounding hides that a matrix is singular: a point that the others give has a pivot of that size.
        if np.diagonal(factor[0]).min() ** 2 < len(x) * np.finfo(dtype).eps:
            raise np.linalg.LinAlgError
    except np.linalg.LinAlgError:
        raise UserError(
            f"the kernel matrix of {len(x)} points is singular in {np.dtype(dtype).name}: some are equal, or nearly; "
            "leave copies out, take float64 or a larger gamma."
        ) from None
    coefficients = cho_solve(factor, y.astype(dtype), check_finite=False)
    norms = np.sqrt(np.sum(y * coefficients, axis=0, dtype=np.float64))
    return KernelInterpolant(x, coefficients, gamma, norms)


def gaussian_kernel(x, y, gamma):
    """exp(-γ ‖x - y‖²): [m, d], [n, d] -> [m, n], of their dtype."""
    squares = np.sum(x**2, axis=1)[:, np.newaxis] + np.sum(y**2, axis=1) - 2 * x @ y.T
    np.maximum(squares, 0, out=squares)
    squares *= -gamma
    return np.exp(squares, out=squares)
