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
    interpreter = Interpreter(model_path=str(exported / name / version / "model.tflite"))
    analyze, synthesize = (interpreter.get_signature_runner(s) for s in ("analyze", "synthesize"))
    latents = analyze(image=arrays["analyze/in/image"])["latents"]
    assert np.mean(latents != arrays["analyze/out/latents"]) < 1e-3
    image = synthesize(latents=arrays["synthesize/in/latents"])["image"]
    expected = arrays["synthesize/out/image"].astype(int)
    assert np.abs(image[:, : expected.shape[1], : expected.shape[2]] - expected).max() <= 1
    print(f"LiteRT {importlib.metadata.version('ai-edge-litert')}: {name} version {version} answers alike")
