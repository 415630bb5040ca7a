import csv
import json

import numpy as np
import pytest
from PIL import Image

from zoo.superres.experiments import NOISES, load_pairs, through_jpeg


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


@pytest.mark.slow
def test_jpeg_strengths_and_noise(toulon, folder, tiny_superres_export, tmp_path):
    words = ["experiment", "superres/benchmark", "--out", tmp_path / "out", "--models", tiny_superres_export]
    status, _, err = toulon(
        *words, "--sets", folder, "--jpeg", "50", "--strengths", "0.5,1", "--noise-control"
    )
    assert status == 0, err
    averages = json.loads((tmp_path / "out" / "result.json").read_text())["results"]["averages"]
    found = {row["method"].replace("tiny-superres", "x"): row for row in averages}
    noises = [f"x + noise {d}" for d in NOISES]
    assert list(found) == ["bicubic", "x, strength 0.5", "x", *noises]
    assert found["x, strength 0.5"]["rms"] > found["x"]["rms"]
    assert len({found[name]["gradient"] for name in ["x", *noises]}) == 5
    assert all(found[name]["rms"] < found["bicubic"]["rms"] / 2 for name in ["x", *noises])
    assert all(row["gradient"] > 0 and row["band"] > 0 for row in averages)


def test_through_jpeg(noise):
    image = noise.integers(0, 256, [16, 24, 3], np.uint8)
    errors = [np.abs(through_jpeg(image, q).astype(int) - image).mean() for q in (10, 50, 90)]
    assert errors[0] > errors[1] > errors[2] > 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--jpeg", "0"], "--jpeg is 0; 1 to 95 is expected"),
        (["--jpeg", "100"], "--jpeg is 100; 1 to 95 is expected"),
        (["--strengths", "1,2"], "--strengths: '2' is no number from 0 to 1"),
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
