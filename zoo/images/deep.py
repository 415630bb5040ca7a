"""PNG files of 16 bits a channel, which Pillow reduces to 8 where they are coloured; by TensorFlow's decoder."""

import dataclasses

import numpy as np

from zoo.errors import UserError
from zoo.files import read_bytes, write_bytes
from zoo.images.limits import MAX_PIXELS


@dataclasses.dataclass(frozen=True)
class DeepPicture:
    """A picture of 16 bits a channel.

    Attributes:
      rgb: [height, width, 3] uint16.
      grey: bool, whether the file has a single channel of brightness.
      alpha: [height, width] uint16, or None for an opaque picture.
    """

    rgb: np.ndarray
    grey: bool = False
    alpha: np.ndarray | None = None


def is_deep(path):
    """Whether a file is a PNG of 16 bits a channel, by its header; False for what cannot be read."""
    try:
        with open(path, "rb") as file:
            head = file.read(25)
    except OSError:
        return False
    return head[:8] == b"\x89PNG\r\n\x1a\n" and head[12:16] == b"IHDR" and head[24:25] == b"\x10"


def read_deep(path):
    """Reads a file that `is_deep`: a `DeepPicture`.

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
    except tf.errors.InvalidArgumentError:
        raise UserError(f"{path} is damaged: it cannot be decoded.") from None
    channels = pixels.shape[2]
    alpha = pixels[..., -1] if channels in (2, 4) else None
    colour = pixels[..., :3] if channels > 2 else np.repeat(pixels[..., :1], 3, axis=2)
    return DeepPicture(colour, channels < 3, alpha)


def write_deep(path, picture):
    """Writes a `DeepPicture` as PNG."""
    import tensorflow as tf

    channels = [picture.rgb[..., :1] if picture.grey else picture.rgb]
    if picture.alpha is not None:
        channels.append(picture.alpha[..., np.newaxis])
    write_bytes(path, tf.io.encode_png(np.concatenate(channels, axis=2)).numpy())
