"""An export of a generator: the shared battery, signatures against the model, the commands."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zoo
from tests import battery
from zoo import cli, registry
from zoo.gan.config import GANConfig
from zoo.gan.export import export_gan
from zoo.gan.model import GAN
from zoo.random import normal_per_example

SEEDS = np.array([3, 0, 3], np.int32)


@pytest.fixture(scope="module")
def model():
    tf.keras.utils.set_random_seed(1)
    model = GAN(GANConfig(shape=(16, 16, 1), generator_filters=4, critic_filters=4, noise_size=5))
    for layer in model.generator.layers:  # statistics other than those of a new network
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            layer.moving_mean.assign(0.1 * tf.random.stateless_normal(layer.moving_mean.shape, [1, 2]))
    for variable in model.generator.trainable_variables:
        variable.assign(variable + 0.2 * tf.random.stateless_normal(variable.shape, [3, 4]))
    return model


@pytest.fixture(scope="module")
def directory(model, tmp_path_factory):
    return export_gan(model, tmp_path_factory.mktemp("exported") / "digits")


@pytest.fixture(scope="module")
def signatures(directory):
    return registry.load_export(directory)


def test_battery(directory, run_python):
    battery.check_export(directory, run_python)


def test_pictures_are_those_of_the_model(model, signatures):
    noise = normal_per_example(tf.constant([[s, 0] for s in SEEDS], tf.int64), [5])
    expected = np.round(np.clip((model(noise).numpy() + 1) * 127.5, 0, 255))
    images = signatures["generate_seeded"](seed=SEEDS)["image"].numpy()
    assert images.dtype == np.uint8
    assert images.shape == (3, 16, 16, 1)
    assert np.abs(images - expected).max() <= 1
    assert np.abs(images[0].astype(int) - images[2]).max() <= 1  # whatever else is asked for
    assert np.abs(images[0].astype(int) - images[1]).max() > 10
    np.testing.assert_array_equal(signatures["generate"](noise=noise)["image"], images)
    encoded = signatures["generate_seeded_bytes"](seed=SEEDS)["image_bytes"].numpy()
    np.testing.assert_array_equal(tf.io.decode_png(encoded[1]), images[1])


def test_scores_are_those_of_the_critic(model, signatures, noise):
    images = noise.integers(0, 256, (4, 16, 16, 1), np.uint8)
    expected = model.critic(images / np.float32(127.5) - 1, training=False)
    np.testing.assert_allclose(
        signatures["critic_score"](image=images)["score"], expected, rtol=1e-4, atol=1e-6
    )


def test_too_many_at_once_are_refused(signatures):
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most"):
        signatures["generate_seeded"](seed=np.zeros([5000], np.int32))


def test_loading_gives_the_model_again(model, directory):
    again = zoo.load(str(directory))
    assert again.config == model.config
    np.testing.assert_array_equal(again.sample(2), model.sample(2))


def toulon(*words):
    return cli.main([str(word) for word in words])


def test_generate(directory, signatures, tmp_path, capsys):
    out = tmp_path / "sheet.png"
    assert toulon("generate", directory, out, "--count", 5, "--columns", 3, "--seed", 7) == 0
    sheet = np.asarray(Image.open(out))
    assert sheet.shape == (2 * 18 - 2, 3 * 18 - 2, 3)
    assert "5 pictures of 16 x 16 pixels" in capsys.readouterr().out
    assert toulon("generate", directory, out, "--seed", 8, "--count", 2) == 1
    assert "is there already" in capsys.readouterr().err
    assert toulon("generate", directory, out, "--seed", 8, "--count", 4, "--best", 2, "--force") == 0
    seeds = np.arange(8, 12, dtype=np.int32)
    images = signatures["generate_seeded"](seed=seeds)["image"].numpy()
    best = images[np.sort(np.argsort(-signatures["critic_score"](image=images)["score"].numpy())[:2])]
    kept = np.asarray(Image.open(out))[..., 0]
    np.testing.assert_array_equal(np.stack([kept[:, :16], kept[:, 18:]]), best[..., 0])
    # The second picture of seed 7 is the first of seed 8.
    assert toulon("generate", directory, tmp_path / "one.png", "--seed", 8, "--count", 1) == 0
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "one.png")), sheet[:16, 18:34])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--count", 0], "--count is 0"),
        (["--best", 9, "--count", 4], "--best is 9"),
        (["--seed", -1], "--seed is -1"),
        (["--columns", 0], "--columns is 0"),
    ],
)
def test_mistakes(directory, tmp_path, capsys, words, complaint):
    assert toulon("generate", directory, tmp_path / "a.png", *words) == 1
    assert complaint in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_other_models_generate_nothing(tmp_path, capsys):
    assert toulon("generate", "affmse-x4", tmp_path / "a.png") == 1
    assert "affmse-x4 makes no pictures; give the export of a generator" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "complaint"), [("a.bmp", "ends in one of .png"), ("there.png", "is there already")]
)
def test_figures_that_cannot_be_written_are_told_before_the_work(
    directory, tmp_path, capsys, name, complaint
):
    (tmp_path / "there.png").touch()
    assert toulon("diagnose", directory, "synthetic:shapes", tmp_path / name) == 1
    assert complaint in capsys.readouterr().err


def test_diagnose(directory, tmp_path, capsys):
    out = tmp_path / "d.png"
    words = [
        "diagnose",
        directory,
        "synthetic:shapes?height=16&width=16&channels=1&examples=80",
        out,
        "--steps",
        3,
    ]
    assert toulon(*words) == 0, capsys.readouterr().err
    assert "gradient of log(1 - D)" in capsys.readouterr().out
    assert out.exists()
