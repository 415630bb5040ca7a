"""The `toulon` command.

The commands of a paper live in `zoo/<paper>/commands.py`; here they are known by name only, so that
`toulon --help` imports neither TensorFlow nor any paper.
"""

import argparse
import difflib
import importlib
import logging
import os
import sys

from zoo.errors import UserError

# name: (module, what it does). A module has `add_arguments_NAME(parser)` and `run_NAME(args)`.
COMMANDS = {
    "list": ("zoo.commands", "the models, and which of them are here with trained weights"),
    "card": ("zoo.commands", "what a model is, what it was trained on, what was measured"),
    "export": ("zoo.commands", "write a model's SavedModel, TFLite and card anew, as its next version"),
    "data": ("zoo.commands", "prepare a set of tensorflow-datasets from files that are here"),
    "experiment": ("zoo.commands", "run an experiment of a paper: its table and its figure"),
    "compress": ("zoo.codec.commands", "a picture to a .tln file"),
    "decompress": ("zoo.codec.commands", "a .tln file to a picture"),
    "info": ("zoo.codec.commands", "what a .tln file says of itself"),
    "upscale": (
        "zoo.superres.commands",
        "a picture four times as large that stays what it was when reduced again",
    ),
    "generate": ("zoo.gan.commands", "pictures that a generator makes, on a sheet"),
    "diagnose": ("zoo.gan.commands", "what a generator would learn from a discriminator, and from a critic"),
    "serve": ("zoo.serving.commands", "serve the exports, as TensorFlow Serving does"),
    "client": ("zoo.serving.commands", "compress and restore by a server"),
    "bulk": ("zoo.serving.bulk.commands", "compress, restore or measure any number of files, on Apache Beam"),
}


def main(argv=None):
    """Runs the command line; returns the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # not its advice on how often graphs are made
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_usage())
        return 0
    if argv[0] == "--version":
        import zoo

        print(f"toulon {zoo.__version__}")
        return 0
    name = argv[0]
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(COMMANDS)}."
        print(f"toulon: {name!r} is no command; {hint}", file=sys.stderr)
        return 2
    module, summary = COMMANDS[name]
    module = importlib.import_module(module)
    parser = _Parser(prog=f"toulon {name}", description=summary[0].upper() + summary[1:] + ".")
    getattr(module, f"add_arguments_{name}")(parser)
    try:
        return getattr(module, f"run_{name}")(parser.parse_args(argv[1:])) or 0
    except UserError as error:
        print(f"toulon {name}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"toulon {name}: {error.filename or ''}: {error.strerror}".replace(": :", ":"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"toulon {name}: stopped", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    """Answers a wrong argument with one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _usage():
    lines = ["usage: toulon COMMAND …", "", "commands:"]
    lines += [f"  {name:<11} {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(
        [*lines, "", "toulon COMMAND --help says more. Models are trained by `python -m trainers.NAME`."]
    )


if __name__ == "__main__":
    sys.exit(main())
