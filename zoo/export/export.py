"""Writes a whole export: SavedModel, trained variables, warm-up requests, card, what else a paper adds."""

import json
import pathlib

import tensorflow as tf

from zoo import registry
from zoo.export import card, saved_model, serving_files


def write_export(
    model, root, signatures, default, *, about, warmup, training=(), add=lambda directory, entry: {}
):
    """Writes the next version of a model's export.

    Args:
      model: a trained `tf.keras.Model` with `config`, `ENTRY`, the name of its kind in the registry, and
        `variables_checkpoint()`.
      root: directory of the export; its name is that of the servable, and the version goes to `root/<integer>`.
      signatures, default: see `saved_model.save_signatures`.
      about: path of a JSON file with what a person says of each model of the registry.
      warmup: list of requests, see `serving_files.write_warmup`.
      training: list of dicts, the phases of training.
      add: function (directory, registry.Entry) that writes further files and returns facts for the card, a dict.

    Returns:
      The version's directory, a `pathlib.Path`.
    """
    root = pathlib.Path(root)
    name = root.name
    entry = registry.find(name if name in registry.list_models() else model.ENTRY)
    with saved_model.new_version(root) as directory:
        saved_model.save_signatures(directory, signatures, default)
        model.variables_checkpoint().write(str(directory / "checkpoint" / "variables"))
        facts = add(directory, entry) | {
            "parameters": sum(int(tf.size(v)) for v in model.variables if v.trainable),  # frozen layers, too
            "signatures": {key: saved_model.describe(f) for key, f in signatures.items()},
        }
        serving_files.write_warmup(directory, name, warmup)
        told = json.loads(pathlib.Path(about).read_text())[entry.name]
        card.write_card(directory, card.make_card(name, entry, told, model.config, list(training), **facts))
    serving_files.write_server_configs(root.parent)
    return registry.find_export(root)
