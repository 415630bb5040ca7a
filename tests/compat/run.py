"""Checks every export in the newest TensorFlow and the newest LiteRT, in environments of their own.

    make compat

Questions and answers are written down here, with the TensorFlow that made the exports; a small script in each side
environment asks again. The environments are made new at every run, so that "newest" means today's.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
SIDES = {"tensorflow": ["tensorflow-cpu"], "litert": ["ai-edge-litert"]}


def write_answers(folder):
    """Writes what each export answers here: `folder/NAME-VERSION.npz`, arrays "SIGNATURE/in/NAME" and "…/out/NAME"."""
    sys.path.insert(0, str(ROOT))
    import tensorflow as tf

    from zoo.images.files import read_rgb

    photograph = read_rgb(str(ROOT / "zoo/data/samples/kodak/kodim23.png"))[100:350, 200:501]
    png = tf.io.encode_png(photograph).numpy()
    count = 0
    for path in sorted((ROOT / "exported").glob("*/*/saved_model.pb")):
        signatures = tf.saved_model.load(str(path.parent)).signatures
        asked = signatures["analyze"].structured_input_signature[1]
        quality = {"quality": np.array([60], np.int32)} if "quality" in asked else {}
        code = signatures["analyze"](image=tf.constant(photograph[None]), **quality)
        latents = {name: value.numpy() for name, value in code.items()} | quality
        coefficients = signatures["transform"](image=tf.constant(photograph[None]))["coefficients"]
        questions = {
            "analyze": {"image": photograph[None]} | quality,
            "reconstruct": {"image": photograph[None]} | quality,
            "synthesize": latents,
            "synthesize_bytes": latents,
            "analyze_bytes": {"image_bytes": np.array([png])} | quality,
            "reconstruct_bytes": {"image_bytes": np.array([png])} | quality,
            "transform": {"image": photograph[None]},
            "inverse_transform": {"coefficients": coefficients.numpy()},
        }
        arrays = {}
        for name, inputs in questions.items():
            outputs = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
            arrays |= {f"{name}/in/{key}": value for key, value in inputs.items()}
            arrays |= {f"{name}/out/{key}": value.numpy() for key, value in outputs.items()}
        arrays = {key: np.array(v.tolist()) if v.dtype == object else v for key, v in arrays.items()}
        np.savez(folder / f"{path.parent.parent.name}@{path.parent.name}.npz", **arrays)
        count += 1
    return count


def main():
    """Makes the answers and the environments, and asks."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        count = write_answers(folder)
        if not count:
            sys.exit("there are no exports in exported/ to check")
        for side, packages in SIDES.items():
            environment = ROOT / f".venv-compat-{side}"
            shutil.rmtree(environment, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
            python = environment / "bin" / "python"
            subprocess.run([python, "-m", "pip", "install", "--quiet", "numpy", *packages], check=True)
            subprocess.run([python, HERE / f"ask_{side}.py", ROOT / "exported", folder], check=True)
        print(f"{count} exports answered alike in {len(SIDES)} side environments")


if __name__ == "__main__":
    main()
