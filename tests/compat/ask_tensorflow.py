"""Asks every export in whatever TensorFlow is installed here: ask_tensorflow.py EXPORTED ANSWERS."""

import pathlib
import sys

import numpy as np
import tensorflow as tf

exported, answers = map(pathlib.Path, sys.argv[1:])
for file in sorted(answers.glob("*.npz")):
    name, version = file.stem.split("@")
    signatures = tf.saved_model.load(str(exported / name / version)).signatures
    arrays = np.load(file)
    for signature in sorted({key.split("/")[0] for key in arrays}):
        prefix = f"{signature}/in/"
        inputs = {
            key.removeprefix(prefix): tf.constant(arrays[key]) for key in arrays if key.startswith(prefix)
        }
        for key, value in signatures[signature](**inputs).items():
            expected = arrays[f"{signature}/out/{key}"]
            if key == "image_bytes":
                value = tf.io.decode_png(value[0])
                expected = tf.io.decode_png(tf.constant(expected)[0])
            error = np.abs(np.asarray(value, np.float64) - np.asarray(expected, np.float64))
            # A latent at a tie may round the other way, and moves the pixels around it.
            assert np.mean(error > 0.01 + 0.001 * np.abs(expected)) < 1e-3, (
                name,
                signature,
                key,
                error.max(),
            )
    print(f"TensorFlow {tf.__version__}: {name} version {version} answers alike")
