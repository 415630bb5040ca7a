"""A few real photographs that come with the package: "sample:NAME"."""

import dataclasses
import os

from zoo.data.folder import load_folder
from zoo.data.source import check_split
from zoo.errors import UserError

# Set -> its only split: the Kodak pictures are everybody's test set, so they are never trained on.
SPLITS = {"photos": "train", "kodak": "test"}


def load_sample(name, split):
    """Photographs enough to see a training run or a codec work; zoo/data/samples/README.md has their licences.

    Args:
      name: "photos", four photographs free of copyright, or "kodak", three of the Kodak suite.
      split: "train" for photos, "test" for kodak.

    Returns:
      A `Source` with "image" [height, width, 3] uint8 of several sizes.

    Raises:
      UserError: an unknown name or split.
    """
    if name not in SPLITS:
        raise UserError(f"sample:{name} does not exist; expected sample:{' or sample:'.join(SPLITS)}.")
    check_split(f"sample:{name}", split, [SPLITS[name]])
    files = load_folder(os.path.join(os.path.dirname(__file__), "samples", name))
    return dataclasses.replace(files, name=f"sample:{name}")
