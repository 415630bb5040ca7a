"""Runs of a training binary as processes: killed, stopped, distributed, started wrongly."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.trainers.test_runs import TINY, assert_same, log

COMMAND = [sys.executable, "-m", "trainers.codec", *TINY]


def start(workdir, *flags, **environment):
    return subprocess.Popen(
        [*COMMAND, f"--workdir={workdir}", *flags], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | environment,
    )  # fmt: skip


def finish(process, timeout=300):
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def wait_for(path, process, timeout=120):
    """Waits until a file has appeared."""
    deadline = time.time() + timeout
    while not path.exists():
        assert process.poll() is None, process.communicate()[1][-2000:]
        assert time.time() < deadline, f"{path} did not appear"
        time.sleep(0.002)


def wait_for_step(workdir, step, process, timeout=120):
    """Waits until the log has an entry of that step."""
    wait_for(workdir / "log.jsonl", process, timeout)
    while not any(entry["step"] >= step for entry in log(workdir)):
        assert process.poll() is None, process.communicate()[1][-2000:]
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment", ["before the first checkpoint", "while a checkpoint is written", "between"]
)
def test_killed_and_started_again_ends_the_same(tmp_path, moment):
    flags = ["--steps=60", "--checkpoint_every=20", f"--export_dir={tmp_path}/exported/codec"]
    whole = tmp_path / "whole"
    assert finish(start(whole, *flags))[0] == 0
    broken = tmp_path / "broken"
    process = start(broken, *flags)
    if moment == "before the first checkpoint":
        wait_for_step(broken, 5, process)
    elif moment == "while a checkpoint is written":
        wait_for(broken / "checkpoints" / "ckpt-20_temp", process)
    else:
        wait_for_step(broken, 25, process)
    process.send_signal(signal.SIGKILL)
    assert finish(process)[0] == -signal.SIGKILL
    assert finish(start(broken, *flags))[0] == 0
    assert_same(whole, broken)
    # The samples too: both exported codecs write the same file for the same picture.
    files = []
    for version in ("1", "2"):
        out = tmp_path / f"{version}.tln"
        model = tmp_path / "exported" / "codec" / version
        picture = ROOT / "zoo/data/samples/kodak/kodim23.png"
        done = subprocess.run(
            [sys.executable, "-m", "zoo.cli", "compress", picture, out, f"--model={model}"],
            cwd=ROOT,
            check=False,
        )
        assert done.returncode == 0
        files.append(out.read_bytes())
    assert files[0] == files[1]


def test_ctrl_c_saves_and_the_same_command_goes_on(tmp_path):
    flags = ["--steps=300", "--checkpoint_every=1000"]
    process = start(tmp_path / "run", *flags)
    wait_for_step(tmp_path / "run", 20, process)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 1
    assert "Traceback" not in err
    assert "the same command goes on from there" in err.splitlines()[-1]
    stopped = int(err.splitlines()[-1].split("step ")[1].split(";")[0])
    assert (tmp_path / "run" / "checkpoints" / f"ckpt-{stopped}.index").exists()
    last = log(tmp_path / "run")[-1]["step"]
    assert last == stopped
    process = start(tmp_path / "run", "--steps=" + str(stopped + 2), "--checkpoint_every=1000")
    assert finish(process)[0] == 0
    assert [entry["step"] for entry in log(tmp_path / "run")] == list(range(1, stopped + 3))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--steps=-1"], "steps"),
        (["--steps=many"], "steps"),
        (["--patch_size=30"], "multiple of 16"),
        (["--rate_distortion_weight=a"], "one positive number"),
        (["--rate_distortion_weight=0.1,0.01"], "two rising ones"),
        (["--rate_distortion_weight="], "one positive number"),
        (["--freeze_analysis"], "--init_from"),
        (["--strategy=everywhere"], "strategy"),
        (["--stepz=3"], "stepz"),
        (["stray"], "stray"),
        (["--flagfile=missing.flags"], "missing.flags"),
    ],
)
def test_wrong_flags_are_told_in_one_line(tmp_path, flags, message):
    code, out, err = finish(start(tmp_path / "run", *flags))
    assert code != 0
    assert message in err
    assert len(err.strip().splitlines()) == 1, err
    assert out == ""
    assert not (tmp_path / "run").exists()


def test_a_missing_workdir_is_told_in_one_line():
    done = subprocess.run([*COMMAND, "--steps=1"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "workdir" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_missing_data_are_told_in_one_line(tmp_path):
    code, _, err = finish(start(tmp_path / "run", f"--data=folder:{tmp_path}/nothing/*.png"))
    assert code == 1
    assert "matches 0 paths" in err.splitlines()[-1]
    assert "Traceback" not in err


def test_a_picture_found_damaged_in_training_is_told_in_one_line(tmp_path):
    whole = (ROOT / "zoo/data/samples/kodak/kodim23.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:5000])
    code, _, err = finish(start(tmp_path / "run", f"--data=folder:{tmp_path}", "--steps=2"))
    assert code == 1
    assert "cut.png" in err.splitlines()[-1]
    assert "damaged" in err.splitlines()[-1]
    assert "Traceback" not in err


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("localhost", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def losses(workdir):
    return [entry["loss"] for entry in log(workdir)]


DISTRIBUTED = ["--batch_size=4", "--seed=3", "--eval_every=10", "--checkpoint_every=10"]


def run_workers(workdir, *flags):
    """Runs two workers to their end."""
    workers = [f"localhost:{port}" for port in free_ports(2)]
    tasks = [{"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}} for i in range(2)]
    processes = [
        start(workdir, *DISTRIBUTED, *flags, "--strategy=multi_worker", TF_CONFIG=json.dumps(task))
        for task in tasks
    ]
    for process in processes:
        code, _, err = finish(process)
        assert code == 0, err[-2000:]


def assert_same_log(one, other):
    """Losses agree to 1e-5 at every step, evaluations too."""
    assert [entry["step"] for entry in log(one)] == list(range(1, 21))
    np.testing.assert_allclose(losses(one), losses(other), rtol=1e-5)
    for mine, yours in zip(log(one, "validation"), log(other, "validation"), strict=True):
        np.testing.assert_allclose(mine["loss"], yours["loss"], rtol=1e-4)


@pytest.fixture(scope="module")
def one_process(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("one") / "one"
    assert finish(start(workdir, *DISTRIBUTED, "--steps=20"))[0] == 0
    return workdir


@pytest.mark.slow
def test_two_workers_are_one_process(tmp_path, one_process):
    # In two parts, so that the second goes on from what the first saved.
    run_workers(tmp_path / "two", "--steps=10")
    run_workers(tmp_path / "two", "--steps=20", f"--export_dir={tmp_path}/exported/two")
    assert_same_log(tmp_path / "two", one_process)
    assert (tmp_path / "exported" / "two" / "1" / "saved_model.pb").exists()
    assert not list((tmp_path / "two").glob("scratch*"))


@pytest.mark.slow
@pytest.mark.parametrize("driver", ["fit", "resident"])
def test_two_replicas_are_one_device(tmp_path, one_process, driver):
    flags = [*DISTRIBUTED, "--strategy=mirrored", "--replicas=2", f"--driver={driver}"]
    for steps in (10, 20):
        code, _, err = finish(start(tmp_path / "two", *flags, f"--steps={steps}"))
        assert code == 0, err[-2000:]
    assert_same_log(tmp_path / "two", one_process)


def test_a_batch_that_replicas_cannot_share_is_told(tmp_path):
    code, _, err = finish(start(tmp_path / "run", "--batch_size=3", "--strategy=mirrored", "--replicas=2"))
    assert code == 1
    assert "--batch_size=3" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not (tmp_path / "run" / "flags.json").exists()  # so that the mended command may use the directory


@pytest.mark.parametrize("delay", [0.5, 4])
def test_ctrl_c_before_the_first_step_is_one_line(tmp_path, delay):
    process = start(tmp_path / "run", "--steps=5")
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code != 0
    assert "Traceback" not in err
    assert "stopped" in err.splitlines()[-1]
