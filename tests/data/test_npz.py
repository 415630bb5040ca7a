import numpy as np
import pytest

import zoo.data
from zoo.errors import UserError


@pytest.fixture
def arrays(noise):
    """Arrays under the names of Keras' mnist.npz."""
    return {
        "x_train": noise.integers(256, size=(6, 5, 4), dtype=np.uint8),
        "y_train": noise.integers(10, size=6, dtype=np.uint8),
        "x_test": noise.integers(256, size=(3, 5, 4), dtype=np.uint8),
        "y_test": noise.integers(10, size=3, dtype=np.uint8),
    }


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_both_splits(arrays, tmp_path, save):
    save(tmp_path / "a.npz", **arrays)
    for split in ("train", "test"):
        source = zoo.data.load(f"npz:{tmp_path}/a.npz", split)
        assert source.features == {"image": ("uint8", (5, 4, 1)), "label": ("int64", ())}
        np.testing.assert_array_equal(source.arrays["image"][..., 0], arrays[f"x_{split}"])
        np.testing.assert_array_equal(source.arrays["label"], arrays[f"y_{split}"])
        np.testing.assert_array_equal(source[1]["image"][..., 0], arrays[f"x_{split}"][1])


def test_uncompressed_is_mapped(arrays, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    np.savez_compressed(tmp_path / "b.npz", **arrays)
    mapped = [zoo.data.load(f"npz:{tmp_path}/{n}.npz").arrays["image"] for n in "ab"]
    assert [isinstance(array, np.memmap) for array in mapped] == [True, False]


def test_fortran_order(noise, tmp_path):
    array = np.asfortranarray(noise.integers(256, size=(3, 5, 4, 2), dtype=np.uint8))
    np.savez(tmp_path / "a.npz", array)
    np.testing.assert_array_equal(zoo.data.load(f"npz:{tmp_path}/a.npz").arrays["image"], array)


def test_colour_and_column_of_labels(noise, tmp_path):
    # Keras' CIFAR-10 has labels [N, 1].
    x = noise.integers(256, size=(3, 5, 4, 3), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x_val=x, y_val=np.int32([[7], [8], [9]]), classes=np.array(["a", "b"]))
    source = zoo.data.load(f"npz:{tmp_path}/a.npz", "val")
    np.testing.assert_array_equal(source.arrays["image"], x)
    np.testing.assert_array_equal(source.arrays["label"], [7, 8, 9])


def test_single_array_is_every_split(noise, tmp_path):
    array = noise.integers(256, size=(3, 5, 4), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", whatever=array)
    for split in ("train", "test"):
        source = zoo.data.load(f"npz:{tmp_path}/a.npz", split)
        np.testing.assert_array_equal(source.arrays["image"][..., 0], array)
        assert set(source.features) == {"image"}


IMAGES = np.zeros((3, 4, 4), np.uint8)
BAD = {
    "float images": (
        {"x_train": IMAGES.astype(np.float32)},
        r"x_train is float32 \[3, 4, 4\]; expected uint8",
    ),
    "flat images": ({"x_train": IMAGES.reshape(3, 16)}, r"x_train is uint8 \[3, 16\]; expected uint8"),
    "no images": ({"x_train": IMAGES[:0]}, "expected uint8"),
    "other split": ({"x_test": IMAGES, "x_val": IMAGES}, "no split 'train'; expected one of test, val"),
    "two arrays": ({"a": IMAGES, "b": IMAGES}, "holds a, b; expected x_train"),
    "too few labels": (
        {"x_train": IMAGES, "y_train": np.arange(2)},
        "y_train is int64 .* each of the 3 images",
    ),
    "float labels": ({"x_train": IMAGES, "y_train": np.zeros(3)}, "y_train is float64"),
    "objects": ({"x_train": np.array([None, {}])}, "cannot be read"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_bad_contents(tmp_path, case, save):
    arrays, message = BAD[case]
    save(tmp_path / "bad.npz", **arrays)
    with pytest.raises(UserError, match=message) as error:
        zoo.data.load(f"npz:{tmp_path}/bad.npz")
    assert "bad.npz" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_file(arrays, tmp_path, save):
    path = tmp_path / "a.npz"
    save(path, **arrays)
    whole = path.read_bytes()
    for content in (b"", b"hello", whole[: len(whole) // 2], whole[len(whole) // 2 :]):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"a\.npz cannot be read") as error:
            zoo.data.load(f"npz:{path}")
        assert "\n" not in str(error.value)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"none\.npz: the file does not exist"):
        zoo.data.load(f"npz:{tmp_path}/none.npz")
