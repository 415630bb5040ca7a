import pathlib

import pytest

import zoo.data
from zoo.data.sample import SPLITS
from zoo.errors import UserError

SAMPLES = pathlib.Path(zoo.data.__file__).parent / "samples"


def test_photos():
    sizes = {image.shape for image in (zoo.data.load("sample:photos")[i]["image"] for i in range(4))}
    assert sizes == {(512, 512, 3), (300, 451, 3), (400, 600, 3), (427, 640, 3)}


def test_kodak():
    source = zoo.data.load("sample:kodak", "test")
    shapes = [source[i]["image"].shape for i in range(len(source))]
    assert shapes == [(512, 768, 3), (768, 512, 3), (512, 768, 3)]


def test_kodak_is_never_trained_on():
    with pytest.raises(UserError, match="sample:kodak has no split 'train'; expected one of test"):
        zoo.data.load("sample:kodak", "train")


def test_unknown_name():
    with pytest.raises(UserError, match="sample:cats does not exist; expected sample:photos or sample:kodak"):
        zoo.data.load("sample:cats")


def test_every_file_has_its_licence():
    listed = (SAMPLES / "README.md").read_text()
    files = [path for name in SPLITS for path in (SAMPLES / name).iterdir()]
    assert len(files) == 7
    for path in files:
        assert f"`{path.name}`" in listed, path


def test_samples_are_small():
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 4e6
