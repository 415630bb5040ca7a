"""Checks every export, the entropy coder and the wheel with the newest TensorFlow and the newest LiteRT.

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
CASES = 250  # of random latents for the entropy coder of each export
KODAK = ROOT / "zoo" / "data" / "samples" / "kodak"


def write_answers(directory, folder, paper):
    """Writes what an export answers here: `folder/NAME@VERSION.npz`, arrays "SIGNATURE/in/NAME" and "…/out/NAME"."""
    import tensorflow as tf

    from zoo.images.files import read_rgb

    photograph = read_rgb(str(KODAK / "kodim23.png"))[100:350, 200:501]
    png = tf.io.encode_png(photograph).numpy()
    signatures = tf.saved_model.load(str(directory)).signatures
    questions = QUESTIONS[paper](signatures, photograph[None], np.array([png]))
    arrays = {}
    for name, inputs in questions.items():
        outputs = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        arrays |= {f"{name}/in/{key}": value for key, value in inputs.items()}
        arrays |= {f"{name}/out/{key}": value.numpy() for key, value in outputs.items()}
    # Bytes as numbers: a NumPy string would lose zeros at its end.
    arrays = {k: np.frombuffer(v[0], np.uint8) if v.dtype.kind in "OS" else v for k, v in arrays.items()}
    np.savez(folder / f"{directory.parent.name}@{directory.name}.npz", **arrays)


def codec_questions(signatures, image, image_bytes):
    """What codecs are asked: dict of signature to dict of inputs."""
    import tensorflow as tf

    asked = signatures["analyze"].structured_input_signature[1]
    quality = {"quality": np.array([60], np.int32)} if "quality" in asked else {}
    code = signatures["analyze"](image=tf.constant(image), **quality)
    latents = {name: value.numpy() for name, value in code.items()} | quality
    coefficients = signatures["transform"](image=tf.constant(image))["coefficients"]
    file = signatures["compress"](image=tf.constant(image), **quality)["file_bytes"]
    return {
        "analyze": {"image": image} | quality,
        "reconstruct": {"image": image} | quality,
        "synthesize": latents,
        "synthesize_bytes": latents,
        "analyze_bytes": {"image_bytes": image_bytes} | quality,
        "reconstruct_bytes": {"image_bytes": image_bytes} | quality,
        "compress": {"image": image} | quality,
        "compress_bytes": {"image_bytes": image_bytes} | quality,
        "decompress": {"file_bytes": file.numpy()},
        "decompress_bytes": {"file_bytes": file.numpy()},
        "encode": {"latents": latents["latents"]} | quality,
        "transform": {"image": image},
        "inverse_transform": {"coefficients": coefficients.numpy()},
    }


def superres_questions(signatures, image, image_bytes):
    """What super-resolution is asked: dict of signature to dict of inputs."""
    small = image[:, :61, :83]
    seed = {"seed": np.array([3], np.int32)} if _takes(signatures["upscale"], "seed") else {}
    noise = {}
    if _takes(signatures["candidate"], "noise"):
        channels = signatures["candidate"].structured_input_signature[1]["noise"].shape[-1]
        noise = {"noise": np.random.default_rng(0).normal(size=[1, 61, 83, channels]).astype(np.float32)}
    small_float = {"image": small.astype(np.float32) / 255}
    return {
        "upscale": {"image": small} | seed,
        "upscale_bytes": {"image_bytes": image_bytes} | seed,
        "upscale_float": small_float | seed,
        "candidate": small_float | noise,
        "downsample": {"image": image[:, :248, :300].astype(np.float32) / 255},
        "upsample": small_float,
    }


def _takes(signature, name):
    return name in signature.structured_input_signature[1]


def gan_questions(signatures, image, image_bytes):
    """What generators and their critics are asked: dict of signature to dict of inputs."""
    rng = np.random.default_rng(0)
    sizes = {
        name: signatures[name].structured_input_signature[1][key].shape.as_list()[1:]
        for name, key in (("generate", "noise"), ("critic_score", "image"))
    }
    return {
        "generate": {"noise": rng.normal(size=[3, *sizes["generate"]]).astype(np.float32)},
        "generate_seeded": {"seed": np.arange(40, dtype=np.int32)},
        "generate_seeded_bytes": {"seed": np.array([7], np.int32)},
        "critic_score": {"image": rng.integers(0, 256, [5, *sizes["critic_score"]], np.uint8)},
    }


QUESTIONS = {"codec": codec_questions, "superres": superres_questions, "gan": gan_questions}


def write_cases(directory, folder):
    """Writes random latents and their code, and the coder alone as a `.tflite`: `folder/NAME@VERSION.{cases.npz,coder.tflite}`."""
    import dataclasses

    import tensorflow as tf

    from zoo.coding.rans import RansCoder
    from zoo.coding.tables import Tables
    from zoo.export import tflite

    with np.load(directory / "tables.npz") as arrays:
        tables = Tables(**{field.name: arrays[field.name] for field in dataclasses.fields(Tables)})
    coder, channels = RansCoder(tables), tables.channels.shape[1]
    number = tf.TensorSpec([1], tf.int32, "quality")

    @tf.function(input_signature=[tf.TensorSpec([None, channels], tf.int32, "symbols"), number])
    def encode(symbols, quality):
        return {"code": coder.encode(symbols, quality[0])}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.uint8, "code"), tf.TensorSpec([1], tf.int32, "count"), number,
        ]
    )  # fmt: skip
    def decode(code, count, quality):
        symbols, right = coder.decode(code, count[0], quality[0])
        return {"symbols": symbols, "right": tf.reshape(right, [1])}

    stem = f"{directory.parent.name}@{directory.name}"
    tflite.convert(folder / f"{stem}.coder.tflite", {"encode": encode, "decode": decode})
    rng = np.random.default_rng(1)
    cases = {}
    for i in range(CASES):
        count, quality = int(10 ** rng.uniform(0, 2.3)), int(rng.integers(1, len(tables.channels) + 1))
        spread = rng.uniform(0, 3, channels) * (rng.random(channels) < rng.random())
        symbols = np.round(rng.standard_cauchy([count, channels]) * spread)
        symbols = np.clip(symbols, -(2**15), 2**15 - 1).astype(np.int16)
        cases |= {f"{i}/symbols": symbols, f"{i}/quality": np.array([quality], np.int32)}
        cases[f"{i}/code"] = encode(symbols.astype(np.int32), cases[f"{i}/quality"])["code"].numpy()
    np.savez_compressed(folder / f"{stem}.cases.npz", **cases)


def make_environment(side, *packages):
    """A new environment with packages; returns its bin folder."""
    environment = ROOT / f".venv-compat-{side}"
    shutil.rmtree(environment, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *packages], check=True)
    return environment / "bin"


def check_wheel(folder):
    """Builds the wheel and uses it with the newest TensorFlow, away from the checkout."""
    from zoo.codec.files import load_codec
    from zoo.images.files import read_rgb
    from zoo.metrics.psnr import psnr

    wheels = folder / "wheels"
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", wheels, ROOT], check=True
    )
    (wheel,) = wheels.glob("*.whl")
    megabytes = wheel.stat().st_size / 1e6
    assert megabytes < 40, f"the wheel has {megabytes:.1f} MB"
    bin_ = make_environment("wheel", f"toulon[serving] @ file://{wheel}")
    subprocess.run([bin_ / "python", HERE / "use_wheel.py", KODAK, folder / "used"], check=True, cwd=folder)
    codec = load_codec("bls2017-vr")
    for path in sorted(KODAK.glob("*.png")):
        image = read_rgb(str(path))
        ours = codec.encode(image, 50)
        theirs, served = (
            (folder / "used" / way / f"{path.stem}.tln").read_bytes() for way in ("commands", "client")
        )
        assert theirs == served, path.stem
        # Sums in another order: a latent near .5 may round the other way.
        assert abs(len(theirs) - len(ours)) < 0.002 * len(ours), path.stem
        assert abs(psnr(codec.decode(theirs), image) - psnr(codec.decode(ours), image)) < 0.01, path.stem
    print(
        f"the wheel, {megabytes:.1f} MB, writes files as good with the newest TensorFlow, and they can be read here"
    )


def main():
    """Makes the answers and the environments, and asks."""
    sys.path.insert(0, str(ROOT))
    from zoo import registry

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        exports = sorted(path.parent for path in (ROOT / "exported").glob("*/*/saved_model.pb"))
        for directory in exports:
            paper = registry.find(registry.read_card(directory)["model"]).paper
            write_answers(directory, folder, paper)
            if paper == "codec":
                write_cases(directory, folder)
        for side, packages in {
            "tensorflow": ["tensorflow-cpu"],
            "litert": ["ai-edge-litert", "numpy"],
        }.items():
            bin_ = make_environment(side, *packages)
            subprocess.run([bin_ / "python", HERE / f"ask_{side}.py", ROOT / "exported", folder], check=True)
        check_wheel(folder)
        print(f"{len(exports)} exports answered alike in the side environments")


if __name__ == "__main__":
    main()
