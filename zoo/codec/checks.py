"""What the codec's signatures take, and how they refuse the rest before anything is computed."""

import tensorflow as tf

from zoo.codec.config import TOTAL_STRIDE
from zoo.images.graph import pad_to_multiple
from zoo.images.limits import MAX_PIXELS

IMAGE = tf.TensorSpec([None, None, None, 3], tf.uint8, "image")
IMAGE_BYTES = tf.TensorSpec([None], tf.string, "image_bytes")
FILE_BYTES = tf.TensorSpec([None], tf.string, "file_bytes")
CODE_BYTES = tf.TensorSpec([None], tf.string, "code_bytes")
SIZE = tf.TensorSpec([None, 2], tf.int32, "size")
QUALITY = tf.TensorSpec([None], tf.int32, "quality")


def known_quality(quality, qualities):
    """The quality, a list of at most one [B] tensor, once it is known to be one."""
    if not quality:
        return []
    there = (quality[0] >= 1) & (quality[0] <= qualities)
    message = ["quality is", quality[0], f"; expected 1 to {qualities}."]
    with tf.control_dependencies([tf.Assert(tf.reduce_all(there), message)]):
        return [tf.identity(quality[0])]


def covering(image):
    """Pictures [B, H, W, 3], not too large, extended to whole latents."""
    covered = -(-tf.shape(image)[1:3] // TOTAL_STRIDE) * TOTAL_STRIDE
    with tf.control_dependencies([assert_pixels(covered)]):
        return pad_to_multiple(tf.identity(image), TOTAL_STRIDE)


def assert_pixels(size):
    """An op that fails unless a size, [2] int32, is one of 1 to 64 megapixels."""
    pixels = tf.reduce_prod(tf.cast(size, tf.int64))
    return tf.Assert(
        (pixels > 0) & (pixels <= MAX_PIXELS),
        ["The picture's size is", size, "; 1 to", MAX_PIXELS, "pixels."],
    )


def assert_right(right):
    """An op that fails with the first message of a dict of message to scalar bool whose bool is false."""
    holds = tf.stack(list(right.values()))
    message = tf.gather(list(right), tf.argmin(tf.cast(holds, tf.int32)))
    return tf.Assert(tf.reduce_all(holds), [tf.strings.join(["The file ", message, "."])])
