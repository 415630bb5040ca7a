"""Every exported model is whole and answers; the codecs keep their rate and quality."""

import json

import numpy as np
import pytest
from PIL import Image

import zoo
from tests import battery
from tests.conftest import ROOT
from zoo import registry
from zoo.codec.files import load_codec
from zoo.coding.container import HEADER_BYTES
from zoo.export import saved_model
from zoo.images.files import read_rgb, write_image
from zoo.images.sheets import make_sheet
from zoo.metrics.psnr import psnr
from zoo.superres.projection import Downsample
from zoo.superres.upscale import Upscaler

EXPORTS = sorted(path.parent for path in (ROOT / "exported").glob("*/*/saved_model.pb"))


def of_paper(paper, argument="directory", **kwargs):
    """Marks a test to run for every export of a paper's models."""
    found = [d for d in EXPORTS if registry.find(registry.read_card(d)["model"]).paper == paper]
    ids = [f"{d.parent.name}-{d.name}" for d in found]
    return pytest.mark.parametrize(argument, found, ids=ids, **kwargs)


every_export = pytest.mark.parametrize("directory", EXPORTS, ids=[f"{d.parent.name}-{d.name}" for d in EXPORTS])


def test_there_are_exports():
    assert EXPORTS


@pytest.mark.slow
@every_export
def test_the_battery(directory, run_python):
    battery.check_export(directory, run_python)


@every_export
def test_the_trained_variables_make_the_same_model(directory):
    card, model = registry.read_card(directory), zoo.load(str(directory))
    assert sum(int(np.prod(v.shape)) for v in model.variables if v.trainable) == card["parameters"]
    assert "identity" not in card or model.identity().hex() == card["identity"]
    assert f'name: "{directory.parent.name}"' in (ROOT / "exported" / "models.config").read_text()


@every_export
def test_stock_ops_only(directory):
    assert saved_model.foreign_ops(directory) == []
    assert {"Conv2D", "MatMul"} & set(saved_model.ops(directory))


@of_paper("codec")
def test_files_are_as_long_as_the_model_says(directory):
    codec = load_codec(directory)
    for path in sorted((ROOT / "zoo/data/samples/kodak").glob("*.png")):
        image = read_rgb(str(path))
        estimate = codec.estimated_bits(image) / 8
        assert HEADER_BYTES <= 32
        assert 0.99 * estimate < len(codec.encode(image)) - HEADER_BYTES <= 1.015 * estimate


@of_paper("codec")
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


@of_paper("codec")
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


@of_paper("gan")
def test_generators_make_the_same_pictures_of_the_same_seeds(directory, request):
    """Golden sheets; `pytest --remake-expected` writes them anew."""
    signatures = registry.load_export(directory)
    images = signatures["generate_seeded"](seed=np.arange(64, dtype=np.int32))["image"].numpy()
    sheet = make_sheet(images / 127.5 - 1)
    golden = ROOT / "tests" / "expected" / f"{directory.parent.name}-{directory.name}.png"
    if request.config.getoption("--remake-expected"):
        write_image(str(golden), sheet)
    assert np.abs(sheet.astype(int) - read_rgb(str(golden))).max() <= 1
    again = signatures["generate_seeded"](seed=np.array([63, 5], np.int32))["image"].numpy()
    assert np.abs(again.astype(int) - images[[63, 5]]).max() <= 1
    assert images.std(axis=0).mean() > 20  # the pictures differ


@of_paper("superres")
def test_super_resolution_keeps_to_its_input_and_beats_interpolation(directory):
    """The shipped pictures reduced, enlarged and compared, against bicubic interpolation."""
    upscaler = Upscaler(str(directory))
    for path in sorted((ROOT / "zoo/data/samples/kodak").glob("*.png")):
        image = read_rgb(str(path))[:256, :256]
        small = np.asarray(Downsample(upscaler.scale)(image[np.newaxis].astype(np.float32)))[0]
        small = np.round(small.clip(0, 255)).astype(np.uint8)
        enlarged = upscaler(small)
        assert enlarged.rms < 0.3
        bicubic = np.asarray(Image.fromarray(small).resize((256, 256), Image.Resampling.BICUBIC))
        if upscaler.name.startswith("affmse"):
            assert psnr(enlarged.pixels, image) > psnr(bicubic, image) + 0.5
