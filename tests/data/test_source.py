import numpy as np
import pytest
from PIL import Image

import zoo.data
from zoo.data.source import Source, from_arrays
from zoo.errors import UserError


@pytest.fixture
def arrays(noise):
    return {"image": noise.integers(256, size=(5, 3, 2, 1), dtype=np.uint8), "label": np.arange(5)}


def test_from_arrays(arrays):
    source = from_arrays("five", arrays)
    assert len(source) == 5
    assert source.features == {"image": ("uint8", (3, 2, 1)), "label": ("int64", ())}
    np.testing.assert_array_equal(source[3]["image"], arrays["image"][3])
    assert source[3]["label"] == 3


@pytest.mark.parametrize("index", [-1, 5])
def test_index_out_of_range(arrays, index):
    with pytest.raises(IndexError, match="five"):
        from_arrays("five", arrays)[index]


def test_stacked_reads_every_example(arrays):
    lazy = Source("five", 5, from_arrays("five", arrays).get, from_arrays("five", arrays).features)
    stacked = lazy.stacked()
    assert stacked.keys() == arrays.keys()
    for name, array in stacked.items():
        assert array.dtype == arrays[name].dtype
        np.testing.assert_array_equal(array, arrays[name])


def test_stacked_gives_what_is_in_memory(arrays):
    assert from_arrays("five", arrays).stacked() is arrays


def test_stacked_takes_a_folder_of_one_size(noise, tmp_path):
    images = noise.integers(256, size=(3, 4, 5, 3), dtype=np.uint8)
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    np.testing.assert_array_equal(zoo.data.load(f"folder:{tmp_path}").stacked()["image"], images)


def test_stacked_refuses_mixed_sizes():
    with pytest.raises(UserError, match=r"sample:photos has pictures of any size \(here 4\)"):
        zoo.data.load("sample:photos").stacked()


def test_repr_is_short(arrays):
    assert "array(" not in repr(from_arrays("five", arrays))
