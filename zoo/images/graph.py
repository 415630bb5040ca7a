"""Encoded pictures inside a TensorFlow graph, for the `*_bytes` signatures."""

import tensorflow as tf

from zoo.images.limits import MAX_PIXELS


def decode_picture(data):
    """Decodes an 8-bit PNG or a JPEG as stored: no EXIF rotation, alpha dropped, grey and palette to RGB.

    The size is read and checked before anything is decoded.

    Args:
      data: scalar string tensor.

    Returns:
      [height, width, 3] uint8.

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
        return tf.io.decode_png(data, channels=3)


def _decode_jpeg(data):
    size = tf.io.extract_jpeg_shape(data, tf.int64)[:2]
    with tf.control_dependencies([_assert_size(size)]):
        return tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")


def _assert_size(size):
    # Each side first: the product of two absurd sides would overflow.
    sane = tf.reduce_all((size > 0) & (size <= MAX_PIXELS)) & (tf.reduce_prod(size) <= MAX_PIXELS)
    return tf.Assert(sane, ["The picture's size is", size, "; at most", MAX_PIXELS, "pixels are taken."])
