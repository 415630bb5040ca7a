"""Pictures to `.tln` files and back inside a graph: transforms, rounding, entropy coding and the file's header."""

import tensorflow as tf

from zoo.codec.config import TOTAL_STRIDE
from zoo.coding import file_graph
from zoo.images.graph import pad_to_multiple
from zoo.images.limits import MAX_PIXELS

MAX_SYMBOL = 2**15 - 1
_MAX_LATENTS = MAX_PIXELS // TOTAL_STRIDE**2


def clip_symbols(latents):
    """Latents as files keep them: within 16 bits."""
    return tf.clip_by_value(latents, -MAX_SYMBOL - 1, MAX_SYMBOL)


def compress(codec, image, grey, quality=None):
    """Compresses a picture; the bytes are those that `zoo.codec.files.FileCodec.encode` writes.

    Args:
      codec: a `zoo.codec.frozen.FrozenCodec`.
      image: [H, W, 3] uint8.
      grey: scalar bool, whether the file shall be said to be grey.
      quality: scalar int32 from 1 to `codec.qualities`; None for a codec of one rate.

    Returns:
      [n] int32 bytes.
    """
    height, width = tf.unstack(tf.shape(image)[:2])
    padded = pad_to_multiple(image[tf.newaxis], TOTAL_STRIDE)
    latents = codec.analyze(padded, None if quality is None else quality[tf.newaxis])
    return pack(codec, latents[0], height, width, grey, quality)


def pack(codec, latents, height, width, grey, quality=None):
    """The file of a picture's latents, [h, w, C] int32; see `compress`."""
    symbols = tf.reshape(clip_symbols(latents), [-1, codec.channels])
    payload = tf.cast(codec.encode(symbols, quality), tf.int32)
    number = tf.constant(0) if quality is None else quality
    return file_graph.pack(codec.identity, number, grey, height, width, payload)


def unpack(codec, data):
    """Reads a file.

    Args:
      codec: a `zoo.codec.frozen.FrozenCodec`.
      data: [n] int32 bytes.

    Returns:
      latents: [h, w, C] int32.
      parts: dict of scalars quality, height, width, grey, and [·] alpha, the bytes of a PNG file or nothing.
      right: dict of message to scalar bool, what must hold, in the order in which to tell. Where something does not,
        the rest is that of a picture of 16 x 16 pixels.
    """
    parts, right = file_graph.unpack(data, codec.identity)
    kept = (parts["quality"] >= 1) & (parts["quality"] <= codec.qualities)
    right["is damaged: there is no such quality"] = kept if codec.qualities > 1 else parts["quality"] == 0
    quality = tf.clip_by_value(parts["quality"], 1, codec.qualities)
    own = quality if codec.qualities > 1 else None
    height, width = parts["height"], parts["width"]
    rows, columns = (-(-n // TOTAL_STRIDE) for n in (height, width))
    possible = (height > 0) & (width > 0) & (columns <= _MAX_LATENTS // tf.maximum(rows, 1))
    right[f"claims more than {MAX_PIXELS // 2**20} megapixels, or none"] = possible
    count = tf.where(possible, rows * columns, 1)
    plausible = codec.plausible(tf.size(parts["payload"]), count, own)
    right["is damaged: its payload is too short for such a picture"] = plausible
    sound = tf.reduce_all(tf.stack(list(right.values())))
    height, width = (tf.where(sound, n, TOTAL_STRIDE) for n in (height, width))
    rows, columns = (-(-n // TOTAL_STRIDE) for n in (height, width))
    payload = tf.cast(parts["payload"], tf.uint8)
    symbols, decoded = codec.decode(payload, rows * columns, own)
    right["is damaged: its payload cannot be decoded"] = decoded | ~sound
    latents = tf.reshape(clip_symbols(symbols), [rows, columns, codec.channels])
    return latents, parts | {"quality": quality, "height": height, "width": width}, right


def decompress(codec, data):
    """Restores the picture of a file: [n] int32 bytes -> [H, W, 3] uint8, and `parts` and `right` as in `unpack`."""
    latents, parts, right = unpack(codec, data)
    quality = parts["quality"][tf.newaxis] if codec.qualities > 1 else None
    image = codec.synthesize(latents[tf.newaxis], quality)[0]
    return image[: parts["height"], : parts["width"]], parts, right
