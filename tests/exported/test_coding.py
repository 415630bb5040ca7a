"""The entropy coder on real latents of every exported codec: exact, and hardly longer than its tables say."""

import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

import zoo

from tests.conftest import ROOT
from tests.exported.test_exports import of_paper
from zoo.codec.files import load_codec
from zoo.images.files import read_rgb

KODAK = os.environ.get("TOULON_KODAK")
SAMPLES = ROOT / "zoo/data/samples/kodak"


def check(codec, path, quality):
    """Codes a picture's latents and decodes them; returns ideal and real length in bits for each pixel."""
    image = read_rgb(str(path))
    symbols = codec.quantize(codec.transform(image), quality)
    code = codec.encode_latents(symbols, quality)
    np.testing.assert_array_equal(codec.decode_latents(code, quality, *symbols.shape[:2]), symbols)
    asked = tf.constant([quality]) if codec.qualities > 1 else None
    ideal = float(codec.table_bits(symbols[np.newaxis].astype(np.int32), asked)[0])
    pixels = image.shape[0] * image.shape[1]
    return ideal / pixels, 8 * len(code) / pixels


def check_all(directory, folder, qualities):
    codec = load_codec(directory)
    for path in sorted(pathlib.Path(folder).glob("*.png")):
        for quality in qualities if codec.qualities > 1 else [1]:
            ideal, real = check(codec, path, quality)
            assert 0.99 * ideal < real  # channels that are left out cost nothing, and count in the tables' sum
            if ideal >= 0.12:
                assert real < (1.01 if ideal >= 0.25 else 1.015) * ideal, (path.name, quality, ideal, real)


@of_paper("codec")
def test_latents_come_back_and_cost_what_the_tables_say(directory):
    check_all(directory, SAMPLES, [1, 50, 100])


@pytest.mark.slow
@pytest.mark.skipif(not KODAK, reason="needs Kodak's pictures, TOULON_KODAK=DIR")
@of_paper("codec")
def test_latents_of_all_of_kodak(directory):
    check_all(directory, KODAK, [1, 10, 25, 40, 55, 70, 85, 100])


def test_optimizing_graphs_changes_no_value(photograph):
    """Commands run graphs as they are, and write the same files as a server that optimizes them."""
    answers = []
    try:
        for disabled in (False, True):
            tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": disabled})
            signatures = zoo.load_export("bls2017-vr")
            coefficients = signatures["transform"](image=photograph[None, :128, :192])["coefficients"]
            pixels = signatures["inverse_transform"](coefficients=tf.round(coefficients))
            answers.append((coefficients, *pixels.values()))
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
    for optimized, plain in zip(*answers, strict=True):
        np.testing.assert_array_equal(optimized, plain)
