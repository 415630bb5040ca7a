"""Every exported model is whole and answers; the codecs keep their rate and quality."""

import json

import numpy as np
import pytest

import zoo
from tests import battery
from tests.conftest import ROOT
from zoo import registry
from zoo.codec.files import load_codec
from zoo.coding.container import HEADER_BYTES
from zoo.export import saved_model
from zoo.images.files import read_rgb
from zoo.metrics.psnr import psnr

EXPORTS = sorted(path.parent for path in (ROOT / "exported").glob("*/*/saved_model.pb"))
NAMES = [f"{d.parent.name}-{d.name}" for d in EXPORTS]


def test_there_are_exports():
    assert EXPORTS


@pytest.mark.slow
@pytest.mark.parametrize("directory", EXPORTS, ids=NAMES)
def test_the_battery(directory, run_python):
    battery.check_export(directory, run_python)


@pytest.mark.parametrize("directory", EXPORTS, ids=NAMES)
def test_the_trained_variables_make_the_same_model(directory):
    card = registry.read_card(directory)
    assert zoo.load(str(directory)).identity().hex() == card["identity"]
    assert f'name: "{directory.parent.name}"' in (ROOT / "exported" / "models.config").read_text()


@pytest.mark.parametrize("directory", EXPORTS, ids=NAMES)
def test_stock_ops_only(directory):
    assert saved_model.foreign_ops(directory) == []
    assert "Conv2D" in saved_model.ops(directory)


@pytest.mark.parametrize("directory", EXPORTS, ids=NAMES)
def test_files_are_as_long_as_the_model_says(directory):
    codec = load_codec(directory)
    for path in sorted((ROOT / "zoo/data/samples/kodak").glob("*.png")):
        image = read_rgb(str(path))
        estimate = codec.estimated_bits(image) / 8
        assert HEADER_BYTES <= 32
        assert 0.99 * estimate < len(codec.encode(image)) - HEADER_BYTES <= 1.015 * estimate


@pytest.mark.parametrize("directory", EXPORTS, ids=NAMES)
def test_borders_and_odd_sizes_cost_next_to_nothing(directory):
    """The frame of a small picture against the same pixels within a larger one, and sizes off the grid of 16."""
    codec = load_codec(directory)
    whole = read_rgb(str(ROOT / "zoo/data/samples/kodak/kodim23.png"))
    within = codec.decode(codec.encode(whole))
    rates = {}
    for height, width in [(256, 256), (257, 259), (241, 271)]:
        part = whole[100 : 100 + height, 150 : 150 + width]
        data = codec.encode(part)
        frame = np.ones([height, width], bool)
        frame[16:-16, 16:-16] = False
        alone = np.square(codec.decode(data) - part.astype(float))[frame].mean()
        inside = np.square(within[100 : 100 + height, 150 : 150 + width] - part.astype(float))[frame].mean()
        assert alone < 1.15 * inside, (height, width)
        latents = -(-height // 16) * -(-width // 16)
        rates[height, width] = len(data) / latents
    assert max(rates.values()) < 1.05 * rates[256, 256]


@pytest.mark.parametrize("directory", EXPORTS, ids=NAMES)
def test_rate_and_quality_on_the_shipped_pictures(directory, request):
    """Golden numbers; `pytest --remake-expected` writes them anew."""
    codec = load_codec(directory)
    found = {}
    for path in sorted((ROOT / "zoo/data/samples/kodak").glob("*.png")):
        image = read_rgb(str(path))
        data = codec.encode(image)
        found[path.stem] = {"bytes": len(data), "psnr": round(psnr(codec.decode(data), image), 3)}
    golden = ROOT / "tests" / "expected" / f"{directory.parent.name}-{directory.name}.json"
    if request.config.getoption("--remake-expected"):
        golden.write_text(json.dumps(found, indent=1) + "\n")
    expected = json.loads(golden.read_text())
    assert found.keys() == expected.keys()
    for name, numbers in expected.items():
        assert found[name]["bytes"] == pytest.approx(numbers["bytes"], rel=1e-3)
        assert found[name]["psnr"] == pytest.approx(numbers["psnr"], abs=0.01)
