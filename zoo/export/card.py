"""Model cards: what a model is, what it was trained on, what was measured; as JSON."""

import dataclasses
import datetime
import hashlib
import json
import pathlib

import zoo
from zoo.files import write_text


def make_card(name, entry, about, config, training, **facts):
    """The card of an export.

    Args:
      name: str, of the export and the servable.
      entry: the `zoo.registry.Entry` that makes the model.
      about: dict, the part that a person writes: title, paper, licence, training data, limits.
      config: the model's config, a dataclass.
      training: list of dicts, the phases of training in order: command line flags, steps.
      **facts: whatever else is known, such as parameters=2138499.

    Returns:
      A dict that JSON can hold.
    """
    import tensorflow as tf

    return {
        "name": name,
        "model": entry.name,
        "summary": entry.summary if name == entry.name else about["title"],
        **about,
        "training_data": sorted({_data_of(phase) for phase in training}),
        "config": dataclasses.asdict(config),
        "training": training,
        **facts,
        "metrics": {},
        "exported": {
            "date": datetime.date.today().isoformat(),
            "toulon": zoo.__version__,
            "tensorflow": tf.__version__,
        },
    }


def _data_of(phase):
    """What a phase of training says of its data: the note that was given, else the source."""
    flags = phase.get("flags", {})
    return flags.get("data_note") or flags.get("data") or "unknown"


def write_card(directory, card):
    """Writes card.json, whole or not at all, with the size and SHA-256 of every file of the export."""
    directory = pathlib.Path(directory)
    files = {
        str(path.relative_to(directory)): {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != "card.json"
    }
    write_text(
        directory / "card.json", json.dumps(card | {"files": files}, indent=1, ensure_ascii=False) + "\n"
    )


def format_card(card):
    """A card as lines to read."""
    skip = {"files", "config", "metrics", "training"}
    lines = [f"{key}: {_flat(value)}" for key, value in card.items() if key not in skip]
    for key in ("config", "training", "metrics", "files"):
        if card.get(key):
            lines.append(f"{key}:")
            items = card[key].items() if isinstance(card[key], dict) else enumerate(card[key], 1)
            lines += [f"  {name}: {_flat(value)}" for name, value in items]
    return "\n".join(lines)


def _flat(value):
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(v)}" for key, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(_flat, value))
    return str(value)
