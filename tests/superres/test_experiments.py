import csv
import json

import numpy as np
import pytest
from PIL import Image

from zoo.superres.experiments import load_pairs


@pytest.fixture
def folder(tmp_path, noise):
    """A test set of two pairs, one of whose originals is too large by a row."""
    path = tmp_path / "Set2"
    path.mkdir()
    for number, (height, width) in enumerate([(12, 16), (13, 11)]):
        small = noise.integers(0, 256, [height, width, 3], np.uint8)
        large = small.repeat(4, 0).repeat(4, 1)
        Image.fromarray(small).save(path / f"img_{number}_LRx4.png")
        Image.fromarray(np.pad(large, [(0, number), (0, 0), (0, 0)])).save(path / f"img_{number}_HR_77.png")
    return path


def test_pairs(folder, noise):
    for small, large in load_pairs(str(folder), 4):
        np.testing.assert_array_equal(large, small.repeat(4, 0).repeat(4, 1))
    (small, large), *rest = load_pairs("sample:kodak", 4, 1)
    assert rest == []
    assert large.shape == (4 * small.shape[0], 4 * small.shape[1], 3)


def test_benchmark(toulon, folder, tiny_superres_export, tmp_path):
    words = ["experiment", "superres/benchmark", "--out", tmp_path / "out", "--scale", "smoke"]
    status, out, err = toulon(*words, "--models", tiny_superres_export, "--sets", folder)
    assert status == 0, err
    result = json.loads((tmp_path / "out" / "result.json").read_text())["results"]
    bicubic, ours = result["averages"]
    assert (bicubic["method"], ours["method"], ours["pictures"]) == ("bicubic", "tiny-superres", 2)
    assert bicubic["rms"] > ours["rms"]
    rows = list(csv.DictReader((tmp_path / "out" / "pictures.csv").open()))
    psnrs = [float(row["psnr"]) for row in rows if row["method"] == "bicubic"]
    assert bicubic["psnr"] == pytest.approx(np.mean(psnrs))
    assert Image.open(tmp_path / "out" / "crops-Set2.png").size[0] > 500
    assert f"{ours['psnr']:.2f}" in out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--sets", "empty"], "empty has no pictures called NAME_LRx4.png"),
        (["--sets", "lonely"], "has no original"),
        (["--sets", "nowhere"], "'nowhere' is no source of data"),
        (["--models", "missing"], "missing is neither an export"),
    ],
)
def test_mistakes(toulon, tiny_superres_export, tmp_path, monkeypatch, words, complaint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "lonely").mkdir()
    Image.new("RGB", (4, 4)).save("lonely/a_LRx4.png")
    models = [] if "--models" in words else ["--models", tiny_superres_export]
    status, _, err = toulon("experiment", "superres/benchmark", "--out", "out", *models, *words)
    assert status == 1
    assert complaint in err
    assert len(err.splitlines()) == 1
