"""Methods on small patches, the paper's tables 2 and 3 in form."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from zoo.superres import patch_experiment as patches


@pytest.fixture
def folder(tmp_path, noise):
    """Two pictures, 70 x 280, whose right quarters are brighter."""
    path = tmp_path / "pictures"
    path.mkdir()
    for i in range(2):
        image = noise.integers(0, 100, [70, 280, 3], np.uint8)
        image[:, 210:] += 150
        Image.fromarray(image).save(path / f"{i}.png")
    return path


def test_the_right_quarter_of_few_pictures_is_held_out(folder):
    train, test = patches.load_sources(f"folder:{folder}", "held-out")
    assert train[0]["image"].shape == (70, 210, 3)
    assert test[1]["image"].shape == (70, 70, 3)
    assert train[1]["image"].max() < 150 <= test[0]["image"].min()
    drawn = patches.draw_patches(test, 5)
    assert drawn.shape == (5, 64, 64, 3)
    assert drawn.min() >= 150
    np.testing.assert_array_equal(drawn, patches.draw_patches(test, 5))


def test_a_tenth_of_many_pictures_is_held_out(tmp_path, noise):
    images = noise.integers(0, 256, [60, 64, 66, 3], np.uint8)
    np.savez(tmp_path / "many.npz", x_train=images)
    train, test = patches.load_sources(f"npz:{tmp_path}/many.npz", "held-out")
    assert (len(train), len(test)) == (54, 6)
    np.testing.assert_array_equal(test[5]["image"], images[59])
    np.testing.assert_array_equal(train[53]["image"], images[53])
    with pytest.raises(IndexError):
        train[54]


@pytest.mark.slow
def test_experiment(toulon, tmp_path, folder, monkeypatch):
    monkeypatch.setitem(patches.SIZES, "smoke", (3, 8, 6))
    words = ["experiment", "superres/patches", "--out", tmp_path / "out", "--train", f"folder:{folder}"]
    words += ["--test", "held-out", "--methods", "mse,affmse,softgan,affgan,affdg,affll"]
    status, out, err = toulon(*words)
    assert status == 0, err
    table = json.loads((tmp_path / "out" / "result.json").read_text())["results"]["table"]
    assert [row["method"] for row in table] == ["bicubic", *words[-1].split(",")]
    for row in table:
        consistent = row["method"].startswith("aff")
        assert (row["inconsistency"] < 1e-12) == consistent
        assert (row["colour_drift"] < 1e-3) == consistent
        assert f"{row['psnr']:.2f} dB" in out
    assert len(list(csv.DictReader((tmp_path / "out" / "methods.csv").open()))) == 7
    assert Image.open(tmp_path / "out" / "patches.png").size[0] > 1000

    (
        tmp_path / "out" / "units" / "affgan-3.json"
    ).unlink()  # as if it had been killed there: nothing else is trained
    again = toulon(*words)[1]
    assert "training affgan" not in again
    assert json.loads((tmp_path / "out" / "result.json").read_text())["results"]["table"] == table


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--methods", "mse,best"], "--methods=mse,best: expected some of mse, mae"),
        (["--train", "sample:none"], "sample:none does not exist"),
        (["--train", "SMALL"], "picture 1 of folder:"),
        (["--train", "synthetic:noise?channels=1"], ""),
    ],
)
def test_mistakes(toulon, tmp_path, words, complaint):
    (tmp_path / "small").mkdir()
    Image.new("RGB", (70, 60)).save(tmp_path / "small" / "a.png")
    words = [word.replace("SMALL", f"folder:{tmp_path}/small") for word in words]
    status, _, err = toulon("experiment", "superres/patches", "--out", tmp_path / "out", *words)
    assert status == 1
    assert complaint in err
    assert len(err.splitlines()) == 1
