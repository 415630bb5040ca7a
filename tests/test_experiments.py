import argparse
import json
import shlex
import subprocess
import sys
import types

import pytest

import zoo
from zoo import experiments
from zoo.errors import UserError
from zoo.files import to_csv

work = []


def double(run):
    numbers = []
    for i in range(run.options.count):
        if i == run.options.stop_at:
            raise KeyboardInterrupt
        numbers.append(run.unit(f"number {i}/{run.scale}", lambda i=i: work.append(i) or {"twice": 2 * i}))
    return {"numbers": [n["twice"] for n in numbers], "loss": float("inf")}


def double_arguments(parser):
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument("--stop-at", type=int, default=None)
    parser.add_argument("--loud", action="store_true")


@pytest.fixture(autouse=True)
def fake_paper(monkeypatch):
    durations = {"smoke": "a second", "cpu": "an hour", "paper": "a week"}
    experiment = experiments.Experiment("double", "Doubles numbers.", durations, double, double_arguments)
    module = types.SimpleNamespace(EXPERIMENTS={"double": experiment})
    monkeypatch.setitem(sys.modules, "zoo.fake.experiments", module)
    monkeypatch.setattr(experiments, "papers", lambda: ["fake"])
    work.clear()


def toulon(*words):
    parser = argparse.ArgumentParser(prog="toulon experiment")
    experiments.add_arguments(parser)
    experiments.main(parser.parse_args([str(word) for word in words]))


def read(out):
    return json.loads((out / "result.json").read_text())


def test_result(tmp_path, capsys):
    out = tmp_path / "deep" / "out"
    toulon("fake/double", "--scale", "cpu", "--out", out, "--count", 3, "--loud")
    result = read(out)
    assert result["results"] == {"numbers": [0, 2, 4], "loss": None}
    assert (result["experiment"], result["scale"]) == ("fake/double", "cpu")
    assert result["options"] == {"count": 3, "stop_at": None, "loud": True}
    assert result["command"] == f"toulon experiment fake/double --scale cpu --out {out} --count 3 --loud"
    assert result["versions"]["zoo"] == zoo.__version__
    assert set(result["versions"]) == {"zoo", "python", "tensorflow", "numpy", "Pillow"}
    assert result["date"].startswith("20")
    assert result["seconds"] >= 0
    assert result["units"] == {"computed": 3, "reused": 0}
    assert not list(out.rglob("*.partial"))
    assert "expected to take an hour" in capsys.readouterr().out


def test_the_command_in_the_result_makes_the_same_run(tmp_path):
    toulon("fake/double", "--out", tmp_path / "a b", "--count", 3)
    before = read(tmp_path / "a b")
    toulon(*shlex.split(before["command"])[2:])
    assert read(tmp_path / "a b")["units"] == {"computed": 0, "reused": 3}
    assert read(tmp_path / "a b")["results"] == before["results"]


@pytest.mark.parametrize(
    "words",
    [
        ("--scale", "cpu", "--out", "OUT", "fake/double", "--count", "1"),
        ("--scale", "cpu", "fake/double", "--count", "1", "--out", "OUT"),
        ("fake/double", "--count", "1", "--scale=cpu", "--out=OUT"),
    ],
)
def test_options_in_any_order(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toulon(*words)
    result = read(tmp_path / "OUT")
    assert (result["scale"], result["options"]["count"]) == ("cpu", 1)


def test_killed_and_started_again(tmp_path):
    with pytest.raises(UserError, match="stopped; the same command goes on"):
        run_double(tmp_path, stop_at=2)
    assert work == [0, 1]
    assert not (tmp_path / "result.json").exists()
    # A person's interrupt is no option: take it out of the notes, as if the same command had been killed.
    settings = json.loads((tmp_path / "settings.json").read_text())
    settings["options"]["stop_at"] = None
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    record = run_double(tmp_path, stop_at=None)
    assert work == [0, 1, 2, 3]
    assert record["units"] == {"computed": 2, "reused": 2}
    assert record["results"]["numbers"] == [0, 2, 4, 6]


def run_double(out, stop_at):
    options = {"count": 4, "stop_at": stop_at, "loud": False}
    experiment = experiments.find("fake/double")
    return experiments.run_experiment("fake/double", experiment, "smoke", out, options, options)


def test_a_directory_with_another_run_is_refused(tmp_path):
    toulon("fake/double", "--out", tmp_path)
    with pytest.raises(UserError, match=r"holds a run with scale.*another --out"):
        toulon("fake/double", "--out", tmp_path, "--scale", "cpu")
    with pytest.raises(UserError, match="holds a run with options"):
        toulon("fake/double", "--out", tmp_path, "--count", 5)
    assert read(tmp_path)["options"]["count"] == 2


def test_units_are_told_apart_by_key_and_come_back_as_json(tmp_path):
    run = experiments.Run(tmp_path, "smoke", argparse.Namespace())
    assert run.unit("a/b-0.1", lambda: (1, {2: None})) == [1, {"2": None}]
    assert run.unit("a/b-0.1", lambda: pytest.fail("done before")) == [1, {"2": None}]
    assert run.unit("a/b-0.2", lambda: 7) == 7
    assert (run.computed, run.reused) == (2, 1)


def test_a_unit_that_fails_leaves_nothing(tmp_path):
    run = experiments.Run(tmp_path, "smoke", argparse.Namespace())
    with pytest.raises(ZeroDivisionError):
        run.unit("x", lambda: 1 / 0)
    assert run.unit("x", lambda: 1) == 1


def test_mistakes(tmp_path):
    with pytest.raises(UserError, match="PAPER/NAME"):
        toulon()
    with pytest.raises(UserError, match="'nobody' has experiments; those that have: fake"):
        toulon("nobody/double")
    with pytest.raises(UserError, match="there are fake/double"):
        toulon("fake/triple")
    with pytest.raises(UserError, match="--out=DIR"):
        toulon("fake/double")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be used"):
        toulon("fake/double", "--out", tmp_path / "file")
    with pytest.raises(SystemExit):
        toulon("fake/double", "--out", tmp_path / "x", "--cuont", "3")


def test_list(capsys):
    toulon("--list")
    printed = capsys.readouterr().out
    assert "fake/double: Doubles numbers." in printed
    assert "paper: a week" in printed


def test_listing_needs_neither_tensorflow_nor_matplotlib():
    code = (
        "import sys; from zoo import experiments; experiments.print_list();"
        "assert not {'tensorflow', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "codec/rate-distortion" in done.stdout


def test_tables_of_csv():
    rows = [{"a": 1, "b": "x,y"}, {"b": None, "a": 2.5, "c": 3}]
    assert to_csv(rows) == 'a,b\n1,"x,y"\n2.5,\n'
    assert to_csv(rows, ["c", "a"]) == "c,a\n,1\n3,2.5\n"
