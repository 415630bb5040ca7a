"""Reads and writes picture files with Pillow."""

import os
import tempfile

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from zoo.errors import UserError
from zoo.files import read_bytes, writing

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
WRITABLE = tuple(extension for extension in EXTENSIONS if extension != ".pgm")  # grey only
WITH_ALPHA = (".png", ".webp", ".tif", ".tiff")
JPEG = {"quality": 95, "subsampling": "4:4:4"}


def open_image(path):
    """Opens a picture, decoded and upright.

    Args:
      path: str.

    Returns:
      A `PIL.Image.Image` of whatever mode the file has; `info["bits"]` is 16 where the file has 16 bits a channel.

    Raises:
      UserError: the file is missing, a directory, not a picture, damaged or absurdly large.
    """
    try:
        image = Image.open(path)
        # Pillow keeps 8 of the 16 bits of colour, and says so only before it decodes.
        wide = any(";16" in str(tile[3]) for tile in image.tile)
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        if wide:
            image.info["bits"] = 16
        return image
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
    """Writes a picture in the format of the path's extension; the file appears whole or not at all.

    All formats keep every grey level but JPEG, which is written at quality 95 without subsampling. The colour
    profile goes along where the format has one.

    Args:
      path: str.
      image: [height, width, 3] uint8, or a `PIL.Image.Image` of mode L, LA, RGB or RGBA.

    Raises:
      UserError: the extension is unknown, the format has no transparency and the picture has, or the file cannot be
        written.
    """
    extension = os.path.splitext(path)[1].lower()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    check_writable(path, image.has_transparency_data)
    options = {".jpg": JPEG, ".jpeg": JPEG, ".webp": {"lossless": True, "exact": True}}.get(extension, {})
    if "icc_profile" in image.info:
        options = options | {"icc_profile": image.info["icc_profile"]}
    with writing(path) as temporary:
        try:
            image.save(temporary, **options)
        except ValueError as error:  # too large for the format
            raise UserError(f"{path} cannot be written: {error}.") from None


def encode_image(picture, extension):
    """A `PIL.Image.Image` as `write_image` writes it: bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "picture" + extension)
        try:
            write_image(path, picture)
        except UserError as error:
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None  # the disk is at fault, not the file
            raise
        return read_bytes(path)


def check_writable(path, transparent=False):
    """Raises a `UserError` unless `write_image` knows the format of the path and the format has what is needed."""
    extension = os.path.splitext(path)[1].lower()
    if extension not in WRITABLE:
        raise UserError(f"{path}: cannot tell the format; use an extension such as .png.")
    if transparent and extension not in WITH_ALPHA:
        raise UserError(f"{path}: this format has no transparency, and the picture has; use .png.")
