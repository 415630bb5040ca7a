"""Bjøntegaard's delta rate: two rate–distortion curves compared in one number."""

from typing import NamedTuple

import numpy as np

METHODS = ("pchip", "akima", "linear")
MIN_POINTS = 4


class BDRate(NamedTuple):
    """Result of `bd_rate`.

    Attributes:
      percent: mean change of rate at equal quality; -20 means a fifth of the bits saved.
      low, high: the interval of quality that both curves cover, over which the mean was taken.
    """

    percent: float
    low: float
    high: float


def bd_rate(anchor_rate, anchor_quality, rate, quality, method="pchip"):
    """Bjøntegaard delta rate of a curve against an anchor.

    Both curves become functions log(rate) of quality; the mean difference over the qualities that both cover
    is the logarithm of the mean ratio of rates.

    Source: Bjøntegaard 2001 (VCEG-M33), with piecewise interpolation in place of his cubic, which oscillates.

    Args:
      anchor_rate, rate: [n >= 4] rates, such as bits per pixel, the points in any order.
      anchor_quality, quality: [n >= 4] qualities where higher is better: PSNR, or MS-SSIM in dB.
      method: interpolation, "pchip" (monotone cubic), "akima" or "linear".

    Returns:
      A `BDRate`.

    Raises:
      ValueError: too few points, a curve whose quality does not grow with its rate, no common interval of
        quality, or an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; there are {', '.join(METHODS)}.")
    anchor_q, anchor_log = _curve("the anchor", anchor_rate, anchor_quality)
    q, log = _curve("the curve", rate, quality)
    low, high = max(anchor_q[0], q[0]), min(anchor_q[-1], q[-1])
    if low >= high:
        raise ValueError(
            f"the curves share no quality: the anchor covers {anchor_q[0]:.3f} to {anchor_q[-1]:.3f}, "
            f"the curve {q[0]:.3f} to {q[-1]:.3f}."
        )
    interpolator = _interpolator(method)
    area = interpolator(q, log).integrate(low, high)
    anchor_area = interpolator(anchor_q, anchor_log).integrate(low, high)
    percent = 100 * np.expm1((area - anchor_area) / (high - low))
    return BDRate(float(percent), float(low), float(high))


def _interpolator(method):
    """The function of (x, y) that makes an interpolant with `integrate`. SciPy comes late, for who only lists."""
    from scipy import interpolate

    if method == "linear":
        return lambda x, y: interpolate.make_interp_spline(x, y, k=1)
    return {"pchip": interpolate.PchipInterpolator, "akima": interpolate.Akima1DInterpolator}[method]


def _curve(name, rate, quality):
    """Checks a curve and returns (quality, log rate), both increasing."""
    rate, quality = np.asarray(rate, np.float64), np.asarray(quality, np.float64)
    if rate.ndim != 1 or rate.shape != quality.shape:
        raise ValueError(
            f"{name} has rates {rate.shape} and qualities {quality.shape}; give two equal lists."
        )
    if len(rate) < MIN_POINTS:
        raise ValueError(f"{name} has {len(rate)} points; a BD-rate needs at least {MIN_POINTS}.")
    if not (np.isfinite(rate).all() and np.isfinite(quality).all() and (rate > 0).all()):
        raise ValueError(f"{name} has a rate that is not positive, or a value that is not finite.")
    order = np.argsort(rate)
    rate, quality = rate[order], quality[order]
    if (np.diff(rate) <= 0).any() or (np.diff(quality) <= 0).any():
        raise ValueError(f"the quality of {name} does not grow with every step of its rate.")
    return quality, np.log(rate)
