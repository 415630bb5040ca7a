import numpy as np
import pytest

import zoo.data
from zoo.errors import UserError

NAMES = ["noise", "gradients", "shapes"]


@pytest.mark.parametrize("name", NAMES)
def test_a_function_of_seed_split_and_index(name):
    def picture(query, split, index):
        return zoo.data.load(f"synthetic:{name}?{query}", split)[index]["image"]

    first = picture("seed=3", "train", 5)
    np.testing.assert_array_equal(first, picture("seed=3&examples=9", "train", 5))
    for other in (("seed=4", "train", 5), ("seed=3", "test", 5), ("seed=3", "train", 6)):
        assert np.any(first != picture(*other)), other


@pytest.mark.parametrize("name", NAMES)
def test_options(name):
    source = zoo.data.load(f"synthetic:{name}?height=7&width=11&channels=1&examples=4")
    assert len(source) == 4
    assert source.features == {"image": ("uint8", (7, 11, 1)), "label": ("int64", ())}
    arrays = source.stacked()
    assert arrays["image"].shape == (4, 7, 11, 1)
    assert arrays["image"].dtype == np.uint8
    assert arrays["label"].dtype == np.int64


@pytest.mark.parametrize(("name", "classes"), [("noise", 4), ("gradients", 4), ("shapes", 3)])
def test_every_label_occurs(name, classes):
    source = zoo.data.load(f"synthetic:{name}?classes=4&examples=100&height=8&width=8")
    assert set(source.stacked()["label"]) == set(range(classes))


def test_noise_is_uniform():
    images = zoo.data.load("synthetic:noise?examples=100").stacked()["image"]
    frequencies = np.bincount(images.ravel(), minlength=256) / images.size
    np.testing.assert_allclose(frequencies, 1 / 256, rtol=0.05)  # 4800 of each, standard deviation 1.4 %
    assert abs(np.corrcoef(images[:, :, 1:].ravel(), images[:, :, :-1].ravel())[0, 1]) < 0.01


def test_gradients_are_linear_and_lie_as_the_label_says():
    source = zoo.data.load("synthetic:gradients?classes=4&height=33&width=33&channels=1&examples=40")
    at = np.arange(33) - 16
    checked = 0
    for i in range(40):
        image = source[i]["image"][..., 0].astype(float)
        down, right = (gradient.mean() for gradient in np.gradient(image))
        plane = image[16, 16] + down * at[:, np.newaxis] + right * at
        np.testing.assert_allclose(
            image, plane, atol=1.5
        )  # rounding of the picture, of its middle, of the slopes
        if np.ptp(image) > 60:  # where rounding hardly turns it
            orientation = np.arctan2(down, right) / np.pi % 1
            middle = (source[i]["label"] + 0.5) / 4
            assert abs((orientation - middle + 0.5) % 1 - 0.5) < 1 / 8 + 0.01, i
            checked += 1
    assert checked > 10


def test_shapes_are_smooth_with_edges():
    source = zoo.data.load("synthetic:shapes?examples=20&height=128&width=128")
    steps = np.concatenate(
        [np.abs(np.diff(source[i]["image"].astype(int), axis=1)).ravel() for i in range(20)]
    )
    assert np.mean(steps <= 8) > 0.9  # nearly everywhere smooth
    assert np.mean(steps > 30) > 0.005  # and yet with edges


@pytest.mark.parametrize(
    ("source", "split", "message"),
    [
        ("synthetic:plaid", "train", "no 'plaid'; expected one of noise, gradients, shapes"),
        ("synthetic:noise", "val", "no split 'val'; expected one of train, test"),
        ("synthetic:noise?size=3", "train", "no option 'size'; expected some of height, width"),
        ("synthetic:noise?height", "train", "height is ''"),
        ("synthetic:noise?height=0", "train", "height is '0'; expected a whole number from 1 on"),
        ("synthetic:noise?height=a", "train", "height is 'a'"),
        ("synthetic:noise?seed=-1", "train", "seed is '-1'; expected a whole number from 0 on"),
    ],
)
def test_mistakes(source, split, message):
    with pytest.raises(UserError, match=message):
        zoo.data.load(source, split)
