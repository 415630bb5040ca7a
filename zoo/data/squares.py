"""Sets of small square pictures of one size, in memory: what generators learn."""

import numpy as np
import tensorflow as tf

from zoo.data.source import from_arrays
from zoo.errors import UserError


def load_squares(source, size, split="train"):
    """Opens a set of pictures and makes all of them squares of one size.

    Their middle is cut out; what is larger is reduced (antialiased), what is smaller gets a black border, as MNIST's 28
    pixels do for networks of 32.

    Args:
      source: str, see `zoo.data.load`.
      size: int, side in pixels.
      split: str.

    Returns:
      A `Source` in memory: "image" [size, size, C] uint8, and "label" where the set has labels.

    Raises:
      UserError: there is no such set, or it is empty.
    """
    import zoo.data

    whole = zoo.data.load(source, split)
    if not len(whole):
        raise UserError(f"{source} has no pictures.")
    channels = whole.features["image"][1][-1]
    images = np.empty([len(whole), size, size, channels], np.uint8)
    labels = np.empty([len(whole)], np.int64) if "label" in whole.features else None
    for i in range(len(whole)):
        example = whole[i]
        images[i] = to_square(example["image"], size)
        if labels is not None:
            labels[i] = example["label"]
    return from_arrays(whole.name, {"image": images} | ({} if labels is None else {"label": labels}))


def to_square(image, size):
    """The middle of a picture at one size: [h, w, C] uint8 -> [size, size, C] uint8; see `load_squares`."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    image = image[top : top + side, left : left + side]
    if side > size:
        reduced = tf.image.resize(image, [size, size], "area").numpy()
        return np.round(reduced).astype(np.uint8)
    before = (size - side) // 2
    return np.pad(image, [(before, size - side - before)] * 2 + [(0, 0)])


def to_signed(image):
    """uint8 in [0, 255] to float32 in [-1, 1], the range of a tanh."""
    return tf.cast(image, tf.float32) / 127.5 - 1
