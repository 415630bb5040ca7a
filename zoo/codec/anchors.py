"""Classical codecs to compare with, as they are in Pillow, each with its best encoder settings.

Two traps: JPEG without optimized Huffman tables loses 1.4 dB at a quarter of a bit per pixel, and Pillow's
JPEG 2000 without `mct=1`, which leaves red, green and blue correlated, loses 2 to 5 dB. Either would make a
learned codec look better than it is.
"""

import dataclasses
import io
from collections.abc import Callable

import numpy as np
from PIL import Image, features


@dataclasses.dataclass(frozen=True)
class Anchor:
    """A codec of Pillow with one setting that trades rate for quality.

    Attributes:
      name: str, in tables and files, such as "jpeg-420".
      label: str, in figures.
      format: str, Pillow's name of the format.
      feature: str, what `PIL.features` calls the library behind it.
      setting_name: str, "quality" or "ratio".
      options: function of a setting to the arguments of `PIL.Image.Image.save`.
      settings: the ladder for curves, about 0.1 to 2 bits per pixel on photographs, smallest files first.
      all_settings: everything the encoder can be set to, smallest files first.
    """

    name: str
    label: str
    format: str
    feature: str
    setting_name: str
    options: Callable[[float], dict]
    settings: tuple
    all_settings: tuple

    def encode(self, image, setting):
        """Encodes a picture, [height, width, 3] uint8, to the bytes of a whole file."""
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, self.format, **self.options(setting))
        return buffer.getvalue()

    def decode(self, data):
        """Decodes a file's bytes to [height, width, 3] uint8."""
        with Image.open(io.BytesIO(data), formats=[self.format]) as image:
            return np.asarray(image.convert("RGB"))


JPEG_LADDER = (4, 6, 8, 10, 13, 16, 20, 25, 30, 36, 42, 50, 58, 66, 73, 79, 84, 88, 91, 93)

ANCHORS = (
    Anchor(
        name="jpeg-420",
        label="JPEG 4:2:0",
        format="JPEG",
        feature="jpg",
        setting_name="quality",
        options=lambda quality: {"quality": quality, "subsampling": "4:2:0", "optimize": True},
        settings=JPEG_LADDER,
        all_settings=tuple(range(1, 101)),
    ),
    Anchor(
        name="jpeg-444",
        label="JPEG 4:4:4",
        format="JPEG",
        feature="jpg",
        setting_name="quality",
        options=lambda quality: {"quality": quality, "subsampling": "4:4:4", "optimize": True},
        settings=JPEG_LADDER,
        all_settings=tuple(range(1, 101)),
    ),
    Anchor(
        name="jpeg2000",
        label="JPEG 2000",
        format="JPEG2000",
        feature="jpg_2000",
        setting_name="ratio",
        # 24 bits per pixel divided by the ratio is the rate.
        options=lambda ratio: {"quality_layers": [ratio], "irreversible": True, "mct": 1},
        settings=(240, 192, 150, 120, 96, 80, 64, 56, 48, 40, 36, 32, 28, 24, 21, 18, 16, 14, 12, 10),
        all_settings=tuple(np.geomspace(1000, 2, 1000).round(3).tolist()),
    ),
    Anchor(
        name="webp",
        label="WebP",
        format="WEBP",
        feature="webp",
        setting_name="quality",
        options=lambda quality: {"quality": quality, "method": 6},
        settings=(0, 1, 3, 6, 10, 14, 20, 26, 33, 40, 48, 56, 64, 72, 77, 81, 85, 88, 90, 92),
        all_settings=tuple(range(101)),
    ),
    Anchor(
        name="avif",
        label="AVIF",
        format="AVIF",
        feature="avif",
        setting_name="quality",
        options=lambda quality: {"quality": quality, "speed": 6},
        settings=(8, 13, 18, 23, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 72, 76, 80, 84, 87),
        all_settings=tuple(range(101)),
    ),
)


def available():
    """The anchors that this Pillow was built with, a tuple of `Anchor`."""
    return tuple(anchor for anchor in ANCHORS if features.check(anchor.feature))


def ladder(settings, count):
    """`count` of the settings, evenly spread, both ends included; all of them where there are no more."""
    if count >= len(settings):
        return tuple(settings)
    return tuple(settings[i] for i in np.linspace(0, len(settings) - 1, count).round().astype(int))


def fit_bytes(anchor, image, limit):
    """The largest file of an anchor that is no larger than `limit`, found by bisection.

    Args:
      anchor: an `Anchor`.
      image: [height, width, 3] uint8.
      limit: int, bytes.

    Returns:
      (setting, bytes of the file), or None where even the smallest file is larger.
    """
    best = None
    low, high = 0, len(anchor.all_settings)
    while low < high:
        middle = (low + high) // 2
        setting = anchor.all_settings[middle]
        data = anchor.encode(image, setting)
        if len(data) <= limit:
            best, low = (setting, data), middle + 1
        else:
            high = middle
    return best
