"""What each condition changes, what it leaves, and that it is the same every time."""

import numpy as np
import pytest

import zoo.data
from zoo.data.source import from_arrays
from zoo.errors import UserError
from zoo.memorization.randomize import CONDITIONS, randomize


@pytest.fixture(scope="module")
def source():
    rng = np.random.default_rng(0)
    images = rng.integers(90, 150, (2500, 6, 5, 3)).astype(np.uint8)
    images[..., 0] += 60
    images[..., 2] = 255 * (images[..., 2] > 110)  # as wide as it gets
    return from_arrays("digits", {"image": images, "label": rng.integers(0, 10, 2500)})


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_same_seed_changes_a_set_in_the_same_way(source, condition):
    one, again, other = (randomize(source, condition, 0.5, seed).arrays for seed in (1, 1, 2))
    for name in one:
        np.testing.assert_array_equal(one[name], again[name])
    np.testing.assert_array_equal(one["true_label"], source.arrays["label"])
    changed = [not np.array_equal(one[name], source.arrays[name]) for name in ("image", "label")]
    assert changed == {
        "true": [False, False],
        "corrupted-labels": [False, True],
        "random-labels": [False, True],
    }.get(condition, [True, False])
    if condition != "true":
        assert any(not np.array_equal(one[name], other[name]) for name in ("image", "label"))


@pytest.mark.parametrize(("condition", "part"), [("corrupted-labels", 0.45), ("random-labels", 0.9)])
def test_labels_change_as_often_as_they_should(source, condition, part):
    arrays = randomize(source, condition, 0.5).arrays
    wrong = arrays["label"] != arrays["true_label"]
    assert wrong.mean() == pytest.approx(part, abs=4 * np.sqrt(part * (1 - part) / 2500))
    assert np.bincount(arrays["label"][wrong], minlength=10).min() > 0
    held_out = randomize(source, condition, 0.5, split="test").arrays
    np.testing.assert_array_equal(held_out["label"], source.arrays["label"])


def test_permutations_are_of_whole_pixels(source):
    before = source.arrays["image"].reshape(2500, 30, 3)
    after = {
        c: randomize(source, c).arrays["image"].reshape(2500, 30, 3)
        for c in ("shuffled-pixels", "random-pixels")
    }

    def pixels(image):
        return sorted(map(tuple, image.tolist()))

    for images in after.values():
        assert pixels(images[7]) == pixels(before[7])
    # One order for all, in the test split too; or one for each.
    places = np.array(
        [np.flatnonzero((before == after["shuffled-pixels"][:, [i]]).all((0, 2)))[0] for i in range(30)]
    )
    np.testing.assert_array_equal(before[:, places], after["shuffled-pixels"])
    held_out = randomize(source, "shuffled-pixels", split="test").arrays["image"].reshape(2500, 30, 3)
    np.testing.assert_array_equal(held_out, after["shuffled-pixels"])
    assert not np.array_equal(after["random-pixels"], before[:, places])
    other = randomize(source, "random-pixels", split="test").arrays["image"].reshape(2500, 30, 3)
    assert not np.array_equal(other, after["random-pixels"])
    first = np.all(after["random-pixels"] == before[:, :1], axis=2)  # where each picture's first pixel went
    assert 50 < np.count_nonzero(first[:, 3]) < 150


def test_noise_has_the_sets_moments(source):
    images = randomize(source, "gaussian").arrays["image"].astype(float)
    before = source.arrays["image"].astype(float)
    np.testing.assert_allclose(images.mean((0, 1, 2)), before.mean((0, 1, 2)), atol=2)
    np.testing.assert_allclose(images.std((0, 1, 2)), before.std((0, 1, 2)), rtol=0.02)
    assert abs(np.corrcoef(images[:, 2, 2, 0], before[:, 2, 2, 0])[0, 1]) < 0.08


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["scrambled"], "condition is 'scrambled'; expected one of true"),
        (["corrupted-labels", 1.5], "probability is 1.5; 0 to 1"),
    ],
)
def test_mistakes(source, words, complaint):
    with pytest.raises(UserError, match=complaint):
        randomize(source, *words)


def test_sets_without_labels_are_refused():
    with pytest.raises(UserError, match="has no labels"):
        randomize(zoo.data.load("sample:kodak", "test"), "true")
