"""Pictures in NumPy arrays: "npz:PATH"."""

import os
import zipfile
import zlib

import numpy as np

from zoo.data.source import check_split, from_arrays
from zoo.errors import UserError


def load_npz(path, split):
    """Images and labels from an .npz file.

    The file holds x_SPLIT and perhaps y_SPLIT (the names of Keras' own mnist.npz) for each of its splits, or
    one image array under any name, which then stands for every split. Images are uint8, [N, height, width] or
    [N, height, width, channels]; grey gets a channel axis. Labels are integers, [N] or [N, 1]. Arrays that
    were stored uncompressed (`np.savez`) are mapped, not read: only what is used takes memory.

    Args:
      path: str.
      split: str.

    Returns:
      A `Source` with "image" [height, width, channels] uint8 and, where there are labels, "label" int64.

    Raises:
      UserError: the file is missing or damaged, has not such arrays, or has not this split.
    """
    name = f"npz:{path}"
    path = os.path.expanduser(path)
    try:
        with zipfile.ZipFile(path) as archive:
            keys = [n.removesuffix(".npy") for n in archive.namelist()]
            image_key = _image_key(name, keys, split)
            arrays = {"image": _images(name, image_key, _read(archive, image_key))}
            label_key = f"y_{split}"
            if label_key in keys:
                arrays["label"] = _labels(name, label_key, _read(archive, label_key), len(arrays["image"]))
    except FileNotFoundError:
        raise UserError(f"{name}: the file does not exist.") from None
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{name} cannot be read as an .npz file, it may be damaged: {error}") from None
    return from_arrays(name, arrays)


def _image_key(name, keys, split):
    """The name of the array that holds the split's images."""
    splits = [k.removeprefix("x_") for k in keys if k.startswith("x_")]
    if splits:
        check_split(name, split, splits)
        return f"x_{split}"
    if len(keys) != 1:
        raise UserError(
            f"{name} holds {', '.join(keys) or 'nothing'}; expected x_{split} and y_{split}, or a single array."
        )
    return keys[0]


def _read(archive, key):
    """One array of an open .npz file; a view of the file itself where it was stored uncompressed."""
    member = archive.getinfo(f"{key}.npy")
    with archive.open(member) as file:
        if member.compress_type != zipfile.ZIP_STORED:
            return np.lib.format.read_array(file, allow_pickle=False)
        version = np.lib.format.read_magic(file)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran_order, dtype = read_header(file)
        offset = file.tell()
    if dtype.hasobject:
        raise ValueError(f"{key} holds Python objects")
    order = "F" if fortran_order else "C"
    # The data begin after the member's local header: 30 bytes, its name, an extra field.
    with open(archive.filename, "rb") as file:
        file.seek(member.header_offset + 26)
        offset += member.header_offset + 30 + sum(int.from_bytes(file.read(2), "little") for _ in range(2))
    return np.memmap(archive.filename, dtype, "r", offset, shape, order)


def _images(name, key, array):
    """[N, height, width, channels] uint8, of an array that is or nearly is."""
    if array.dtype != np.uint8 or array.ndim not in (3, 4) or 0 in array.shape:
        raise UserError(
            f"{name}: {key} is {array.dtype} {list(array.shape)}; expected uint8 [N, height, width] or "
            "[N, height, width, channels]."
        )
    return array if array.ndim == 4 else array[..., np.newaxis]


def _labels(name, key, array, size):
    """[size] int64, of an integer array [size] or [size, 1]."""
    if array.dtype.kind not in "iu" or array.shape not in ((size,), (size, 1)):
        raise UserError(
            f"{name}: {key} is {array.dtype} {list(array.shape)}; expected an integer for each of the {size} images."
        )
    return np.asarray(array).reshape(size).astype(np.int64)
