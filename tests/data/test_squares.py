"""Square pictures of one size, from sets of any."""

import numpy as np
from PIL import Image

from zoo.data.squares import load_squares, to_signed, to_square


def test_the_middle_is_cut_out_and_reduced():
    image = np.zeros([8, 12, 3], np.uint8)
    image[:, 2:10] = 200
    image[:, 2:6] = 100
    square = to_square(image, 4)
    assert square.shape == (4, 4, 3)
    np.testing.assert_array_equal(square[0, :, 0], [100, 100, 200, 200])


def test_what_is_smaller_gets_a_black_border(noise):
    image = noise.integers(1, 256, (28, 28, 1), np.uint8)
    square = to_square(image, 32)
    np.testing.assert_array_equal(square[2:30, 2:30], image)
    assert square.sum() == image.sum()
    np.testing.assert_array_equal(to_square(image, 28), image)


def test_a_whole_set(tmp_path, noise):
    for i, size in enumerate([(5, 9), (12, 7)]):
        Image.fromarray(noise.integers(0, 256, (*size, 3), np.uint8)).save(tmp_path / f"{i}.png")
    source = load_squares(f"folder:{tmp_path}", 6)
    assert source.arrays["image"].shape == (2, 6, 6, 3)
    labelled = load_squares("synthetic:shapes?height=9&width=9&channels=1&examples=4", 8)
    assert labelled.arrays["label"].shape == (4,)


def test_signed_values():
    np.testing.assert_allclose(to_signed(np.array([0, 255], np.uint8)), [-1, 1])
