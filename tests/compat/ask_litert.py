"""Asks every `.tflite` in whatever LiteRT is installed here: ask_litert.py EXPORTED ANSWERS."""

import importlib.metadata
import pathlib
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def ask(path, arrays):
    """Asks the entries of a file; weights of half precision move a pixel by a level, those of a quarter by several."""
    interpreter = Interpreter(model_path=str(path))
    entries = interpreter.get_signature_list()
    if "upscale" in entries:
        ask_superres(interpreter, path, arrays)
    elif "generate" in entries:
        ask_gan(interpreter, path, arrays)
    else:
        ask_codec(interpreter, path, arrays)


def ask_superres(interpreter, path, arrays):
    """Asks `upscale` and `upscale_float`; of a stochastic model, for the answer without noise."""
    few, levels = (0.1, 8) if "int8" in path.name else (1e-2, 1)
    for name, unit in (("upscale", 1), ("upscale_float", 1 / 255)):
        inputs = {"image": arrays[f"{name}/in/image"]}
        if "noise" in interpreter.get_signature_list()[name]["inputs"]:
            continue  # its noise is the caller's there, and the signature's own here
        found = interpreter.get_signature_runner(name)(**inputs)["image"]
        error = np.abs(found.astype(float) - arrays[f"{name}/out/image"])
        assert np.mean(error > 1.01 * levels * unit) < few, (path, error.max())


def ask_gan(interpreter, path, arrays):
    """Asks a generator and its critic."""
    images = interpreter.get_signature_runner("generate")(noise=arrays["generate/in/noise"])["image"]
    error = np.abs(images.astype(int) - arrays["generate/out/image"])
    assert error.max() <= 1, (path, error.max())
    scores = interpreter.get_signature_runner("critic_score")(image=arrays["critic_score/in/image"])["score"]
    np.testing.assert_allclose(scores, arrays["critic_score/out/score"], rtol=1e-3, atol=1e-3)


def ask_codec(interpreter, path, arrays):
    """Asks a codec's entries."""
    entries = interpreter.get_signature_list()
    quality = {"quality": arrays["analyze/in/quality"]} if "analyze/in/quality" in arrays else {}
    expected = arrays["synthesize/out/image"].astype(int)
    few, levels = (0.1, 8) if "int8" in path.name else (1e-2, 1)

    def check(image):
        error = np.abs(image[:, : expected.shape[1], : expected.shape[2]] - expected)
        assert np.mean(error > levels) < few, (path, error.max())

    if "analyze" in entries:
        latents = interpreter.get_signature_runner("analyze")(image=arrays["analyze/in/image"], **quality)[
            "latents"
        ]
        assert np.mean(latents != arrays["analyze/out/latents"]) < few, path
    if "synthesize" in entries:
        run = interpreter.get_signature_runner("synthesize")
        check(run(latents=arrays["synthesize/in/latents"], **quality)["image"])
    if "decompress" in entries:
        decompress = interpreter.get_signature_runner("decompress")
        result = decompress(file=arrays["compress/out/file_bytes"])
        assert result["ok"][0]
        check(result["image"])
        assert not decompress(file=arrays["compress/out/file_bytes"][:-1])["ok"][0]


def code_again(path, cases):
    """Codes the random latents again, and decodes them: the same bytes, the same latents."""
    interpreter = Interpreter(model_path=str(path))
    encode, decode = (interpreter.get_signature_runner(name) for name in ("encode", "decode"))
    count = len(cases) // 3
    for i in range(count):
        symbols, quality = cases[f"{i}/symbols"].astype(np.int32), cases[f"{i}/quality"]
        assert np.array_equal(encode(symbols=symbols, quality=quality)["code"], cases[f"{i}/code"]), i
        size = np.array([len(symbols)], np.int32)
        back = decode(code=cases[f"{i}/code"], count=size, quality=quality)
        assert back["right"][0], i
        assert np.array_equal(back["symbols"], symbols), i
    return count


exported, answers = map(pathlib.Path, sys.argv[1:])
litert = f"LiteRT {importlib.metadata.version('ai-edge-litert')}"
for file in sorted(path for path in answers.glob("*@*.npz") if not path.name.endswith(".cases.npz")):
    name, version = file.stem.split("@")
    paths = sorted((exported / name / version).glob("*.tflite"))
    for path in paths:
        ask(path, np.load(file))
    cases, codes = file.with_suffix(".cases.npz"), ""
    if cases.exists():
        count = code_again(file.with_suffix(".coder.tflite"), dict(np.load(cases)))
        codes = f", {count} codes of the same bytes"
    files = ", ".join(path.name for path in paths) or "no .tflite"
    print(f"{litert}: {name} version {version}: {files} answer alike{codes}")
