"""Pictures inside a TensorFlow graph: decoding, for the `*_bytes` signatures, and sizes."""

import tensorflow as tf

from zoo.images.limits import MAX_PIXELS


def decode_picture(data):
    """Decodes an 8-bit PNG or a JPEG as `decode_channels` does: [height, width, 3] uint8, alpha dropped, grey to RGB."""
    return _to_rgb(decode_channels(data))


def decode_opaque(data):
    """Decodes as `decode_channels` does, but refuses what is transparent.

    Returns:
      [height, width, 3] uint8, and a scalar bool, whether the picture is grey.
    """
    image = decode_channels(data)
    channels = tf.shape(image)[2]
    opaque = (channels % 2 == 1) | tf.reduce_all(image[:, :, -1] == 255)
    with tf.control_dependencies(
        [tf.Assert(opaque, ["The picture is transparent in places; it must be opaque here."])]
    ):
        return _to_rgb(tf.identity(image)), channels <= 2


def _to_rgb(image):
    """[height, width, 1 to 4] -> [height, width, 3]."""
    last = (tf.shape(image)[2] - 1) // 2 * 2  # of its colours
    rgb = tf.gather(image, tf.minimum([0, 1, 2], last), axis=2)
    return tf.ensure_shape(rgb, [None, None, 3])


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def decode_channels(data):
    """Decodes an 8-bit PNG or a JPEG as stored: no EXIF rotation, palettes to colours.

    The size is read and checked before anything is decoded.

    Args:
      data: scalar string tensor.

    Returns:
      [height, width, channels] uint8: grey, grey and alpha, RGB or RGBA.

    Raises:
      tf.errors.InvalidArgumentError: when run, if `data` is neither, is damaged, has 16 bits a channel, or has
        more than 64 megapixels.
    """
    is_png = tf.strings.substr(data, 0, 8) == b"\x89PNG\r\n\x1a\n"
    is_jpeg = tf.strings.substr(data, 0, 2) == b"\xff\xd8"
    known = tf.Assert(is_png | is_jpeg, ["The picture is neither PNG nor JPEG."])
    with tf.control_dependencies([known]):
        return tf.cond(is_png, lambda: _decode_png(data), lambda: _decode_jpeg(data))


def _decode_png(data):
    # A PNG begins: signature (8), length and name of IHDR (8), width (4), height (4), bit depth (1).
    whole = tf.Assert(tf.strings.length(data) > 32, ["The PNG is cut off."])
    with tf.control_dependencies([whole]):
        header = tf.io.decode_raw(tf.strings.substr(data, 16, 8), tf.uint8)
        depth = tf.io.decode_raw(tf.strings.substr(data, 24, 1), tf.uint8)[0]
    header = tf.reshape(tf.cast(header, tf.int64), [2, 4])
    size = tf.reduce_sum(header * tf.constant([[2**24, 2**16, 2**8, 1]], tf.int64), axis=1)
    eight_bits = tf.Assert(depth <= 8, ["The PNG has", depth, "bits a channel; 8 are expected."])
    with tf.control_dependencies([eight_bits, _assert_size(size)]):
        return tf.io.decode_png(data)


def _decode_jpeg(data):
    size = tf.io.extract_jpeg_shape(data, tf.int64)[:2]
    with tf.control_dependencies([_assert_size(size)]):
        return tf.io.decode_jpeg(data, dct_method="INTEGER_ACCURATE")


def _assert_size(size):
    # Each side first: the product of two absurd sides would overflow.
    sane = tf.reduce_all((size > 0) & (size <= MAX_PIXELS)) & (tf.reduce_prod(size) <= MAX_PIXELS)
    return tf.Assert(sane, ["The picture's size is", size, "; at most", MAX_PIXELS, "pixels are taken."])


def pad_to_multiple(images, multiple):
    """Extends pictures at the bottom and right by repeating their last row and column.

    A constant continuation costs next to no bits and, unlike reflection, is defined from 1 x 1 pixels on.

    Args:
      images: [batch, height, width, channels], any dtype, height and width at least 1.
      multiple: int.

    Returns:
      [batch, H, W, channels], H and W the next multiples of `multiple`.
    """
    for axis in (1, 2):
        size = tf.shape(images)[axis]
        target = -(-size // multiple) * multiple
        images = tf.gather(images, tf.minimum(tf.range(target), size - 1), axis=axis)
    return images


def mirror(images, count, axis):
    """Extends pictures on two sides by mirroring, the last sample repeated: c b a | a b c d | d c b.

    Unlike `tf.pad` it is defined for extensions longer than the picture, which is then mirrored again, from one sample on.

    Args:
      images: tensor, not empty along `axis`.
      count: int, samples on either side.
      axis: int.

    Returns:
      A tensor with 2 `count` samples more along `axis`.
    """
    size = tf.shape(images)[axis]

    def side(positions):
        positions = tf.math.floormod(positions, 2 * size)
        return tf.gather(images, tf.minimum(positions, 2 * size - 1 - positions), axis=axis)

    return tf.concat([side(tf.range(-count, 0)), images, side(size + tf.range(count))], axis)
