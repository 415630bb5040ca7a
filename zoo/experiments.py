"""Runs a paper's experiments: `toulon experiment PAPER/NAME --scale smoke|cpu|paper --out DIR [options]`.

A paper's experiments are in `zoo/<paper>/experiments.py`, in a dict `EXPERIMENTS` of name to `Experiment`. That
module is imported for a list of experiments too, so it leaves TensorFlow and matplotlib to its functions.
"""

import argparse
import dataclasses
import datetime
import importlib
import importlib.metadata
import json
import math
import pathlib
import platform
import re
import shlex
import time
from collections.abc import Callable, Mapping

import zoo
from zoo.errors import UserError
from zoo.files import write_text

SCALES = ("smoke", "cpu", "paper")


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A table or figure of a paper that one command makes.

    Attributes:
      name: str, as in `toulon experiment PAPER/NAME`.
      description: str, one line.
      durations: dict of scale to expected duration, in words.
      run: function of a `Run` that does the work and returns its results, a dict that JSON can hold.
      add_arguments: function of an `argparse.ArgumentParser`, to which it adds the experiment's own options,
        each of the kind `--option VALUE` or `--switch`.
    """

    name: str
    description: str
    durations: Mapping[str, str]
    run: Callable[["Run"], dict]
    add_arguments: Callable[[argparse.ArgumentParser], None] = lambda parser: None


class Run:
    """One run of an experiment: where its files go, and what of its work is done already.

    Attributes:
      out: `pathlib.Path`, the directory of all its files.
      scale: "smoke", "cpu" or "paper".
      options: `argparse.Namespace` with the experiment's own options.
      computed, reused: int, units of work done now and found done.
    """

    def __init__(self, out, scale, options):
        self.out, self.scale, self.options = pathlib.Path(out), scale, options
        self.computed = self.reused = 0

    def unit(self, key, compute):
        """A piece of the work, done once: a killed run that is started again finds its result in a file.

        Args:
          key: str, says everything the result depends on that may differ within this run.
          compute: function () -> result, of what JSON can hold.

        Returns:
          The result, as JSON gives it back (lists for tuples, str for the keys of dicts).
        """
        path = self.out / "units" / (re.sub(r"[^\w.+-]", "_", key) + ".json")
        if path.exists():
            self.reused += 1
            return json.loads(path.read_text())
        text = json.dumps(compute())
        path.parent.mkdir(exist_ok=True)
        write_text(path, text)
        self.computed += 1
        return json.loads(text)


def papers():
    """The papers that have experiments: sorted list of the folders' names."""
    return sorted(
        {path.parent.name for root in zoo.__path__ for path in pathlib.Path(root).glob("*/experiments.py")}
    )


def find(name):
    """The experiment called PAPER/NAME.

    Raises:
      UserError: there is none; says which there are.
    """
    paper, _, own_name = name.partition("/")
    known = papers()
    if paper not in known:
        raise UserError(f"no paper {paper!r} has experiments; those that have: {', '.join(known)}.")
    experiments = _experiments(paper)
    if own_name not in experiments:
        there = ", ".join(f"{paper}/{n}" for n in experiments)
        raise UserError(f"there is no experiment {name!r}; there are {there}.")
    return experiments[own_name]


def _experiments(paper):
    return importlib.import_module(f"zoo.{paper}.experiments").EXPERIMENTS


def add_arguments(parser):
    """Adds the arguments of `toulon experiment` to a parser; `main` takes what it parses."""
    parser.set_defaults(
        parser_class=type(parser)
    )  # for the experiment's own options: same answers to mistakes
    parser.add_argument("--list", action="store_true", help="list the experiments")
    _add_common(parser)
    parser.add_argument("name", nargs="?", metavar="PAPER/NAME", help="the experiment, see --list")
    parser.add_argument(
        "rest", nargs=argparse.REMAINDER, metavar="...", help="its own options; PAPER/NAME --help lists them"
    )


def _add_common(parser):
    parser.add_argument(
        "--scale",
        choices=SCALES,
        default="smoke",
        help="seconds, hours, or the paper's size (default: smoke)",
    )
    parser.add_argument(
        "--out", metavar="DIR", help="directory for result.json and pictures; goes on if it holds part"
    )


