"""Asks every `.tflite` in whatever LiteRT is installed here: ask_litert.py EXPORTED ANSWERS."""

import importlib.metadata
import pathlib
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

exported, answers = map(pathlib.Path, sys.argv[1:])
for file in sorted(answers.glob("*.npz")):
    name, version = file.stem.split("@")
    arrays = np.load(file)
    paths = sorted((exported / name / version).glob("*.tflite"))
    quality = {"quality": arrays["analyze/in/quality"]} if "analyze/in/quality" in arrays else {}
    expected = arrays["synthesize/out/image"].astype(int)
    for path in paths:
        interpreter = Interpreter(model_path=str(path))
        analyze, synthesize = (interpreter.get_signature_runner(s) for s in ("analyze", "synthesize"))
        latents = analyze(image=arrays["analyze/in/image"], **quality)["latents"]
        image = synthesize(latents=arrays["synthesize/in/latents"], **quality)["image"]
        error = np.abs(image[:, : expected.shape[1], : expected.shape[2]] - expected)
        # Weights of half precision move a pixel by a level; those of a quarter, with integer products, by several.
        few, levels = (0.1, 8) if "int8" in path.name else (1e-2, 1)
        assert np.mean(latents != arrays["analyze/out/latents"]) < few, path
        assert np.mean(error > levels) < few, (path, error.max())
        version_here = importlib.metadata.version("ai-edge-litert")
        print(f"LiteRT {version_here}: {name} version {version}, {path.name}, answers alike")
    if not paths:
        print(f"{name} version {version} has no .tflite")
