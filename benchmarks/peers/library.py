"""tensorflow-compression's own way to compress: its `bls2017.py` written anew, with our network's trained variables."""

import tensorflow as tf
import tensorflow_compression as tfc

from benchmarks.codec import reference_model


def make_library(model):
    """The library's way, kernels recomputed at every call.

    Args:
      model: a trained `zoo.codec.model.BLS2017`; its tables are taken too, so that rates can be compared.

    Returns:
      Two functions: compress, [H, W, 3] uint8 to bytes; decompress, the reverse.
    """
    network = reference_model(model.config)
    for name in ("analysis", "synthesis"):
        mine, yours = (getattr(m, name).trainable_variables for m in (network, model))
        for variable, value in zip(mine, yours, strict=True):
            variable.assign(value)
    entropy_model = tfc.ContinuousBatchedEntropyModel(
        prior_shape=model.cdf_offset.shape,
        coding_rank=3,
        compression=True,
        cdf=model.cdf.value(),
        cdf_offset=model.cdf_offset.value(),
        quantization_offset=model.quantization_offset.value(),
        bottleneck_dtype=tf.float32,
    )

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)])
    def compress_tensors(x):
        x = tf.cast(x[None], tf.float32) / 255
        y = network.analysis(x)
        return entropy_model.compress(y), tf.shape(x)[1:-1], tf.shape(y)[1:-1]

    size = tf.TensorSpec([2], tf.int32)

    @tf.function(input_signature=[tf.TensorSpec([1], tf.string), size, size])
    def decompress_tensors(string, x_shape, y_shape):
        x = network.synthesis(entropy_model.decompress(string, y_shape))
        x = 255 * x[0, : x_shape[0], : x_shape[1], :]
        return tf.saturate_cast(tf.round(x), tf.uint8)

    def compress(image):
        packed = tfc.PackedTensors()
        packed.pack(compress_tensors(image))
        return packed.string

    def decompress(data):
        return decompress_tensors(*tfc.PackedTensors(data).unpack([tf.string, tf.int32, tf.int32])).numpy()

    return compress, decompress
