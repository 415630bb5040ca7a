"""The trainer of generative adversarial networks: whole runs in processes of their own."""

import pytest

from tests.trainers.test_runs import assert_same, log

TINY = [
    "--data=synthetic:shapes?height=16&width=16&channels=1&examples=40", "--image_size=16", "--batch_size=4",
    "--noise_size=3", "--generator_filters=2", "--critic_filters=2", "--critic_steps=2", "--warmup_turns=0", "--log_every=1",
    "--eval_every=2", "--checkpoint_every=2",
]  # fmt: skip


@pytest.fixture
def train(run_python, tmp_path):
    def run(name, *flags):
        return run_python("-m", "trainers.gan", *TINY, f"--workdir={tmp_path / name}", *flags)

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [
        ["--objective=wgan"],
        ["--objective=wgan-gp", "--driver=resident", "--steps_per_execution=3"],
        ["--objective=non-saturating", "--generator=mlp", "--critic=mlp"],
    ],
)
def test_a_run_in_two_parts_is_the_run_in_one(train, tmp_path, flags):
    for name, steps in [("whole", 5), ("parts", 3), ("parts", 5)]:
        done = train(name, *flags, f"--steps={steps}")
        assert done.returncode == 0, done.stderr[-2000:]
    assert_same(tmp_path / "whole", tmp_path / "parts")
    assert [entry["step"] for entry in log(tmp_path / "parts")] == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_a_run_is_exported(train, tmp_path):
    done = train("run", "--objective=wgan", "--steps=2", f"--export_dir={tmp_path / 'exported/digits'}")
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "exported/digits/1/model.tflite").exists()


@pytest.mark.slow
@pytest.mark.parametrize("generator", ["mlp", "dcgan"])
def test_two_replicas_take_turns_as_one_does(train, tmp_path, generator):
    flags = ["--objective=wgan-gp", f"--generator={generator}", f"--critic={generator}", "--steps=4"]
    for name, more in [("one", []), ("two", ["--strategy=mirrored", "--replicas=2"])]:
        done = train(name, *flags, *more)
        assert done.returncode == 0, done.stderr[-2000:]
    losses = [[entry["loss"] for entry in log(tmp_path / name)] for name in ("one", "two")]
    # (Generators normalize by the batch of each replica.)
    assert losses[0] == pytest.approx(losses[1], rel=1e-4 if generator == "mlp" else 0.5, abs=1e-5)


def test_the_plain_command_trains(run_python, tmp_path):
    done = run_python("-m", "trainers.gan", f"--workdir={tmp_path}", "--steps=1", "--warmup_turns=0")
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--objective=wgan-gp", "--batch_norm"], "batch normalization mixes them; set batch_norm to False"),
        (["--validation_data=sample:kodak"], "has 1 channels and sample:kodak 3"),
        (["--batch_size=41"], "--batch_size=41 is more than"),
        (["--image_size=28"], "(28, 28, 1); a DCGAN needs"),
        (["--data=folder:/nowhere"], "folder:/nowhere matches 0 paths"),
    ],
)
def test_mistakes(train, flags, complaint):
    done = train("run", *flags, "--steps=1")
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
