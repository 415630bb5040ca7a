"""Pictures in the file format of MNIST: "idx:PREFIX_OR_FOLDER"."""

import glob
import gzip
import math
import os
import zlib

import numpy as np

from zoo.data.source import check_split, from_arrays
from zoo.errors import UserError

PARTS = {"train": ("train",), "test": ("t10k", "test")}  # split -> how the names of its files may begin


def load_idx(prefix, split):
    """Images and labels of MNIST, Fashion-MNIST, EMNIST, ….

    The four files are PREFIXtrain-images-idx3-ubyte, PREFIXtrain-labels-idx1-ubyte and likewise with t10k (or
    test), plain or with .gz; some copies have a dot for the last hyphen but one (train-images.idx3-ubyte).

    Args:
      prefix: str, the directory they lie in, or the path up to "train" (such as emnist/emnist-letters-).
      split: "train" or "test".

    Returns:
      A `Source` with "image" [height, width, 1] uint8 and "label" int64.

    Raises:
      UserError: a file is missing, damaged, or no such file.
    """
    name = f"idx:{prefix}"
    check_split(name, split, PARTS)
    prefix = os.path.expanduser(prefix)
    if os.path.isdir(prefix):
        prefix = os.path.join(prefix, "")
    elif not glob.glob(glob.escape(prefix) + "*"):
        raise UserError(f"{prefix} does not exist; give the directory with the idx files, idx:DIR.")
    images_path = _find(prefix, split, "images", 3)
    labels_path = _find(prefix, split, "labels", 1)
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if len(images) != len(labels):
        raise UserError(
            f"{images_path} has {len(images)} images, {labels_path} {len(labels)} labels; take both from one set."
        )
    return from_arrays(name, {"image": images[..., np.newaxis], "label": labels.astype(np.int64)})


def _find(prefix, split, what, rank):
    """The path of a split's "images" or "labels"."""
    names = [f"{prefix}{part}-{what}{dot}idx{rank}-ubyte" for part in PARTS[split] for dot in "-."]
    for path in (name + extension for name in names for extension in ("", ".gz")):
        if os.path.isfile(path):
            return path
    raise UserError(
        f"{names[0]} does not exist, nor with .gz; give the directory with the idx files, idx:DIR."
    )


def read_idx(path, rank):
    """Reads one idx file of bytes.

    Args:
      path: str; a name that ends in .gz is unpacked.
      rank: int, the number of dimensions it must have.

    Returns:
      uint8 array of that rank, read-only.

    Raises:
      UserError: the file cannot be read, is no such file, or has another size than its header says.
    """
    try:
        with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
            data = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read, it may be damaged: {error}") from None
    header = 4 + 4 * rank  # magic number 0, 0, 8 (bytes), rank; then the sizes, big-endian
    if len(data) < header or data[:4] != bytes([0, 0, 8, rank]):
        raise UserError(
            f"{path} begins with {data[:4].hex() or 'nothing'}; expected 000008{rank:02x}, an idx file of bytes with "
            f"{rank} dimensions; fetch it again."
        )
    shape = [int(n) for n in np.frombuffer(data, ">u4", rank, offset=4)]
    if len(data) - header != math.prod(shape):
        raise UserError(
            f"{path} has {len(data) - header} bytes of data, its header says {math.prod(shape)}; fetch it again."
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
