"""Downsampling kernels and their exact right inverses, along one axis, in float64.

Pictures are reduced and enlarged along each axis by itself, so all there is to know is one-dimensional:

    (a y)[i] = Σ_k a[k] y[s i + k - (K - s) / 2]        downsampling, by a kernel a of K taps
    (b x)[n] = Σ_i b[n - s i + (L - s) / 2] x[i]        upsampling, by a kernel b of L taps

with kernels symmetric about the centre of the block of s samples that belongs to x[i] (an even number of taps for even s,
odd for odd s), and signals continued at their ends by mirroring, the last sample repeated. A symmetric finite kernel then
sees a mirrored signal as an unbounded one, so that what holds in the interior holds up to the border: `a b = 1`, for any
length, where Sønderby et al. (2017, appendix B) fit b numerically and the usual zero padding is wrong at borders.
"""

import functools

import numpy as np

from zoo.errors import UserError

SCALES = (2, 3, 4, 6, 8)
KERNELS = ("bicubic", "gaussian", "box")
CONSISTENCY = (
    5e-8  # how nearly b must be an inverse; 2e-8 is reached for bicubic and factor 2, 1e-13 elsewhere
)


def downsampling_kernel(name, scale):
    """The taps of a downsampling kernel.

    Args:
      name: "bicubic", the rule of MATLAB's `imresize` with antialiasing, which the field's benchmarks are made with
        (Keys 1981, a = -1/2, stretched by the factor); "gaussian", of standard deviation 0.4 `scale`; or "box", the mean
        of each block.
      scale: int, one of `SCALES`.

    Returns:
      [K] float64, symmetric, of sum 1; K and `scale` are both even or both odd.

    Raises:
      UserError: an unknown kernel or factor.
    """
    if name not in KERNELS:
        raise UserError(f"kernel {name!r} is not known; there are {', '.join(KERNELS)}.")
    if scale not in SCALES:
        raise UserError(f"factor {scale} is not supported; there are {', '.join(map(str, SCALES))}.")
    if name == "box":
        return np.full(scale, 1 / scale)
    reach = (
        2 * scale if name == "bicubic" else 2 * scale + scale % 2
    )  # the Gaussian is cut at 5 standard deviations
    taps = _positions(2 * reach - scale % 2)
    values = _cubic(taps / scale) if name == "bicubic" else np.exp(-0.5 * (taps / (0.4 * scale)) ** 2)
    return values / values.sum()


def _positions(count):
    """Where the taps of a kernel are, in samples from its centre."""
    return np.arange(count) - (count - 1) / 2


def _cubic(t):
    """Keys' cubic convolution with a = -1/2."""
    t = np.abs(t)
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


@functools.cache
def upsampling_kernel(name, scale, prior="smooth", taps=None):
    """The taps of an exact right inverse of a downsampling kernel: upsampled, then downsampled, x is x again.

    Downsampling has s polyphase components and one output, so there are finite kernels b with a b = 1 unless the
    components share a zero (Bézout). Of all of a given length this is the one that minimizes b' W b, subject to a b = 1 and
    to sum 1 of each polyphase component of b, so that what is flat stays flat.

    Args:
      name, scale: see `downsampling_kernel`.
      prior: "smooth", W the power of differences, the inverse of the spectrum of natural images: the most probable
        picture under a Gaussian prior of that spectrum; or "none", W = 1, which tends to the Moore–Penrose inverse as the
        number of taps grows.
      taps: int, or None for 8 `scale`, and 24 at the least.

    Returns:
      [taps] float64, symmetric.

    Raises:
      UserError: an unknown kernel or factor, or there is no inverse of this length.
    """
    a = downsampling_kernel(name, scale)
    taps = taps or max(8 * scale, 24)
    taps += (taps - scale) % 2
    constraints, values = _constraints(a, taps, scale)
    if prior == "smooth":
        edges = np.diff(np.eye(taps + 2), axis=0)[:, 1:-1]  # the kernel ends in zeros
        weight = edges.T @ edges + 1e-4 * np.eye(taps)
    else:
        weight = np.eye(taps)
    # Along b = particular + kernel c, minimal where kernel' W b = 0.
    particular, _, rank, _ = np.linalg.lstsq(constraints, values, rcond=1e-12)
    kernel = np.linalg.svd(constraints)[2][rank:].T
    b = particular - kernel @ np.linalg.solve(kernel.T @ weight @ kernel, kernel.T @ weight @ particular)
    b = (b + b[::-1]) / 2
    error = np.abs(constraints @ b - values).max()
    if error > CONSISTENCY:
        raise UserError(
            f"the {name} kernel for factor {scale} has no inverse of {taps} taps (error {error:.1e})."
        )
    return b


def _constraints(a, taps, scale):
    """The linear equations of b, as (matrix, right-hand side): a b = 1 at each shift, and flatness."""
    rows, values = [], []
    centre = (len(a) - 1) / 2 - (taps - 1) / 2
    reach = (len(a) + taps) // (2 * scale) + 1
    for shift in range(-reach, reach + 1):
        k = np.arange(len(a))
        index = k - shift * scale - int(centre)
        inside = (index >= 0) & (index < taps)
        if inside.any():
            row = np.zeros(taps)
            row[index[inside]] = a[k[inside]]
            rows.append(row)
            values.append(float(shift == 0))
    for phase in range(scale):
        row = np.zeros(taps)
        row[phase::scale] = 1
        rows.append(row)
        values.append(1.0)
    return np.array(rows), np.array(values)
