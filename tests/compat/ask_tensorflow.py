"""Asks every export in whatever TensorFlow is installed here: ask_tensorflow.py EXPORTED ANSWERS."""

import pathlib
import sys

import numpy as np
import tensorflow as tf


def ask(signatures, arrays):
    """Asks the questions again; bytes of files and codes must be the same, numbers nearly."""
    for signature in sorted({key.split("/")[0] for key in arrays}):
        prefix = f"{signature}/in/"
        inputs = {key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)}
        inputs = {
            key: tf.constant([value.tobytes()] if key.endswith("_bytes") else value)
            for key, value in inputs.items()
        }
        for key, value in signatures[signature](**inputs).items():
            expected = arrays[f"{signature}/out/{key}"]
            if key in ("file_bytes", "code_bytes"):
                assert value[0].numpy() == expected.tobytes(), (signature, key)
                continue
            if key == "image_bytes":
                value, expected = tf.io.decode_png(value[0]), tf.io.decode_png(expected.tobytes())
            error = np.abs(np.asarray(value, np.float64) - np.asarray(expected, np.float64))
            # A latent at a tie may round the other way, and moves the pixels around it.
            assert np.mean(error > 0.01 + 0.001 * np.abs(expected)) < 1e-3, (signature, key, error.max())


def code_again(signatures, cases):
    """Codes the random latents again, and decodes them: the same bytes, the same latents."""
    count = len(cases) // 3
    one_rate = "quality" not in signatures["encode"].structured_input_signature[1]
    for i in range(count):
        symbols, code = cases[f"{i}/symbols"].astype(np.int32), cases[f"{i}/code"].tobytes()
        quality = {} if one_rate else {"quality": tf.constant(cases[f"{i}/quality"])}
        found = signatures["encode"](latents=tf.constant(symbols[None, None]), **quality)["code_bytes"][0]
        assert found.numpy() == code, i
        size = tf.constant([[16, 16 * len(symbols)]])
        back = signatures["decode"](code_bytes=tf.constant([code]), size=size, **quality)["latents"]
        assert np.array_equal(back[0, 0], symbols), i
    return count


exported, answers = map(pathlib.Path, sys.argv[1:])
for file in sorted(path for path in answers.glob("*@*.npz") if not path.name.endswith(".cases.npz")):
    name, version = file.stem.split("@")
    loaded = tf.saved_model.load(str(exported / name / version))
    ask(loaded.signatures, np.load(file))
    cases, codes = file.with_suffix(".cases.npz"), ""
    if cases.exists():
        codes = f", {code_again(loaded.signatures, dict(np.load(cases)))} codes of the same bytes"
    print(f"TensorFlow {tf.__version__}: {name} version {version} answers alike{codes}")
