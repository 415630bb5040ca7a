"""Converts to TFLite, built-in ops only."""

import pathlib
import tempfile

import tensorflow as tf

from zoo.export.saved_model import save_signatures


def convert(path, signatures, weights="float32"):
    """Writes a `.tflite` file with one entry per signature.

    Args:
      path: file to write.
      signatures: dict of name to `tf.function`, as in `save_signatures`; sizes may be dynamic.
      weights: "float32"; "float16", which halves the file; or "int8", which quarters it, with a scale for each output
        channel. Computation is in float32 with the first two; with the third, runtimes that can compute products of
        integers.

    Raises:
      tf.lite ConverterError: an op has no built-in counterpart; there is no falling back on TensorFlow's own
        ops, which current runtimes no longer carry.
    """
    with tempfile.TemporaryDirectory() as directory:
        save_signatures(directory, signatures, next(iter(signatures)))
        converter = tf.lite.TFLiteConverter.from_saved_model(directory, signature_keys=list(signatures))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if weights != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if weights == "float16":
            converter.target_spec.supported_types = [tf.float16]
        pathlib.Path(path).write_bytes(converter.convert())
