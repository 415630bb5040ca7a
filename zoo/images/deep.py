"""PNG files of 16 bits a channel, which Pillow reduces to 8 where they are coloured; by TensorFlow's decoder."""

import io
import zlib

import numpy as np
from PIL import Image
from PIL.ExifTags import Base
from PIL.PngImagePlugin import putchunk

from zoo.errors import UserError
from zoo.files import read_bytes, write_bytes
from zoo.images.limits import MAX_PIXELS
from zoo.images.picture import Picture

HEADER = 33  # bytes of the signature and the chunk IHDR
# EXIF's orientation -> what turns pixels [height, width, channels] upright.
UPRIGHT = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


def is_deep(path):
    """Whether a file is a PNG of 16 bits a channel, by its header; False for what cannot be read."""
    try:
        with open(path, "rb") as file:
            head = file.read(25)
    except OSError:
        return False
    return head[:8] == b"\x89PNG\r\n\x1a\n" and head[12:16] == b"IHDR" and head[24:25] == b"\x10"


def read_deep(path):
    """Reads a file that `is_deep`, upright: a `Picture` whose rgb and alpha are uint16.

    Raises:
      UserError: it is damaged or too large.
    """
    import tensorflow as tf

    data = read_bytes(path)
    width, height = (int.from_bytes(data[i : i + 4], "big") for i in (16, 20))
    if width * height > MAX_PIXELS:
        raise UserError(
            f"{path}: {width} x {height} pixels; at most {MAX_PIXELS / 1e6:.0f} megapixels are read."
        )
    try:
        pixels = tf.io.decode_png(data, dtype=tf.uint16).numpy()
        with Image.open(io.BytesIO(data)) as image:
            profile = image.info.get("icc_profile") or b""
            orientation = image.getexif().get(Base.Orientation)
    except (tf.errors.InvalidArgumentError, OSError, SyntaxError, ValueError):
        raise UserError(f"{path} is damaged: it cannot be decoded.") from None
    pixels = UPRIGHT.get(orientation, lambda a: a)(pixels)
    channels = pixels.shape[2]
    alpha = pixels[..., -1] if channels in (2, 4) else None
    colour = pixels[..., :3] if channels > 2 else np.repeat(pixels[..., :1], 3, axis=2)
    return Picture(colour, channels < 3, alpha, profile)


def write_deep(path, picture):
    """Writes a `Picture` whose rgb and alpha are uint16 as PNG, with its profile.

    Raises:
      UserError: the file cannot be written.
    """
    import tensorflow as tf

    channels = [picture.rgb[..., :1] if picture.grey else picture.rgb]
    if picture.alpha is not None:
        channels.append(picture.alpha[..., np.newaxis])
    data = tf.io.encode_png(np.concatenate(channels, axis=2)).numpy()
    file = io.BytesIO()
    file.write(data[:HEADER])
    if picture.profile:  # its chunk comes before the pixels
        putchunk(file, b"iCCP", b"ICC Profile\0\0", zlib.compress(picture.profile))
    file.write(data[HEADER:])
    write_bytes(path, file.getvalue())
