"""The codec's `.tflite` files: built-in ops only, pictures of any size."""

import tensorflow as tf

from zoo.codec import portable
from zoo.codec.config import TOTAL_STRIDE
from zoo.export import tflite
from zoo.images.graph import pad_to_multiple

ENCODER, DECODER = "encoder.tflite", "decoder.tflite"  # weights in float16
INT8 = "model-int8.tflite"  # transforms alone, weights in int8


def write(directory, codec):
    """Writes the three files of a `zoo.codec.frozen.FrozenCodec` to an export's directory."""

    def convert(file, codec, names, weights):
        signatures = make_lite_signatures(codec)
        tflite.convert(directory / file, {name: signatures[name] for name in names}, weights)

    convert(ENCODER, codec, ("compress", "analyze"), "float16")
    convert(DECODER, codec, ("decompress", "synthesize"), "float16")
    convert(INT8, codec.for_quantized_weights(), ("analyze", "synthesize"), "int8")


def make_lite_signatures(codec):
    """The entries of a codec's `.tflite` files.

    compress(image [1, H, W, 3] uint8, quality [1] int32) -> file [n] uint8
    decompress(file [n] uint8) -> image [1, H, W, 3] uint8, ok [1] bool; where ok is false, nothing to be shown
    analyze(image [1, H, W, 3] uint8, quality [1] int32) -> latents [1, ⌈H/16⌉, ⌈W/16⌉, C] int32
    synthesize(latents, quality) -> image [1, 16 ⌈H/16⌉, 16 ⌈W/16⌉, 3] uint8, to be cropped by the caller

    A codec of one rate has no `quality`; one out of range is taken for the nearest. Files are those of
    `zoo.codec.files.FileCodec`, colours only.
    """
    image_spec = tf.TensorSpec([1, None, None, 3], tf.uint8, "image")
    latents_spec = tf.TensorSpec([1, None, None, codec.channels], tf.int32, "latents")
    quality_spec = [tf.TensorSpec([1], tf.int32, "quality")] if codec.qualities > 1 else []

    def known(quality):
        return [tf.clip_by_value(q, 1, codec.qualities) for q in quality]

    @tf.function(input_signature=[image_spec, *quality_spec])
    def compress(image, *quality):
        own = [q[0] for q in known(quality)]
        return {"file": tf.cast(portable.compress(codec, image[0], tf.constant(False), *own), tf.uint8)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.uint8, "file")])
    def decompress(file):
        image, _, right = portable.decompress(codec, tf.cast(file, tf.int32))
        ok = tf.reduce_all(tf.stack(list(right.values())))
        return {"image": image[tf.newaxis], "ok": tf.reshape(ok, [1])}

    @tf.function(input_signature=[image_spec, *quality_spec])
    def analyze(image, *quality):
        return {"latents": codec.analyze(pad_to_multiple(image, TOTAL_STRIDE), *known(quality))}

    @tf.function(input_signature=[latents_spec, *quality_spec])
    def synthesize(latents, *quality):
        return {"image": codec.synthesize(latents, *known(quality))}

    return {
        "compress": compress,
        "decompress": decompress,
        "analyze": analyze,
        "synthesize": synthesize,
    }
