"""The `toulon` command: what it answers, and what it answers to mistakes."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from zoo.cli import COMMANDS
from zoo.images.files import read_rgb


@pytest.fixture
def picture(tmp_path, photograph):
    path = tmp_path / "picture.png"
    Image.fromarray(photograph).save(path)
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_helps(toulon, name):
    status, out, _ = toulon(name, "--help")
    assert status == 0
    assert out.startswith(f"usage: toulon {name}")


def test_list_and_card(toulon, tiny_export):
    _, out, _ = toulon("list", "*codec*")
    assert out.count("\n") == 4
    assert "bls2017" in out
    _, out, _ = toulon("card", tiny_export)
    assert "End-to-end Optimized Image Compression" in out
    assert "num_filters: 8" in out
    _, out, _ = toulon("card", "bls2017")
    assert "num_filters: 192" in out
    _, out, _ = toulon("card", tiny_export, "--json")
    assert out.startswith("{")


def test_compress_info_decompress(toulon, tiny_export, tiny_codec, picture, photograph, tmp_path):
    small, back = tmp_path / "a.tln", tmp_path / "back.png"
    status, out, _ = toulon("compress", picture, small, "--model", tiny_export)
    assert status == 0
    size = small.stat().st_size
    assert out == f"{small}: 192 x 128, {size} bytes, {8 * size / (192 * 128):.3f} bits per pixel\n"
    status, out, _ = toulon("info", small)
    assert f"model {tiny_codec.identity().hex()}" in out
    assert toulon("decompress", small, back, "--model", tiny_export)[0] == 0
    expected = np.round(255 * tiny_codec(photograph[None] / np.float32(255)))[0]
    assert np.mean(np.abs(read_rgb(str(back)) - expected) > 1) < 0.02


def test_folders(toulon, tiny_variable_export, photograph, tmp_path):
    pictures = tmp_path / "pictures"
    (pictures / "more").mkdir(parents=True)
    for name in ("a.png", "more/b.PNG"):
        Image.fromarray(photograph[:40, :50]).save(pictures / name)
    (pictures / "note.txt").write_text("no picture")
    model = ("--model", tiny_variable_export)
    status, out, _ = toulon("compress", pictures, tmp_path / "small", "--quality", 70, *model)
    assert status == 0
    assert "2 of 2 files" in out
    assert "quality 70, 50 x 40" in out
    status, out, _ = toulon("decompress", tmp_path / "small", tmp_path / "back", "--format", "webp", *model)
    assert sorted(p.relative_to(tmp_path / "back").as_posix() for p in (tmp_path / "back").rglob("*.*")) == [
        "a.webp",
        "more/b.webp",
    ]
    status, out, _ = toulon(
        "compress", pictures / "a.png", pictures / "more" / "b.PNG", tmp_path / "flat", *model
    )
    assert status == 0
    assert sorted(p.name for p in (tmp_path / "flat").iterdir()) == ["a.tln", "b.tln"]


def test_a_bad_file_does_not_stop_the_others(toulon, tiny_variable_export, photograph, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "a.png").write_bytes(b"no picture")
    for name in ("b.png", "c.jpg"):
        Image.fromarray(photograph).save(pictures / name)
    small = tmp_path / "small"
    status, out, err = toulon("compress", pictures, small, "--model", tiny_variable_export)
    assert status == 1
    assert "2 of 3 files" in out
    assert "a.png: is not a picture" in err
    assert sorted(p.name for p in small.iterdir()) == ["b.tln", "c.tln"]
    Image.fromarray(photograph).save(pictures / "c.png")
    status, _, err = toulon("compress", pictures, small, "--model", tiny_variable_export)
    assert status == 1
    assert "would both become" in err


def test_wrong_options_are_told_once_for_many_files(toulon, tiny_export, photograph, tmp_path):
    for name in ("a.png", "b.png"):
        Image.fromarray(photograph[:9, :9]).save(tmp_path / name)
    for option in ("--quality=50", "--target-bytes=900"):
        status, _, err = toulon("compress", tmp_path, tmp_path / "small", "--model", tiny_export, option)
        assert status == 1
        assert len(err.splitlines()) == 1
        assert "one rate" in err
    assert not (tmp_path / "small").exists()


def test_what_is_beside_the_colours(toulon, tiny_variable_export, photograph, tmp_path, monkeypatch):
    monkeypatch.setenv("TOULON_EXPORTED", str(tiny_variable_export.parent.parent))
    image = Image.fromarray(photograph)
    image.putalpha(Image.fromarray(photograph[..., 0]))
    image.save(tmp_path / "a.png")
    small = tmp_path / "a.tln"
    status, out, err = toulon("compress", tmp_path / "a.png", small, "--model=tiny-vr", "--quality", 60)
    assert (status, err) == (0, "")
    status, out, _ = toulon("info", small)
    assert "tiny-vr, version 1" in out
    assert "alpha " in out
    status, _, err = toulon("decompress", small, tmp_path / "a.jpg")
    assert status == 1
    assert "no transparency" in err
    assert toulon("decompress", small, tmp_path / "b.png")[0] == 0  # the model is found by its identity
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "b.png"))[..., 3], photograph[..., 0])
    monkeypatch.setenv("TOULON_EXPORTED", str(tmp_path))
    status, _, err = toulon("decompress", small, tmp_path / "c.png")
    assert status == 1
    assert "which is not in" in err
    assert not (tmp_path / "c.png").exists()


def test_export_writes_the_next_version(toulon, tiny_export):
    status, out, _ = toulon("export", tiny_export)
    assert status == 0
    assert pathlib.Path(out.strip()).name == str(int(tiny_export.name) + 1)


def wrong(*words):
    return pytest.param(words[:-1], words[-1], id=" ".join(map(str, words[:-1])))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        wrong("compres", "did you mean compress"),
        wrong("fly", "there are list"),
        wrong("compress", "arguments are required"),
        wrong("compress", "{tmp}/none.png", "a.tln", "does not exist"),
        wrong("compress", "{tmp}/cut.png", "{tmp}/cut.png", "{tmp}/text.png", "is a file"),
        wrong("compress", "{tmp}/none", "{tmp}/x", "should end in .tln"),
        wrong("compress", "a.png", "a.tln", "--quality=0", "above 0"),
        wrong("compress", "a.png", "a.tln", "--quality=1.5", "whole number"),
        wrong("compress", "a.png", "a.tln", "--quality=5", "--target-bpp=1", "not allowed with"),
        wrong("compress", "a.png", "a.tln", "--target-bpp=-1", "above 0"),
        wrong("compress", "a.png", "a.tln", "--effort=10", "invalid choice"),
        wrong("compress", "{tmp}/picture.png", "{tmp}/a.tln", "--quality=101", "expected 1 to 100"),
        wrong("decompress", "{tmp}", "{tmp}/out", "holds no .tln"),
        wrong("decompress", "a.tln", "a.png", "--format=xyz", "cannot tell the format"),
        wrong("compress", "{tmp}/text.png", "a.tln", "not a picture"),
        wrong("compress", "{tmp}/cut.png", "a.tln", "damaged"),
        wrong("compress", "{tmp}/empty.png", "a.tln", "not a picture"),
        wrong("compress", "{tmp}/picture.png", "{tmp}/a.jpg", "should end in .tln"),
        wrong("compress", "{tmp}/picture.png", "{tmp}/no/a.tln", "does not exist"),
        wrong("compress", "{tmp}/picture.png", "{tmp}/a.tln", "--model=none", "neither an export"),
        wrong("decompress", "{tmp}/none.tln", "a.png", "cannot be read"),
        wrong("decompress", "{tmp}/picture.png", "a.png", "not a .tln file"),
        wrong("decompress", "{tmp}/empty.png", "a.png", "empty"),
        wrong("info", "{tmp}", "cannot be read"),
        wrong("card", "none", "no model is called"),
        wrong("list", "none*", "no model matches"),
        wrong("export", "none", "neither an export"),
        wrong("experiment", "codec/none", "no experiment"),
        wrong("data", "prepare", "none", "none"),
        wrong("data", "remove", "cifar10", "invalid choice"),
    ],
)
def test_mistakes_are_told_in_one_line(toulon, picture, tmp_path, words, message):
    (tmp_path / "text.png").write_text("this is no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "cut.png").write_bytes(picture.read_bytes()[:500])
    before = sorted(tmp_path.rglob("*"))
    status, out, err = toulon(*(word.format(tmp=tmp_path) for word in words))
    assert status in (1, 2)
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1, err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_cannot_be_written_leaves_nothing(toulon, tiny_export, picture, tmp_path, monkeypatch):
    from zoo import files

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    status, _, err = toulon("compress", picture, tmp_path / "a.tln", "--model", tiny_export)
    assert status == 1
    assert "a.tln cannot be written: No space left on device" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["picture.png"]
