"""Runs of a training binary in this process: resume, drivers, logs, what goes wrong."""

import json

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import flagsaver

from tests.conftest import ROOT
from trainers import codec, common
from zoo.errors import UserError

TINY = [
    "--num_filters=4", "--patch_size=16", "--batch_size=2", "--learning_rate=1e-3", "--eval_every=0",
    "--data=synthetic:shapes?height=24&width=40&examples=5", "--log_every=1", "--validation_data=sample:kodak",
]  # fmt: skip


@pytest.fixture
def train(tmp_path):
    """Runs the codec's trainer: (workdir name, *flags) -> workdir."""

    def run(name, *flags):
        with flagsaver.flagsaver():
            common.FLAGS(["trainers.codec", f"--workdir={tmp_path / name}", *TINY, *flags])
            common.run(codec.build)
        return tmp_path / name

    return run


def variables(workdir):
    """All values in the newest checkpoint of a run, by name."""
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(str(workdir / "checkpoints")))
    names = [n for n in reader.get_variable_to_shape_map() if n.endswith("VARIABLE_VALUE")]
    return {n: reader.get_tensor(n) for n in names if "save_counter" not in n}


def assert_same(one, other):
    one, other = variables(one), variables(other)
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def log(workdir, split="train"):
    entries = [json.loads(line) for line in (workdir / "log.jsonl").read_text().splitlines()]
    return [entry for entry in entries if entry["split"] == split]


def test_a_run_in_two_parts_is_the_run_in_one(train):
    whole = train("whole", "--steps=6")
    train("parts", "--steps=2")
    parts = train("parts", "--steps=6", "--checkpoint_every=3")
    assert_same(whole, parts)
    strip = [{k: v for k, v in entry.items() if k != "steps_per_second"} for entry in log(parts)]
    assert strip == [{k: v for k, v in entry.items() if k != "steps_per_second"} for entry in log(whole)]
    assert [entry["step"] for entry in log(parts)] == [1, 2, 3, 4, 5, 6]


def test_the_seed_decides(train):
    one, other = (train(name, "--steps=1", f"--seed={seed}") for name, seed in [("a", 5), ("b", 6)])
    assert log(one)[-1]["loss"] != log(other)[-1]["loss"]


