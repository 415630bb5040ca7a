"""Turns a source string into a `Source`."""

import importlib

from zoo.errors import UserError

# Kind -> where its loader is, imported when asked for: (rest of the string, split, **options) -> Source.
KINDS = {
    "folder": "zoo.data.folder:load_folder",
    "npz": "zoo.data.npz:load_npz",
    "idx": "zoo.data.idx:load_idx",
    "synthetic": "zoo.data.synthetic:load_synthetic",
    "sample": "zoo.data.sample:load_sample",
    "tfds": "zoo.data.tfds:load_tfds",
}


def load(source, split="train", **options):
    """Opens a set of pictures.

    Args:
      source: str, a kind and what the kind needs:
        "folder:GLOB", picture files (a directory, a file or a glob, `**` included);
        "npz:PATH", NumPy arrays such as Keras' mnist.npz;
        "idx:PREFIX_OR_FOLDER", the files of MNIST and its relatives;
        "synthetic:NAME?key=value&…", computed pictures: noise, gradients, shapes;
        "sample:NAME", a few real photographs that come with this package: photos, kodak;
        "tfds:NAME[/config][:version]", a data set of TensorFlow Datasets.
      split: str, "train", "test" or what else the set has. "folder:" and an npz of one array have no splits:
        they give the same whatever is asked for.
      **options: "tfds:" takes data_dir, manual_dir, download, image_feature (see `zoo.data.tfds.load_tfds`).

    Returns:
      A `Source`.

    Raises:
      UserError: an unknown kind or split, a missing or damaged file.
    """
    kind, colon, rest = source.partition(":")
    if kind not in KINDS or not colon or not rest:
        kinds = ", ".join(f"{k}:…" for k in KINDS)
        raise UserError(f"{source!r} is no source of data; expected one of {kinds} (for files, folder:GLOB).")
    module, function = KINDS[kind].split(":")
    return getattr(importlib.import_module(module), function)(rest, split, **options)