def main(args):
    """Runs, or lists, what `toulon experiment` was asked for.

    Args:
      args: `argparse.Namespace` from a parser with `add_arguments`.

    Raises:
      UserError: no such experiment, a directory with another run, or whatever the experiment has against its
        options.
    """
    if args.list:
        print_list()
        return
    if not args.name:
        raise UserError("which experiment? Give PAPER/NAME; toulon experiment --list shows them.")
    experiment = find(args.name)
    parser = args.parser_class(prog=f"toulon experiment {args.name}", description=experiment.description)
    _add_common(parser)
    experiment.add_arguments(parser)
    # Options before the name are in `args` already and stay unless given again.
    given = argparse.Namespace(scale=args.scale, out=args.out)
    options = vars(parser.parse_args(args.rest, given))
    scale, out = options.pop("scale"), options.pop("out")
    if not out:
        raise UserError("where to? Give --out=DIR.")
    defaults = {name: parser.get_default(name) for name in options}
    run_experiment(args.name, experiment, scale, out, options, defaults)


def print_list():
    """Prints every experiment with its description and expected durations."""
    for paper in papers():
        for experiment in _experiments(paper).values():
            print(f"{paper}/{experiment.name}: {experiment.description}")
            print("    " + ", ".join(f"{scale}: {experiment.durations[scale]}" for scale in SCALES))


def run_experiment(name, experiment, scale, out, options, defaults):
    """Runs an experiment in a directory, or goes on with it, and writes its `result.json`.

    Args:
      name: str, PAPER/NAME.
      experiment: an `Experiment`.
      scale: "smoke", "cpu" or "paper".
      out: str, made if it is not there.
      options, defaults: dicts of the experiment's own options, as given and as they are when not given.

    Returns:
      dict, the content of `result.json`.

    Raises:
      UserError: the directory holds another run or cannot be used, or the run was interrupted.
    """
    settings = {"experiment": name, "scale": scale, "options": options, "versions": versions()}
    run = Run(out, scale, argparse.Namespace(**options))
    try:
        run.out.mkdir(parents=True, exist_ok=True)
        _check_same_run(run.out, settings)
    except OSError as error:
        raise UserError(f"--out={out} cannot be used: {error.strerror}.") from None
    print(f"{name} at scale {scale}: expected to take {experiment.durations[scale]}.", flush=True)
    start = time.monotonic()
    try:
        results = experiment.run(run)
    except KeyboardInterrupt:
        raise UserError(f"stopped; the same command goes on with what is in {out}.") from None
    record = settings | {
        "command": _command(name, scale, out, options, defaults),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - start, 1),
        "units": {"computed": run.computed, "reused": run.reused},
        "results": results,
    }
    record = _finite(record)
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(run.out / "result.json", text + "\n")
    print(f"{run.out / 'result.json'} written after {record['seconds']:.0f} s.")
    return record


def versions():
    """Versions of what a result depends on: dict of name to str, None where it is not installed."""
    found = {"zoo": zoo.__version__, "python": platform.python_version()}
    for package in ("tensorflow", "numpy", "Pillow"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def _check_same_run(out, settings):
    """Notes the settings in the directory, or raises if it holds a run that was started with others."""
    path = out / "settings.json"
    now = json.loads(json.dumps(settings))
    if path.exists():
        before = json.loads(path.read_text())
        for key, value in now.items():
            if before.get(key) != value:
                raise UserError(
                    f"{out} holds a run with {key} {json.dumps(before.get(key))}, not {json.dumps(value)}; "
                    "take another --out."
                )
    write_text(path, json.dumps(now, indent=2) + "\n")


def _finite(value):
    """The same with None for infinities and NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _command(name, scale, out, options, defaults):
    """The command line that makes this run."""
    words = ["toulon", "experiment", name, "--scale", scale, "--out", str(out)]
    for option, value in options.items():
        if value != defaults[option]:
            flag = "--" + option.replace("_", "-")
            words += [flag] if value is True else [flag, str(value)]
    return shlex.join(words)
