"""Measures codecs on pictures, and compares their rate–distortion curves. Rates are of real files' bytes."""

import dataclasses
import time

import numpy as np

from zoo.metrics.bd_rate import MIN_POINTS, bd_rate
from zoo.metrics.ms_ssim import ms_ssim, ms_ssim_db
from zoo.metrics.psnr import psnr

FIELDS = (
    "codec", "setting", "image", "width", "height", "bytes", "bpp", "estimated_bpp",
    "psnr", "ms_ssim", "encode_s", "decode_s",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Curve:
    """A codec's averages over a set of pictures, one point a setting.

    Attributes:
      name, label: str, for tables and for figures.
      kind: "model", "anchor" or "published".
      settings: tuple of str.
      bpp, psnr, ms_ssim: tuples of float by rising rate: bits per pixel, dB, MS-SSIM of RGB.
    """

    name: str
    label: str
    kind: str
    settings: tuple
    bpp: tuple
    psnr: tuple
    ms_ssim: tuple

    def quality(self, metric):
        """The curve's quality in dB, [points] float64; metric is "psnr" or "ms_ssim"."""
        return np.asarray(self.psnr) if metric == "psnr" else ms_ssim_db(self.ms_ssim)

    def at(self, bpp, metric):
        """Quality in dB at a rate; None outside of the curve.

        Linear in the logarithm of the rate, in which curves are nearly straight. Linear in the rate itself, eight
        points of a curve would lie up to half a decibel below the curve, and flatter what is compared with it.
        """
        if not self.bpp[0] <= bpp <= self.bpp[-1]:
            return None
        return float(np.interp(np.log(bpp), np.log(self.bpp), self.quality(metric)))

    def between(self, low, high):
        """The part of the curve between two rates, its ends interpolated as in `at`; a `Curve`."""
        ends = [bpp for bpp in (low, high) if self.bpp[0] < bpp < self.bpp[-1] and bpp not in self.bpp]
        inner = [i for i, bpp in enumerate(self.bpp) if low <= bpp <= high]
        points = [(self.bpp[i], self.psnr[i], self.ms_ssim[i], self.settings[i]) for i in inner]
        points += [(bpp, self.at(bpp, "psnr"), 1 - 10 ** (-self.at(bpp, "ms_ssim") / 10), "") for bpp in ends]
        bpp, psnrs, ms_ssims, settings = zip(*sorted(points), strict=True) if points else 4 * [()]
        return dataclasses.replace(self, settings=settings, bpp=bpp, psnr=psnrs, ms_ssim=ms_ssims)


def measure(codec, setting, image_name, image, encode, decode, estimated_bits=None):
    """Encodes and decodes one picture.

    Args:
      codec, setting, image_name: str, for the row.
      image: [height, width, 3] uint8.
      encode: function of the picture to the bytes of a whole file.
      decode: function of these bytes to a picture.
      estimated_bits: function of the picture to a model's own estimate of the rate, which may be None; or None.

    Returns:
      dict with the keys `FIELDS`: a row of the table of pictures. `estimated_bpp` is None for codecs without.
    """
    start = time.perf_counter()
    data = encode(image)
    encoded = time.perf_counter()
    decoded = decode(data)
    end = time.perf_counter()
    height, width = image.shape[:2]
    pixels = height * width
    bits = estimated_bits(image) if estimated_bits else None
    return {
        "codec": codec,
        "setting": setting,
        "image": image_name,
        "width": width,
        "height": height,
        "bytes": len(data),
        "bpp": 8 * len(data) / pixels,
        "estimated_bpp": None if bits is None else bits / pixels,
        "psnr": psnr(decoded, image),
        "ms_ssim": ms_ssim(decoded, image),
        "encode_s": encoded - start,
        "decode_s": end - encoded,
    }


def average(rows, name, label, kind):
    """A codec's curve: rows of all pictures averaged at constant setting, as published curves are."""
    settings = list(dict.fromkeys(row["setting"] for row in rows))
    points = []
    for setting in settings:
        same = [row for row in rows if row["setting"] == setting]
        points.append(
            (*(float(np.mean([row[k] for row in same])) for k in ("bpp", "psnr", "ms_ssim")), setting)
        )
    bpp, psnrs, ms_ssims, settings = zip(*sorted(points), strict=True)
    return Curve(name, label, kind, settings, bpp, psnrs, ms_ssims)


def compare_at_rate(curve, references):
    """Quality of each point of a curve beside that of other codecs at the same rate.

    Args:
      curve: a `Curve`.
      references: list of `Curve`.

    Returns:
      list of dicts: codec, setting, bpp, reference, and for psnr and ms_ssim_db the value, the reference's
      (None where its curve does not reach that rate) and their difference, in dB.
    """
    table = []
    for i, bpp in enumerate(curve.bpp):
        for reference in references:
            row = {"codec": curve.name, "setting": curve.settings[i], "bpp": bpp, "reference": reference.name}
            for metric, key in (("psnr", "psnr"), ("ms_ssim", "ms_ssim_db")):
                ours, theirs = float(curve.quality(metric)[i]), reference.at(bpp, metric)
                row[key] = ours
                row[f"reference_{key}"] = theirs
                row[f"difference_{key}"] = None if theirs is None else ours - theirs
            table.append(row)
    return table


def bd_rates(curve, references, rates):
    """BD-rates of a curve against other codecs, by PSNR and by MS-SSIM in dB.

    Args:
      curve: a `Curve`; one with fewer than four points has no BD-rates.
      references: list of `Curve`.
      rates: (lowest, highest) bits per pixel of the part of `curve` that is compared.

    Returns:
      list of dicts: codec, reference, metric, percent, and low and high, the interval of quality in dB. Where
      there is no BD-rate, these are None and `reason` says why.
    """
    curve = curve.between(*rates)
    if len(curve.bpp) < MIN_POINTS:
        return []
    table = []
    for reference in references:
        for metric in ("psnr", "ms_ssim"):
            row = {"codec": curve.name, "reference": reference.name, "metric": metric}
            try:
                result = bd_rate(reference.bpp, reference.quality(metric), curve.bpp, curve.quality(metric))
                row |= result._asdict() | {"reason": None}
            except ValueError as error:
                row |= {"percent": None, "low": None, "high": None, "reason": str(error)}
            table.append(row)
    return table
