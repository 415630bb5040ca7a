"""The signatures that write and read `.tln` files, see `zoo.codec.export.make_signatures`."""

import tensorflow as tf

from zoo.codec import checks, portable
from zoo.codec.config import TOTAL_STRIDE
from zoo.coding import file_graph
from zoo.images.graph import decode_channels, decode_opaque


def make_file_signatures(codec):
    """The signatures compress, decompress, their twins for encoded pictures, encode and decode.

    Args:
      codec: a `zoo.codec.frozen.FrozenCodec`.

    Returns:
      dict of name to `tf.function`.
    """
    latents_spec = tf.TensorSpec([None, None, None, codec.channels], tf.int32, "latents")
    quality_spec = [checks.QUALITY] if codec.qualities > 1 else []

    def each(function, inputs, quality, dtype=tf.string):
        """Maps `function(input, *quality)` over a batch."""
        quality = checks.known_quality(quality, codec.qualities)
        return tf.map_fn(lambda one: function(*one), (inputs, *quality), fn_output_signature=dtype)

    # Functions of their own, so that each is in the export, and loaded, once.
    picture_spec = tf.TensorSpec([None, None, 3], tf.uint8)
    own_spec = [tf.TensorSpec([], tf.int32)] * len(quality_spec)

    @tf.function(input_signature=[picture_spec, tf.TensorSpec([], tf.bool), *own_spec])
    def write(picture, grey, *own):
        checks.covering(picture[tf.newaxis])  # refuses what is too large
        return file_graph.to_string(portable.compress(codec, picture, grey, *own))

    def compress(image, *quality):
        return {"file_bytes": each(lambda picture, *own: write(picture, False, *own), image, quality)}

    def compress_bytes(image_bytes, *quality):
        def one(data, *own):
            return write(*decode_opaque(data), *own)

        return {"file_bytes": each(one, image_bytes, quality)}

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def read(data):
        """The picture of a file, [H, W, 3] uint8, and its parts, once the file is known to be right."""
        image, parts, right = portable.decompress(codec, file_graph.from_string(data))
        with tf.control_dependencies([checks.assert_right(right)]):
            return tf.identity(image), parts

    def decompress(file_bytes):
        image = tf.map_fn(lambda data: read(data)[0], file_bytes, fn_output_signature=tf.uint8)
        return {"image": tf.ensure_shape(image, [None, None, None, 3])}

    def decompress_bytes(file_bytes):
        def one(data):
            image, parts = read(data)
            image = tf.cond(parts["grey"], lambda: _luma(image), lambda: image)
            alpha = parts["alpha"]
            image = tf.cond(tf.size(alpha) > 0, lambda: _with_alpha(image, alpha), lambda: image)
            return tf.io.encode_png(image)

        return {"image_bytes": tf.map_fn(one, file_bytes, fn_output_signature=tf.string)}

    def encode(latents, *quality):
        def one(symbols, *own):
            code = codec.encode(tf.reshape(portable.clip_symbols(symbols), [-1, codec.channels]), *own)
            return file_graph.to_string(tf.cast(code, tf.int32))

        return {"code_bytes": each(one, latents, quality)}

    def decode(code_bytes, size, *quality):
        same = tf.Assert(tf.reduce_all(size == size[:1]), ["size differs within the batch:", size])
        with tf.control_dependencies([same, checks.assert_pixels(size[0])]):
            rows, columns = tf.unstack(-(-size[0] // TOTAL_STRIDE))

        def one(data, *own):
            data = tf.io.decode_raw(data, tf.uint8)
            plausible = codec.plausible(tf.size(data), rows * columns, *own)
            with tf.control_dependencies([tf.Assert(plausible, ["The code is too short for such a size."])]):
                symbols, right = codec.decode(data, rows * columns, *own)
            with tf.control_dependencies([tf.Assert(right, ["The code is damaged."])]):
                return tf.reshape(symbols, [rows, columns, codec.channels])

        latents = each(one, code_bytes, quality, tf.int32)
        return {"latents": tf.ensure_shape(latents, latents_spec.shape)}

    specs = {
        compress: [checks.IMAGE, *quality_spec],
        decompress: [checks.FILE_BYTES],
        compress_bytes: [checks.IMAGE_BYTES, *quality_spec],
        decompress_bytes: [checks.FILE_BYTES],
        encode: [latents_spec, *quality_spec],
        decode: [checks.CODE_BYTES, checks.SIZE, *quality_spec],
    }
    return {f.__name__: tf.function(f, input_signature=spec) for f, spec in specs.items()}


def _luma(image):
    """[H, W, 3] uint8 -> [H, W, 1], as Pillow computes it (ITU-R 601)."""
    total = tf.reduce_sum(tf.cast(image, tf.int32) * [19595, 38470, 7471], axis=2, keepdims=True)
    return tf.cast(tf.bitwise.right_shift(total + (1 << 15), 16), tf.uint8)


def _with_alpha(image, data):
    """A picture with the alpha that a PNG file, int32 bytes, holds."""
    alpha = decode_channels(file_graph.to_string(data))[:, :, :1]
    fits = tf.reduce_all(tf.shape(alpha) == tf.concat([tf.shape(image)[:2], [1]], 0))
    with tf.control_dependencies([tf.Assert(fits, ["The file is damaged: its alpha is of another size."])]):
        return tf.concat([image, alpha], axis=2)
