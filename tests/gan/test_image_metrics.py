"""Measures of pictures against closed forms and controls."""

import numpy as np
import pytest
import tensorflow as tf

from zoo.gan import image_metrics as metrics


def test_class_statistics():
    certain = np.eye(4)[np.arange(40) % 4]
    found = metrics.class_statistics(certain)
    assert found["total_variation"] == 0
    assert found["top_probability"] == 1
    assert found["score"] == pytest.approx(4)
    collapsed = metrics.class_statistics(np.eye(4)[np.zeros(9, int)])
    assert collapsed["total_variation"] == pytest.approx(0.75)
    assert collapsed["score"] == pytest.approx(1)
    vague = metrics.class_statistics(np.full([9, 4], 0.25))
    assert (vague["score"], vague["top_probability"]) == (pytest.approx(1), 0.25)


def test_stacked_modes():
    digits = np.array([[1, 2, 3], [1, 2, 3], [9, 9, 9]]).T  # [3, n]
    found = metrics.stacked_modes(np.eye(10)[digits])
    assert found["modes"] == 2
    expected = 2 / 3 * np.log(2 / 3 * 1000) + 1 / 3 * np.log(1 / 3 * 1000)
    assert found["reverse_kl"] == pytest.approx(expected)
    everything = np.eye(10)[np.stack(np.unravel_index(np.arange(1000), [10] * 3))]
    assert metrics.stacked_modes(everything) == {
        "modes": 1000,
        "reverse_kl": pytest.approx(0),
        "top_probability": 1,
    }


def test_kernel_distance_is_unbiased_and_sees_a_shift(noise):
    same = [
        metrics.kernel_distance(noise.normal(size=(50, 8)), noise.normal(size=(60, 8))) for _ in range(200)
    ]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(200)
    x, y = noise.normal(size=(3, 2)), noise.normal(size=(2, 2))
    k = lambda a, b: (a @ b / 2 + 1) ** 3  # noqa: E731
    by_hand = np.mean([k(x[i], x[j]) for i in range(3) for j in range(3) if i != j])
    by_hand += np.mean([k(y[0], y[1])] * 2) - 2 * np.mean([k(a, b) for a in x for b in y])
    assert metrics.kernel_distance(x, y) == pytest.approx(by_hand)
    assert metrics.kernel_distance(noise.normal(size=(500, 8)), noise.normal(1, size=(500, 8))) > 1


def test_pyramid_distance(noise):
    images = noise.uniform(-1, 1, (64, 32, 32, 3)).astype(np.float32)
    assert metrics.pyramid_distance(images, images) == 0
    levels = metrics.laplacian_pyramid(images)
    assert [level.shape[1] for level in levels] == [32, 16]
    back = tf.image.resize(levels[1], [32, 32], "bilinear") + levels[0]
    np.testing.assert_allclose(back, images, atol=1e-5)
    others = noise.uniform(-1, 1, images.shape).astype(np.float32)
    blurred = tf.image.resize(tf.image.resize(others, [16, 16], "area"), [32, 32], "bilinear").numpy()
    own, far = (metrics.pyramid_distance(images, x) for x in (others, blurred))
    assert far > 5 * own


def test_patches_are_of_the_pictures(noise):
    images = noise.normal(size=(3, 9, 8, 2))
    patches = metrics.cut_patches(images, 0)
    assert patches.shape == (3 * metrics.PATCHES, 7, 7, 2)
    windows = [images[1, i : i + 7, j : j + 7] for i in range(3) for j in range(2)]
    for patch in patches[metrics.PATCHES : 2 * metrics.PATCHES]:
        assert any(np.array_equal(patch, window) for window in windows)


def test_diversity_and_duplicates(noise):
    smooth = tf.image.resize(noise.uniform(-1, 1, (50, 4, 4, 1)), [28, 28], "bicubic").numpy().clip(-1, 1)
    alike = smooth[:1] + 0.01 * noise.normal(size=smooth.shape)
    assert metrics.diversity(alike.astype(np.float32)) > 0.95
    assert metrics.diversity(smooth.astype(np.float32)) < 0.4
    others = tf.image.resize(noise.uniform(-1, 1, (50, 4, 4, 1)), [28, 28], "bicubic").numpy()
    twins = others.copy()
    twins[7] = twins[3] + 1e-3
    assert metrics.duplicates(twins, smooth) == 2
    assert metrics.duplicates(smooth, smooth) == 0
