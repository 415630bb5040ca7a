"""The super-resolution trainer as a process: every method goes on where it was, and mistakes are told in a line."""

import json

import numpy as np
import pytest

from tests.trainers.test_runs import assert_same, log, variables

TINY = [
    "--num_filters=6", "--num_blocks=1", "--patch_size=16", "--batch_size=2", "--learning_rate=1e-3", "--eval_every=0",
    "--discriminator_filters=4", "--data=synthetic:shapes?height=24&width=40&examples=5", "--log_every=1",
]  # fmt: skip


@pytest.fixture
def train(run_python, tmp_path):
    def run(name, *flags):
        return run_python("-m", "trainers.superres", *TINY, f"--workdir={tmp_path / name}", *flags)

    return run


@pytest.mark.slow
def test_two_players_in_two_parts_are_the_run_in_one(train, tmp_path):
    flags = ["--method=affgan", "--noise_channels=1", "--instance_noise=0"]
    for name, steps in [("whole", 4), ("parts", 2), ("parts", 4)]:
        done = train(name, *flags, f"--steps={steps}")
        assert done.returncode == 0, done.stderr[-2000:]
    assert_same(tmp_path / "whole", tmp_path / "parts")
    assert [entry["step"] for entry in log(tmp_path / "parts")] == [1, 2, 3, 4]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["affmse", "affgan", "denoiser", "density"])
def test_two_replicas_learn_as_one(train, tmp_path, method):
    for name, flags in [("one", []), ("two", ["--strategy=mirrored", "--replicas=2"])]:
        done = train(name, f"--method={method}", "--steps=3", *flags)
        assert done.returncode == 0, done.stderr[-2000:]
    losses = [[entry["loss"] for entry in log(tmp_path / name)] for name in ("one", "two")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4, abs=1e-5)
    one, two = (variables(tmp_path / name) for name in ("one", "two"))
    layers = [name for name in one if "ptimizer" not in name and one[name].ndim > 1]
    assert len(layers) > 2
    for name in layers:
        np.testing.assert_allclose(one[name], two[name], atol=1e-4, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize(("guide", "methods"), [("denoiser", ["affdg", "softdg"]), ("density", ["affll"])])
def test_guided_methods(train, tmp_path, guide, methods):
    done = train("guide", f"--method={guide}", "--steps=2")
    assert done.returncode == 0, done.stderr[-2000:]
    for method in methods:
        exported = tmp_path / "exported" / method
        flags = [
            f"--method={method}",
            f"--guide={tmp_path / 'guide'}",
            "--steps=2",
            f"--export_dir={exported}",
        ]
        done = train(method, *flags)
        assert done.returncode == 0, done.stderr[-2000:]
        assert json.loads((exported / "1" / "card.json").read_text())["config"]["projected"] == (
            "aff" in method
        )
    wrong = "affll" if guide == "denoiser" else "affdg"
    done = train("wrong", f"--method={wrong}", f"--guide={tmp_path / 'guide'}", "--steps=2")
    assert done.returncode == 1
    assert f"is a run of --method={guide}" in done.stderr


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--method=affdg"], "--guide=RUN is for affdg"),
        (["--method=affdg", "--guide=nowhere"], "--guide=nowhere is no run"),
        (["--method=affmse", "--noise_channels=2"], "--noise_channels is for --method=affgan"),
        (["--widen_from=affmse-x4"], "--widen_from adds --noise_channels"),
        (["--patch_size=18"], "--patch_size must be a multiple of --scale"),
        (["--scale=5", "--patch_size=20"], "factor 5 is not supported; there are 2, 3, 4, 6, 8"),
        (["--method=none"], "should be one of"),
        (["--data=folder:/nowhere"], "folder:/nowhere matches 0 paths"),
    ],
)
def test_mistakes(train, flags, complaint):
    done = train("run", *flags, "--steps=1")
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
