"""The trainer of generative adversarial networks: whole runs in processes of their own."""

import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
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
def test_killed_and_started_again_it_makes_the_same_pictures(run_python, tmp_path):
    flags = [
        *TINY, "--objective=wgan-gp", "--generator=mlp", "--critic=mlp", "--driver=resident", "--steps_per_execution=3",
        "--steps=300", "--checkpoint_every=20", "--eval_every=100", f"--export_dir={tmp_path / 'exported/digits'}",
    ]  # fmt: skip
    done = run_python("-m", "trainers.gan", *flags, f"--workdir={tmp_path / 'whole'}")
    assert done.returncode == 0, done.stderr[-2000:]
    broken = [*flags, f"--workdir={tmp_path / 'broken'}"]
    process = subprocess.Popen([sys.executable, "-m", "trainers.gan", *broken], cwd=ROOT)
    path = tmp_path / "broken" / "log.jsonl"
    while not path.exists() or not any(entry["step"] > 110 for entry in log(tmp_path / "broken")):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert run_python("-m", "trainers.gan", *broken).returncode == 0
    assert_same(tmp_path / "whole", tmp_path / "broken")
    sheets = []
    for version in (1, 2):
        sheet = tmp_path / f"{version}.png"
        done = run_python("-m", "zoo.cli", "generate", tmp_path / f"exported/digits/{version}", sheet)
        assert done.returncode == 0, done.stderr
        sheets.append(sheet.read_bytes())
    assert sheets[0] == sheets[1]


@pytest.mark.slow
def test_sheets_are_made_without_pictures_held_out(train, tmp_path):
    data = f"folder:{ROOT / 'zoo/data/samples/kodak'}"
    done = train("run", "--objective=wgan", f"--data={data}", "--batch_size=2", "--steps=2")
    assert done.returncode == 0, done.stderr[-2000:]
    assert list((tmp_path / "run").rglob("*.png"))


@pytest.mark.slow
def test_numbers_that_are_none_stop_the_run_and_name_the_last_checkpoint(train, tmp_path):
    flags = ["--objective=wgan-gp", "--generator=mlp", "--critic=mlp"]
    assert train("run", *flags, "--steps=2", "--learning_rate=1e-3").returncode == 0
    told = tmp_path / "run" / "flags.json"  # as if the run had begun with such a rate
    told.write_text(told.read_text().replace('"learning_rate": 0.001', '"learning_rate": 1e+30'))
    done = train("run", *flags, "--steps=40", "--learning_rate=1e30")
    assert done.returncode == 1
    assert "no number" in done.stderr.splitlines()[-1]
    kept = done.stderr.splitlines()[-1].split("The last good checkpoint is ")[1].rstrip(".")
    assert (tmp_path / "run" / "checkpoints").as_posix() in kept
    assert "Traceback" not in done.stderr


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
        (["--objective=wgan", "--beta_1=0.5"], "--beta_1 and --beta_2 are Adam's"),
        (["--precision=mixed_float16"], "--precision=mixed_float16 loses"),
        (["--image_size=28"], "(28, 28, 1); a DCGAN needs"),
        (["--data=folder:/nowhere"], "folder:/nowhere matches 0 paths"),
    ],
)
def test_mistakes(train, flags, complaint):
    done = train("run", *flags, "--steps=1")
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
