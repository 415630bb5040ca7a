import gzip
import os
import pathlib
import struct

import numpy as np
import pytest

import zoo.data
from zoo.data.idx import read_idx
from zoo.errors import UserError


def idx_bytes(array):
    """The idx format as its description has it: 0, 0, type 8, rank, big-endian sizes, data."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def arrays(noise):
    return {
        ("train", "images"): noise.integers(256, size=(6, 5, 4), dtype=np.uint8),
        ("train", "labels"): noise.integers(10, size=6, dtype=np.uint8),
        ("test", "images"): noise.integers(256, size=(3, 5, 4), dtype=np.uint8),
        ("test", "labels"): noise.integers(10, size=3, dtype=np.uint8),
    }


def write(arrays, pattern):
    """Writes the four files; `pattern` is a path with {part}, {what}, {rank}."""
    for (split, what), array in arrays.items():
        part = "train" if split == "train" else "test" if "emnist" in str(pattern) else "t10k"
        path = str(pattern).format(part=part, what=what, rank=array.ndim)
        with gzip.open(path, "wb") if path.endswith(".gz") else open(path, "wb") as file:
            file.write(idx_bytes(array))


@pytest.mark.parametrize(
    ("pattern", "source"),
    [
        ("{part}-{what}-idx{rank}-ubyte", ""),
        ("{part}-{what}-idx{rank}-ubyte.gz", ""),
        ("{part}-{what}.idx{rank}-ubyte", ""),
        ("emnist-letters-{part}-{what}-idx{rank}-ubyte.gz", "/emnist-letters-"),
    ],
)
def test_names(arrays, tmp_path, pattern, source):
    write(arrays, tmp_path / pattern)
    for split in ("train", "test"):
        loaded = zoo.data.load(f"idx:{tmp_path}{source}", split)
        assert loaded.features == {"image": ("uint8", (5, 4, 1)), "label": ("int64", ())}
        np.testing.assert_array_equal(loaded.arrays["image"][..., 0], arrays[split, "images"])
        np.testing.assert_array_equal(loaded.arrays["label"], arrays[split, "labels"])


def test_missing_file(arrays, tmp_path):
    write(arrays, tmp_path / "{part}-{what}-idx{rank}-ubyte")
    os.remove(tmp_path / "t10k-labels-idx1-ubyte")
    with pytest.raises(UserError, match="t10k-labels-idx1-ubyte does not exist"):
        zoo.data.load(f"idx:{tmp_path}", "test")


def test_missing_directory(tmp_path):
    with pytest.raises(UserError, match="nowhere does not exist; give the directory"):
        zoo.data.load(f"idx:{tmp_path}/nowhere")


def test_unknown_split(tmp_path):
    with pytest.raises(UserError, match="no split 'validation'; expected one of train, test"):
        zoo.data.load(f"idx:{tmp_path}", "validation")


def test_counts_must_agree(arrays, tmp_path):
    arrays["train", "labels"] = arrays["train", "labels"][:5]
    write(arrays, tmp_path / "{part}-{what}-idx{rank}-ubyte")
    with pytest.raises(UserError, match=r"6 images.* 5 labels"):
        zoo.data.load(f"idx:{tmp_path}")


GOOD = idx_bytes(np.zeros((2, 3, 4), np.uint8))
BAD = {
    "empty": (b"", "begins with nothing"),
    "another format": (b"\x89PNG\r\n\x1a\n" + bytes(20), "begins with 89504e47; expected 00000803"),
    "labels for images": (idx_bytes(np.zeros(30, np.uint8)), "begins with 00000801; expected 00000803"),
    "floats": (GOOD[:2] + b"\x0d" + GOOD[3:], "begins with 00000d03"),
    "short header": (GOOD[:15], "begins with 00000803"),
    "too short": (GOOD[:-1], "has 23 bytes of data, its header says 24"),
    "too long": (GOOD + b"x", "has 25 bytes of data, its header says 24"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("extension", ["", ".gz"])
def test_bad_contents(tmp_path, case, extension):
    content, message = BAD[case]
    path = tmp_path / f"bad{extension}"
    path.write_bytes(gzip.compress(content) if extension else content)
    with pytest.raises(UserError, match=message) as error:
        read_idx(str(path), 3)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b"hello", lambda b: b[:12] + b"\xff" * 8 + b[20:]]
)
def test_damaged_gzip(tmp_path, damage):
    path = tmp_path / "bad.gz"
    path.write_bytes(damage(gzip.compress(GOOD)))
    with pytest.raises(UserError, match=r"bad\.gz cannot be read"):
        read_idx(str(path), 3)


@pytest.mark.skipif(not os.environ.get("MNIST_DIR"), reason="needs the idx files of MNIST, MNIST_DIR=DIR")
def test_the_real_mnist():
    source = zoo.data.load(f"idx:{pathlib.Path(os.environ['MNIST_DIR'])}", "train")
    assert len(source) == 60000
    # Counts of the ten digits, as published.
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    np.testing.assert_array_equal(np.bincount(source.arrays["label"]), counts)
    assert source.arrays["image"].mean() == pytest.approx(0.1307 * 255, abs=0.02)
