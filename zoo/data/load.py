"""Turns a source string into a `Source`."""

from zoo.data.folder import load_folder

KINDS = {"folder": "zoo.data.folder"}


def load(source, split="train", **options):
    kind, colon, rest = source.partition(":")
    return load_folder(rest)