def test_both_drivers_do_the_same(train):
    fit = train("fit", "--steps=5")
    resident = train("resident", "--steps=5", "--driver=resident", "--steps_per_execution=3")
    for name, value in variables(fit).items():
        np.testing.assert_allclose(variables(resident)[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
    np.testing.assert_allclose([e["loss"] for e in log(resident)], [e["loss"] for e in log(fit)], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("driver", ["fit", "resident"])
def test_compiled_steps_do_the_same(train, driver):
    plain = log(train("plain", "--steps=4"))
    compiled = log(train("compiled", "--steps=4", f"--driver={driver}", "--jit=on"))
    np.testing.assert_allclose([e["loss"] for e in compiled], [e["loss"] for e in plain], rtol=1e-3)


def test_several_steps_in_one_call_change_nothing(train):
    assert_same(
        train("one", "--steps=6"), train("three", "--steps=6", "--steps_per_execution=3", "--log_every=3")
    )


def test_evaluation_pictures_and_export(train, tmp_path):
    workdir = train("run", "--steps=4", "--eval_every=2", f"--export_dir={tmp_path}/exported/mine")
    evaluations = log(workdir, "validation")
    assert [entry["step"] for entry in evaluations] == [2, 4]
    assert {"loss", "bpp", "mse", "psnr"} <= set(evaluations[0])
    events = list((workdir / "tensorboard").glob("events*"))
    tags = {v.tag for e in tf.compat.v1.train.summary_iterator(str(events[0])) for v in e.summary.value}
    assert {"train/loss", "validation/psnr", "reconstructions"} <= tags
    card = json.loads((tmp_path / "exported" / "mine" / "1" / "card.json").read_text())
    assert card["training"][0]["steps"] == 4
    assert card["training"][0]["flags"]["num_filters"] == 4
    # An interrupted run too has the tables that compression needs.
    assert variables(workdir)["model/cdf/.ATTRIBUTES/VARIABLE_VALUE"].size > 0


def test_starting_from_another_runs_variables(train, tmp_path):
    first = train("first", "--steps=3", f"--export_dir={tmp_path}/exported/first")
    for source in (first, tmp_path / "exported" / "first", tmp_path / "exported" / "first" / "1"):
        second = train(f"from-{source.name}", "--steps=1", "--learning_rate=0", f"--init_from={source}")
        for name, value in variables(second).items():
            if name.startswith(("model/analysis", "model/prior")) and "OPTIMIZER_SLOT" not in name:
                np.testing.assert_array_equal(value, variables(first)[name])
        assert [entry["step"] for entry in log(second)] == [1]  # a run of its own
        history = json.loads((second / "history.json").read_text())
        assert [phase["steps"] for phase in history] == [3]


def test_another_run_in_the_same_directory_is_refused(train):
    train("run", "--steps=1")
    with pytest.raises(UserError, match=r"--num_filters=4, not 5.*--init_from"):
        train("run", "--steps=2", "--num_filters=5")


@pytest.mark.parametrize("log_every", [1, 300])
def test_a_loss_that_is_no_number_stops_the_run_and_saves_nothing(train, tmp_path, log_every):
    with pytest.raises(UserError, match=r"no number at step \d+.*--learning_rate"):
        train(
            "run", "--steps=300", "--learning_rate=1e30", "--checkpoint_every=1", f"--log_every={log_every}"
        )
    for value in variables(tmp_path / "run").values():
        assert np.isfinite(value).all()


def test_a_full_disk_is_told_and_older_checkpoints_stay(train, tmp_path, monkeypatch):
    train("run", "--steps=2")

    def full(*args, **kwargs):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.train.CheckpointManager, "save", full)
    with pytest.raises(UserError, match=r"step 4 cannot be written.*No space left.*ckpt-2"):
        train("run", "--steps=4")
    monkeypatch.undo()
    assert_same(train("run", "--steps=4"), train("whole", "--steps=4"))


def test_intervals_are_kept_whatever_the_steps_of_one_call(train):
    workdir = train(
        "run",
        "--steps=20",
        "--steps_per_execution=7",
        "--log_every=5",
        "--checkpoint_every=5",
        "--eval_every=10",
    )
    assert [entry["step"] for entry in log(workdir)] == [7, 14, 20]
    assert [entry["step"] for entry in log(workdir, "validation")] == [14, 20]


def test_a_mistaken_flag_does_not_claim_the_directory(train):
    with pytest.raises(UserError, match="matches 0 paths"):
        train("run", "--steps=1", "--data=folder:nothing/*.png")
    train("run", "--steps=1")


def test_grey_pictures_are_told(train, tmp_path):
    np.savez(tmp_path / "grey.npz", x_train=np.zeros([4, 28, 28], np.uint8))
    with pytest.raises(UserError, match="grey.npz has no colour pictures; this model takes RGB"):
        train("run", "--steps=1", f"--data=npz:{tmp_path}/grey.npz")


def test_an_unfitting_checkpoint_is_told(train, tmp_path):
    first = train("first", "--steps=1")
    with pytest.raises(UserError, match="does not fit this model"):
        train("second", "--steps=1", "--num_filters=6", f"--init_from={first}")
    with pytest.raises(UserError, match="holds no checkpoint"):
        train("third", "--steps=1", f"--init_from={tmp_path}")


def test_a_workdir_that_is_a_file_is_told(train, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be used"):
        train("file", "--steps=1")


def test_the_resident_driver_wants_equal_sizes(train):
    with pytest.raises(UserError, match="pictures of any size"):
        train("run", "--steps=1", "--driver=resident", f"--data=folder:{ROOT}/zoo/data/samples/kodak")
