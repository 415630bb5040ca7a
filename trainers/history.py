"""How a model came to be: the phases of its training, carried from run to run and into its card."""

import json
import pathlib

from zoo import registry
from zoo.errors import UserError
from zoo.files import write_text


def begin(workdir, source):
    """Notes in `workdir` the phases that came before: those of the run or export it starts from."""
    source = pathlib.Path(source)
    if (source / "flags.json").exists():
        before = phases(source)
    else:
        try:
            before = registry.read_card(registry.find_export(str(source)))["training"]
        except UserError:
            before = [{"init_from": source.name}]
    write_text(workdir / "history.json", json.dumps(before, indent=1) + "\n")


def phases(workdir):
    """All phases of training up to the run in `workdir`: a list of dicts of flags, steps and hours."""
    path = workdir / "history.json"
    before = json.loads(path.read_text()) if path.exists() else []
    flags = json.loads((workdir / "flags.json").read_text())
    for private in ("workdir", "export_dir", "init_from"):
        flags.pop(private, None)
    for data in ("data", "validation_data"):
        if flags.get(data):
            kind, _, path = flags[data].partition(":")
            flags[data] = f"{kind}:{'/'.join(pathlib.Path(path).parts[-2:])}"  # the rest is this machine's
    log = [json.loads(line) for line in (workdir / "log.jsonl").read_text().splitlines()]
    train = [entry for entry in log if entry["split"] == "train"]
    if not train:
        return before
    steps = [0] + [entry["step"] for entry in train]
    seconds = sum(
        (step - last) / entry["steps_per_second"]
        for last, step, entry in zip(steps, steps[1:], train, strict=False)
    )
    return [*before, {"steps": steps[-1], "hours": round(seconds / 3600, 2), "flags": flags}]
