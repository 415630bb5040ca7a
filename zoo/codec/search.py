"""Finds the quality of one picture that meets a budget of bytes or a PSNR, and encodes it."""

import bisect
import dataclasses
import functools
import math

from zoo.codec.refine import refine
from zoo.errors import UserError
from zoo.metrics.psnr import psnr

TOLERANCE = 0.02  # of a rate that is asked for; beyond it the difference is said
MAX_TRIALS = 6  # refined encodings, each of which takes seconds


@dataclasses.dataclass(frozen=True)
class Target:
    """What the file shall be like.

    Attributes:
      kind: "bytes", which is never exceeded, or "bpp" or "psnr", which is met as nearly as can be.
      value: float: bytes, bits per pixel, or dB.
    """

    kind: str
    value: float


@dataclasses.dataclass(frozen=True)
class Encoded:
    """A compressed picture.

    Attributes:
      data: bytes of the file.
      quality: int.
      notes: tuple of str, what else should be said.
    """

    data: bytes
    quality: int
    notes: tuple = ()


class Draft:
    """A picture on its way into a file; what several qualities have in common is computed once.

    Args:
      codec: a `zoo.codec.files.FileCodec`.
      picture: a `zoo.images.picture.Picture`.
      effort: int from 0 to 9, see `zoo.codec.refine.refine`.

    Raises:
      UserError: the picture is too large.
    """

    def __init__(self, codec, picture, effort=0):
        self.codec, self.picture, self.effort = codec, picture, effort
        self._coefficients = codec.transform(picture.rgb)
        self.data = functools.cache(self.data)
        self.psnr = functools.cache(self.psnr)

    def symbols(self, quality, refined=False):
        """The latents at a quality: [h, w, C] int16."""
        symbols = self.codec.quantize(self._coefficients, quality)
        if refined and self.effort:
            symbols = refine(self.codec, self.picture.rgb, self._coefficients, symbols, quality, self.effort)
        return symbols

    def data(self, quality, refined=False):
        """The bytes of the file at a quality."""
        return self.codec.pack(self.picture, self.symbols(quality, refined), quality)

    def psnr(self, quality):
        """PSNR of the picture at a quality, in dB, without refinement."""
        decoded = self.codec.restore(self.symbols(quality), quality, *self.picture.rgb.shape[:2])
        return psnr(decoded, self.picture.rgb)

    def psnr_of(self, data):
        """PSNR of what a file decodes to, in dB."""
        return psnr(self.codec.decode(data), self.picture.rgb)


def compress(codec, picture, quality=None, target=None, effort=0):
    """Compresses a picture.

    Args:
      codec: a `zoo.codec.files.FileCodec`.
      picture: a `zoo.images.picture.Picture`.
      quality: int, see `FileCodec.check_quality`; ignored where there is a target.
      target: a `Target`, or None.
      effort: int from 0 to 9.

    Returns:
      An `Encoded`.

    Raises:
      UserError: no such quality, a picture that is too large, or a budget of bytes that even the lowest quality
        exceeds.
    """
    quality = check(codec, quality, target)
    draft = Draft(codec, picture, effort)
    if target is None:
        return Encoded(draft.data(quality, refined=True), quality, picture.notes)
    found = meet(draft, target)
    return dataclasses.replace(found, notes=picture.notes + found.notes)


def check(codec, quality, target):
    """The quality to take where there is no target, see `FileCodec.check_quality`.

    Raises:
      UserError: there is no such quality, or there is a target and the codec has one rate.
    """
    if target is None:
        return codec.check_quality(quality)
    if codec.qualities == 1:
        raise UserError(f"{codec.name} has one rate and cannot aim at another; take another --model.")
    return None


def meet(draft, target):
    """The file that meets a target best; see `Target`.

    Size and PSNR rise with the quality, so it is found by bisection. Refinement shifts both by about the same at
    neighbouring qualities: the shift is learned from one trial and corrects the next.

    Returns:
      An `Encoded`.

    Raises:
      UserError: the budget of bytes is below what quality 1 takes.
    """
    pixels = draft.picture.rgb.shape[0] * draft.picture.rgb.shape[1]
    if target.kind == "psnr":
        goal, plain, refined = target.value, draft.psnr, lambda q: draft.psnr_of(draft.data(q, refined=True))
    else:  # in the logarithm of the bytes
        budget = target.value if target.kind == "bytes" else target.value * pixels / 8
        goal = math.log(max(budget, 1))
        plain, refined = (lambda q, r=r: math.log(len(draft.data(q, refined=r))) for r in (False, True))
    qualities = range(1, draft.codec.qualities + 1)

    def choose(shift):
        """The quality that should meet the goal, were refinement to add `shift`."""
        below = bisect.bisect_right(
            qualities, goal, key=lambda q: plain(q) + shift
        )  # this many do not exceed it
        around = [q for q in (below, below + 1) if q in qualities]
        if target.kind == "bytes":
            return max(below, 1)
        if target.kind == "psnr":
            return around[0] if plain(around[0]) + shift >= goal else around[-1]
        return min(around, key=lambda q: abs(plain(q) + shift - goal))

    def walk(enough, quality, step):
        """Tries further qualities, one after the other, until one is enough or there are no more."""
        while not any(map(enough, found)) and quality + step in qualities:
            quality += step
            found[quality] = refined(quality)

    found, shift = {}, 0.0
    while len(found) < MAX_TRIALS:
        quality = choose(shift)
        if quality in found:
            break
        found[quality] = refined(quality)
        shift = found[quality] - plain(quality)

    if target.kind == "bpp":
        best = min(found, key=lambda q: abs(found[q] - goal))
        bpp = 8 * len(draft.data(best, refined=True)) / pixels
        short = abs(bpp / target.value - 1) > TOLERANCE
        note = f"{bpp:.3f} bits per pixel are the nearest to {target.value:g} that can be had"
    elif target.kind == "psnr":
        walk(lambda q: found[q] >= goal, max(found), 1)
        best = min((q for q in found if found[q] >= goal), default=max(found, key=found.get))
        short = found[best] < goal
        note = f"its PSNR is {found[best]:.2f} dB, the highest that {draft.codec.name} reaches"
    else:
        walk(lambda q: found[q] <= goal, min(found), -1)
        short, note = False, ""
        best = max((q for q in found if found[q] <= goal), default=None)
        if best is None:
            raise UserError(
                f"even quality 1 takes {len(draft.data(1, refined=True))} bytes for this picture, more than "
                f"{target.value:.0f}; make it smaller first."
            )
    return Encoded(draft.data(best, refined=True), best, (note,) if short else ())
