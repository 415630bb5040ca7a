"""Pictures of any kind, taken apart into what models work on and what is kept beside it."""

import dataclasses
import io

import numpy as np
from PIL import Image, ImageCms

from zoo.errors import UserError
from zoo.images.files import open_image, to_rgb

_OTHER_SPACES = ("CMYK", "YCbCr", "LAB", "HSV")


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture as RGB, with the rest beside it.

    Attributes:
      rgb: [height, width, 3] uint8; uint16 from `zoo.images.deep.read_deep`.
      grey: bool, whether the file has a single channel of brightness.
      alpha: [height, width] of the dtype of rgb, or None for an opaque picture.
      profile: bytes of the ICC colour profile, empty where there is none.
      notes: tuple of str, what could not be taken as it is.
    """

    rgb: np.ndarray
    grey: bool = False
    alpha: np.ndarray | None = None
    profile: bytes = b""
    notes: tuple = ()

    def to_pillow(self):
        """A `PIL.Image.Image` of mode L, LA, RGB or RGBA, its profile in `info`; of 8 bits only."""
        image = Image.fromarray(self.rgb)
        if self.grey:
            image = image.convert("L")
        if self.alpha is not None:
            image.putalpha(Image.fromarray(self.alpha))
        if self.profile:
            image.info["icc_profile"] = self.profile
        return image


def read_picture(path):
    """Reads a picture file, upright.

    Raises:
      UserError: see `zoo.images.files.open_image`.
    """
    return from_pillow(open_image(path))


def read_picture_bytes(data):
    """A `Picture` from a file's bytes; `UserError` whatever is wrong with it."""
    try:
        return read_picture(_File(data))
    except UserError:
        raise
    except (
        Exception
    ) as error:  # decoders raise all kinds of errors at damaged files; here they must not stop a run
        raise UserError(f"the file cannot be read, it may be damaged: {error!r}") from None


class _File(io.BytesIO):
    """A file's bytes, which error messages call by a name."""

    def __str__(self):
        return "the file"


def from_pillow(image):
    """Takes a `PIL.Image.Image` apart: any mode, decoded and upright; see `Picture`.

    Colours of CMYK and LAB pictures are converted to sRGB by their profile where they have one. Where nothing is
    transparent, alpha is left out.
    """
    notes = []
    if getattr(image, "n_frames", 1) > 1:
        notes.append(f"only the first of its {image.n_frames} pictures is taken")
    if image.mode.startswith("I") or image.info.get("bits") == 16:
        notes.append("its 16 bits a channel are reduced to 8")
    profile = image.info.get("icc_profile") or b""
    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("L", "LA", "La", "1") else "RGBA")
        alpha = np.asarray(image.getchannel("A"))
        alpha = None if alpha.min() == 255 else alpha
    grey = image.mode in ("1", "L", "LA", "F") or image.mode.startswith("I")
    if image.mode in _OTHER_SPACES:
        image, note = _to_srgb(image, profile)
        notes.append(note)
        profile = b""
    if profile[16:20] != (b"GRAY" if grey else b"RGB "):
        profile = b""  # of another colour space, so of no use to whoever reads the picture
    return Picture(to_rgb(image), grey, alpha, profile, tuple(notes))


def _to_srgb(image, profile):
    """A picture of another colour space in RGB, and what should be said of it."""
    note = f"its {image.mode} colours are converted to RGB"
    if not profile:
        return image.convert("RGB"), note
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        ), note
    except (ImageCms.PyCMSError, OSError):
        return image.convert(
            "RGB"
        ), f"{note} without its colour profile, which is damaged or of another space"
