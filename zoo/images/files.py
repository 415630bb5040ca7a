"""Reads and writes picture files with Pillow."""

import os

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from zoo.errors import UserError
from zoo.files import writing

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
WRITABLE = tuple(extension for extension in EXTENSIONS if extension != ".pgm")  # grey only
JPEG = {"quality": 95, "subsampling": "4:4:4"}


def open_image(path):
    """Opens a picture, decoded and upright.

    Args:
      path: str.

    Returns:
      A `PIL.Image.Image` of whatever mode the file has.

    Raises:
      UserError: the file is missing, a directory, not a picture, damaged or absurdly large.
    """
    try:
        image = Image.open(path)
        image.load()
        return ImageOps.exif_transpose(image)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a directory; give a picture file.") from None
    except UnidentifiedImageError:
        raise UserError(
            f"{path} is not a picture in a format known here (PNG, JPEG, WebP, BMP, …)."
        ) from None
    except Image.DecompressionBombError as error:
        raise UserError(f"{path} is too large to open safely: {error}") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{path} cannot be read, it may be damaged: {error}") from None


def to_rgb(image):
    """Converts a picture of any mode to 8-bit RGB: [height, width, 3] uint8. Alpha is dropped."""
    if image.mode.startswith("I;16") or image.mode == "I":
        wide = np.asarray(image).astype(np.float64)  # 16-bit grey
        image = Image.fromarray(np.round(wide.clip(0, 65535) / 257).astype(np.uint8))
    elif image.mode == "F":
        image = Image.fromarray(np.round(np.asarray(image).clip(0, 255)).astype(np.uint8))
    return np.asarray(image.convert("RGB"))


def read_rgb(path):
    """Reads a picture file as [height, width, 3] uint8.

    Raises:
      UserError: see `open_image`.
    """
    return to_rgb(open_image(path))


def write_image(path, image):
    """Writes [height, width, 3] uint8 in the format of the path's extension; the file appears whole or not at all.

    All formats keep every grey level but JPEG, which is written at quality 95 without subsampling.

    Raises:
      UserError: the extension is unknown, or the file cannot be written.
    """
    extension = os.path.splitext(path)[1].lower()
    if extension not in WRITABLE:
        raise UserError(f"{path}: cannot tell the format; use an extension such as .png.")
    options = {".jpg": JPEG, ".jpeg": JPEG, ".webp": {"lossless": True}}.get(extension, {})
    with writing(path) as temporary:
        try:
            Image.fromarray(image).save(temporary, **options)
        except ValueError as error:  # too large for the format
            raise UserError(f"{path} cannot be written: {error}.") from None
