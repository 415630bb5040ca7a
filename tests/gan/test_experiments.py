"""Every experiment from the command line, as small as it can be; its options, its files, its mistakes."""

import csv
import json

import pytest

from zoo import cli
from zoo.gan import (
    balance_experiment,
    collapse_experiment,
    diagnosis_experiment,
    line_experiments,
    picture_experiment,
    stacked_experiment,
)
from zoo.gan.config import GANConfig
from zoo.gan.export import export_gan
from zoo.gan.model import GAN

SHAPES = "synthetic:shapes?height=28&width=28&channels=1&examples=130"


def toulon(*words):
    return cli.main(["experiment", *map(str, words)])


def result(out):
    found = json.loads((out / "result.json").read_text())["results"]
    for file in found["files"]:
        assert (out / file).stat().st_size > 100
    return found


@pytest.mark.slow
def test_collapse(tmp_path, monkeypatch):
    monkeypatch.setattr(collapse_experiment, "SCALES", {"smoke": (2, 0.002)})
    assert (
        toulon("gan/collapse", "--out", tmp_path, "--methods", "wgan-gp,wgan", "--data", "ring,swiss-roll")
        == 0
    )
    table = result(tmp_path)["table"]
    assert [(row["data"], row["method"], len(row["wasserstein"])) for row in table] == [
        ("ring", "wgan-gp", 2),
        ("ring", "wgan", 2),
        ("swiss-roll", "wgan-gp", 2),
        ("swiss-roll", "wgan", 2),
    ]
    assert ["modes" in row for row in table] == [True, True, False, False]
    rows = list(csv.DictReader((tmp_path / "checkpoints.csv").open()))
    assert len(rows) == 4 * 2 * 8
    assert {int(row["turns"]) for row in rows if row["method"] == "wgan"} == {2, 5, 8, 10, 12, 15, 18, 20}


@pytest.mark.slow
def test_diagnosis(tmp_path, monkeypatch):
    monkeypatch.setattr(diagnosis_experiment, "SCALES", {"smoke": ((3,), 5)})
    assert toulon("gan/diagnosis", "--out", tmp_path) == 0
    (row,) = result(tmp_path)["table"]
    assert row["steps"] == [1, 5]


@pytest.mark.slow
def test_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(line_experiments, "SCALES", {"smoke": 20})
    monkeypatch.setattr(
        line_experiments, "CRITICS", {"discriminator": "non-saturating", "a": "wgan", "b": "wgan-gp"}
    )
    assert toulon("gan/two-gaussians", "--out", tmp_path / "two") == 0
    assert len(result(tmp_path / "two")["slopes"]) == 3
    assert toulon("gan/smoothing", "--out", tmp_path / "smooth") == 0
    assert all(row["bound"] >= row["shift"] for row in result(tmp_path / "smooth")["rows"])


@pytest.mark.slow
def test_balance(tmp_path, monkeypatch):
    monkeypatch.setattr(balance_experiment, "SCALES", {"smoke": (1, 3, (1, 2), (1.0,))})
    assert toulon("gan/balance", "--out", tmp_path) == 0
    assert len(result(tmp_path)["rows"]) == 3 * 2


@pytest.mark.slow
def test_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(picture_experiment, "SCALES", {"smoke": (4, 8, 2, 2, 100, 20)})
    arms = "wgan-gp/dcgan-plain/dcgan,gan/mlp/mlp"
    assert toulon("gan/pictures", "--out", tmp_path, "--data", SHAPES, "--arms", arms) == 0
    found = result(tmp_path)
    assert [row["arm"] for row in found["table"]] == ["data", "noise", *arms.split(",")]
    assert abs(found["table"][0]["kernel_distance"]) < abs(found["table"][1]["kernel_distance"])


@pytest.mark.slow
def test_exports_are_measured_beside_and_their_cards_say_it(tmp_path, monkeypatch):
    monkeypatch.setattr(picture_experiment, "SCALES", {"smoke": (4, 8, 2, 2, 60, 20)})
    model = GAN(GANConfig(shape=(32, 32, 1), generator_filters=2, critic_filters=2, noise_size=3))
    directory = export_gan(model, tmp_path / "exported" / "digits")
    words = ["gan/pictures", "--out", tmp_path / "out", "--data", SHAPES, "--arms", ""]
    assert toulon(*words, "--models", directory, "--update-cards") == 0
    row = result(tmp_path / "out")["table"][-1]
    assert row["arm"] == str(directory)
    card = json.loads((directory / "card.json").read_text())["metrics"]["pictures"]
    assert card["kernel_distance"] == pytest.approx(row["kernel_distance"], abs=1e-4)
    assert card["pictures"] == 60


@pytest.mark.slow
def test_stacked(tmp_path, monkeypatch):
    monkeypatch.setattr(stacked_experiment, "SCALES", {"smoke": (4, 2, 2, 60, 20)})
    data = "synthetic:gradients?height=28&width=28&channels=1&examples=130"
    assert toulon("gan/stacked", "--out", tmp_path, "--data", data, "--methods", "wgan-gp") == 0
    assert [row["method"] for row in result(tmp_path)["table"]] == ["data", "noise", "wgan-gp"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["gan/collapse", "--data", "manifold"], "--data=manifold: expected some of ring, grid, swiss-roll"),
        (["gan/collapse", "--methods", "best"], "--methods=best: expected some of wgan-gp"),
        (["gan/stacked", "--methods", "best"], "--methods=best: expected some of wgan-gp"),
        (["gan/pictures", "--arms", "gan/mlp"], "--arms: 'gan/mlp' is none"),
        (["gan/pictures", "--arms", ""], "--arms and --models are both empty"),
        (["gan/pictures", "--models", "affmse-x4"], "affmse-x4 makes no pictures"),
    ],
)
def test_mistakes(tmp_path, capsys, words, complaint):
    assert toulon(*words, "--out", tmp_path) == 1
    assert complaint in capsys.readouterr().err
