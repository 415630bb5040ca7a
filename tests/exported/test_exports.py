"""Every exported model is whole and answers; the codecs keep their rate and quality."""

import json

import pytest

import zoo
from tests import battery
from tests.conftest import ROOT
from zoo import registry
from zoo.codec.files import load_codec
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
