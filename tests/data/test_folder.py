import os

import numpy as np
import pytest
from PIL import Image

import zoo.data
from zoo.data import folder
from zoo.errors import UserError


@pytest.fixture
def pictures(noise, tmp_path):
    """Three pictures of different sizes, and the directory they lie in."""
    arrays = {name: noise.integers(256, size=(h, w, 3), dtype=np.uint8) for name, h, w in
              (("a.png", 5, 7), ("b.bmp", 9, 4), ("sub/c.webp", 3, 6))}  # fmt: skip
    (tmp_path / "sub").mkdir()
    for name, array in arrays.items():
        Image.fromarray(array).save(tmp_path / name, **({"lossless": True} if "webp" in name else {}))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path, arrays


def check(source, *expected):
    assert len(source) == len(expected)
    for i, array in enumerate(expected):
        np.testing.assert_array_equal(source[i]["image"], array)


def test_directory(pictures):
    root, arrays = pictures
    source = zoo.data.load(f"folder:{root}")
    check(source, arrays["a.png"], arrays["b.bmp"])
    assert source.features == {"image": ("uint8", (None, None, 3))}
    assert source.arrays is None


def test_globs(pictures):
    root, arrays = pictures
    check(zoo.data.load(f"folder:{root}/*.bmp"), arrays["b.bmp"])
    check(zoo.data.load(f"folder:{root}/**/*"), *arrays.values())
    check(zoo.data.load(f"folder:{root}/sub/c.webp"), arrays["sub/c.webp"])


def test_names_with_glob_characters(noise, tmp_path):
    array = noise.integers(256, size=(2, 2, 3), dtype=np.uint8)
    (tmp_path / "set[1]").mkdir()
    Image.fromarray(array).save(tmp_path / "set[1]/a[x].png")
    check(zoo.data.load(f"folder:{tmp_path}/set[1]"), array)
    check(zoo.data.load(f"folder:{tmp_path}/set[1]/a[x].png"), array)


def test_home_directory(pictures, monkeypatch):
    root, arrays = pictures
    monkeypatch.setenv("HOME", str(root))
    check(zoo.data.load("folder:~/sub"), arrays["sub/c.webp"])


def test_every_split_is_the_folder(pictures):
    root, _ = pictures
    assert len(zoo.data.load(f"folder:{root}", "train")) == len(zoo.data.load(f"folder:{root}", "test")) == 2


def test_colour_types(tmp_path):
    # One colour each, so that the expected bytes are known exactly.
    cases = {
        "grey.png": (Image.new("L", (3, 2), 77), (77, 77, 77)),
        "bit.png": (Image.new("1", (3, 2), 1), (255, 255, 255)),
        "palette.png": (Image.new("RGB", (3, 2), (9, 99, 199)).convert("P", palette=Image.Palette.ADAPTIVE), (9, 99, 199)),
        "alpha.png": (Image.new("RGBA", (3, 2), (9, 99, 199, 0)), (9, 99, 199)),
        "grey_alpha.png": (Image.new("LA", (3, 2), (40, 0)), (40, 40, 40)),
        "wide.png": (Image.fromarray(np.full((2, 3), 514, np.uint16)), (2, 2, 2)),
        "cmyk.tif": (Image.new("CMYK", (3, 2), (255, 0, 0, 0)), (0, 255, 255)),
    }  # fmt: skip
    for name, (image, expected) in cases.items():
        image.save(tmp_path / name)
        source = zoo.data.load(f"folder:{tmp_path / name}")
        np.testing.assert_array_equal(source[0]["image"], np.full((2, 3, 3), expected, np.uint8), name)


def test_exif_orientation(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned a quarter to the right
    image = Image.fromarray(np.repeat(np.uint8([[0], [255]]), 4, 1))  # black above white, 4 wide
    image.save(tmp_path / "a.png", exif=exif)
    turned = zoo.data.load(f"folder:{tmp_path}")[0]["image"]
    np.testing.assert_array_equal(turned[..., 0], np.repeat(np.uint8([[255, 0]]), 4, 0))


@pytest.mark.parametrize("pattern", ["nothing/*.png", "missing", "*.txt"])
def test_nothing_matches(pictures, pattern):
    root, _ = pictures
    with pytest.raises(UserError, match=r"none of them a picture.*\.png"):
        zoo.data.load(f"folder:{root}/{pattern}")


def test_empty_file_is_named_at_once(pictures):
    root, _ = pictures
    (root / "z.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"z\.png is empty") as error:
        zoo.data.load(f"folder:{root}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "bmp", "tif"])
def test_damaged_file_is_named(noise, tmp_path, extension):
    path = tmp_path / f"cut.{extension}"
    Image.fromarray(noise.integers(256, size=(64, 64, 3), dtype=np.uint8)).save(path)
    os.truncate(path, path.stat().st_size // 2)
    source = zoo.data.load(f"folder:{tmp_path}")
    with pytest.raises(UserError, match=f"cut.{extension} ") as error:
        source[0]
    assert "\n" not in str(error.value)


def test_text_under_a_pictures_name(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(UserError, match=r"a\.png is not a picture"):
        zoo.data.load(f"folder:{tmp_path}")[0]


def test_cache_reads_once_and_stops_when_full():
    reads = []

    def read(index):
        reads.append(index)
        return np.full(10, index, np.uint8)

    cached = folder.Cache(read, limit=25)
    for _ in range(3):
        for index in range(3):
            np.testing.assert_array_equal(cached(index), np.full(10, index))
    assert reads == [0, 1, 2, 2, 2]  # two fit, the third is read each time


def test_cached_pictures_cannot_be_changed(pictures):
    root, arrays = pictures
    source = zoo.data.load(f"folder:{root}")
    with pytest.raises(ValueError, match="read-only"):
        source[0]["image"][0] = 0
    np.testing.assert_array_equal(source[0]["image"], arrays["a.png"])
