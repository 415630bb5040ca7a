import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import battery
from zoo.errors import UserError
from zoo.losses.adversarial import discriminator_loss, kl_generator_loss
from zoo.losses.instance_noise import add_instance_noise, annealed
from zoo.superres.config import SuperResolutionConfig
from zoo.superres.denoiser import Denoiser, DenoiserConfig
from zoo.superres.density import DensityConfig, PixelDensity
from zoo.superres.export import in_float32
from zoo.superres.methods import ADVERSARIAL, GUIDES, make_guide, make_model

TINY = {"num_filters": 8, "num_blocks": 1}


def make(method, **config):
    """A small compiled model of any method."""
    config = SuperResolutionConfig(**(TINY | config))
    optimizers = {"optimizer": tf.keras.optimizers.Adam(3e-3)}
    guide, adversarial = None, {}
    if method in ADVERSARIAL:
        adversarial = {"discriminator_filters": 8, "noise_steps": 10}
        optimizers["discriminator_optimizer"] = tf.keras.optimizers.Adam(3e-3)
    if method in GUIDES:
        guide = make_guide(GUIDES[method], num_filters=6, num_blocks=1)
        if method != "affll":  # a new denoiser finds no noise
            for variable in guide.trainable_variables:
                variable.assign(0.1 * tf.random.stateless_normal(variable.shape, [5, 6]))
    model = make_model(method, config, guide, **adversarial)
    model.compile(**optimizers)
    return model


METHODS = ["mse", "mae", "affmse", "affmae", "affgan", "softgan", "affdg", "softdg", "affll"]


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(5)
    coarse = rng.random([4, 6, 6, 3])
    images = tf.image.resize(coarse, [32, 32], "bicubic")
    images += 0.1 * tf.cast(np.indices([32, 32]).sum(0)[..., None] % 2, tf.float32)
    return {
        "image": tf.clip_by_value(images, 0, 1),
        "seed": tf.constant([[0, i] for i in range(4)], tf.int64),
    }


def test_published_sizes():
    small = zoo.create("affmse-x4-small")
    assert sum(int(tf.size(v)) for v in small.trainable_variables) == 90_288
    large = zoo.create("affmse-x4")
    assert sum(int(tf.size(v)) for v in large.trainable_variables) == 327_984


def test_untrained_it_is_the_linear_estimate(noise):
    model = zoo.create("affmse", **TINY)
    images = noise.random([2, 9, 7, 3]).astype(np.float32)
    np.testing.assert_allclose(model(images), model.skip(images), atol=2e-6)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("channels", [1, 3])
def test_results_keep_to_their_input(scale, channels, noise):
    model = zoo.create("affmse", scale=scale, channels=channels, **TINY)
    for variable in model.network.trainable_variables:
        variable.assign(0.07 * tf.random.stateless_normal(variable.shape, [1, 2]))
    for height, width in [(1, 1), (4, 4), (17, 30)]:
        images = noise.random([2, height, width, channels]).astype(np.float32)
        large = model(images)
        assert large.shape == (2, scale * height, scale * width, channels)
        assert np.abs(model.candidate(images) - model.skip(images)).max() > 3e-3
        assert np.abs(model.downsample(large) - images).max() <= 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns(method, batch):
    tf.keras.utils.set_random_seed(1)
    model = make(method)
    before = [v.numpy() for v in model.network.trainable_variables]
    data = tf.data.Dataset.from_tensors(batch)
    first = model.evaluate(data, verbose=0, return_dict=True)
    model.fit(data.repeat(12), verbose=0)
    after = model.evaluate(data, verbose=0, return_dict=True)
    assert all(np.isfinite(list(after.values())))
    assert any(
        np.abs(a - b).max() > 0 for a, b in zip(model.network.trainable_variables, before, strict=True)
    )
    if method in ("mse", "mae", "affmse", "affmae"):
        assert after["loss"] < first["loss"]
    if method.startswith("aff"):
        assert after["consistency"] < 255e-6


def test_of_two_players_each_learns_its_own(batch):
    model = make("affgan")
    parts = (model.network, model.discriminator)
    counts = [len(o.variables) for o in (model.optimizer, model.discriminator_optimizer)]
    before = [[v.numpy() for v in part.trainable_variables] for part in parts]
    model.train_step(batch)
    for part, old in zip(parts, before, strict=True):
        assert any(np.abs(v - o).max() > 0 for v, o in zip(part.trainable_variables, old, strict=True))
    assert counts == [len(o.variables) for o in (model.optimizer, model.discriminator_optimizer)]
    assert int(model.optimizer.iterations) == int(model.discriminator_optimizer.iterations) == 1


def test_evaluation_tells_how_the_discriminator_sees_whole_pictures(batch):
    model = make("affgan")
    model.train_step(batch)
    found = model.evaluate(tf.data.Dataset.from_tensors(batch), verbose=0, return_dict=True)
    enlarged = model(model.degrade(batch["image"]))
    real, fake = model.discriminator(batch["image"]), model.discriminator(enlarged)
    assert found["kl"] == pytest.approx(-np.mean(fake), rel=1e-4)
    expected = np.mean(np.logaddexp(0, -real.numpy())) + np.mean(np.logaddexp(0, fake.numpy()))
    assert found["discriminator_loss"] == pytest.approx(expected, rel=1e-4)


def test_adversarial_losses_are_what_they_estimate(noise):
    """For two Gaussians the best discriminator is known, and so is the divergence."""
    shift = 0.7
    real, fake = noise.normal(shift, 1, 400_000), noise.normal(0, 1, 400_000)

    def logit(x):  # log p/q
        return tf.constant(shift * x - shift**2 / 2, tf.float32)

    assert float(kl_generator_loss(logit(fake))) == pytest.approx(shift**2 / 2, abs=5e-3)
    # The best discriminator's loss is lowest, and 2 log 2 less twice the Jensen–Shannon divergence.
    best = float(discriminator_loss(logit(real), logit(fake)))
    assert best < 2 * np.log(2)
    for factor in (0.8, 1.25):
        assert best < float(discriminator_loss(factor * logit(real), factor * logit(fake)))


def test_instance_noise(noise):
    assert [float(annealed(0.2, step, 10)) for step in (0, 5, 10, 11)] == pytest.approx([0.2, 0.1, 0, 0])
    assert [float(annealed(3, step, 10, 1)) for step in (0, 5, 10, 11)] == pytest.approx([3, 2, 1, 1])
    pictures = tf.zeros([3, 40, 40, 3])
    seeds = tf.constant([[0, 1], [0, 2], [0, 1]], tf.int64)
    noisy = add_instance_noise(pictures, seeds, 0.3).numpy()
    assert noisy.std() == pytest.approx(0.3, rel=0.03)
    np.testing.assert_array_equal(noisy[0], noisy[2])
    assert np.abs(noisy[0] - noisy[1]).max() > 0.1


@pytest.mark.parametrize("method", ["affmse", "affgan"])
def test_pictures_stay_in_float32_in_mixed_precision(method, batch, tmp_path):
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = make(method)
        model.fit(tf.data.Dataset.from_tensors(batch).repeat(3), verbose=0)
        logs = model.evaluate(tf.data.Dataset.from_tensors(batch), verbose=0, return_dict=True)
        assert logs["consistency"] < 255e-6
        exported = in_float32(model)
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    assert exported.network.compute_dtype == exported.network.last.compute_dtype == "float32"
    small = model.degrade(batch["image"])
    difference = np.abs(exported(small) - model(small)).max()
    assert 0 < difference < 0.02


def test_samples_are_plausible_alternatives(noise):
    model = zoo.create("affmse", noise_channels=2, **TINY)
    for variable in model.network.trainable_variables:
        variable.assign(0.2 * tf.random.stateless_normal(variable.shape, [3, 4]))
    images = noise.random([2, 6, 5, 3]).astype(np.float32)
    samples = model.sample(images, 3, seed=1)
    assert samples.shape == (3, 2, 24, 20, 3)
    for sample in samples:
        assert np.abs(model.downsample(sample) - images).max() <= 1e-6
    assert np.abs(samples[0] - samples[1]).max() > 1e-3
    np.testing.assert_array_equal(samples, model.sample(images, 3, seed=1))


def test_noise_is_added_to_a_trained_network(noise):
    plain = zoo.create("affmse", **TINY)
    for variable in plain.network.trainable_variables:
        variable.assign(0.2 * tf.random.stateless_normal(variable.shape, [3, 4]))
    model = make("affgan", noise_channels=2)
    model.start_from(plain)
    images = noise.random([2, 6, 5, 3]).astype(np.float32)
    for sample in model.sample(images, 2):
        np.testing.assert_allclose(sample, plain(images), atol=1e-6)
    model.train_step({"image": plain(images), "seed": tf.constant([[0, 1], [2, 3]], tf.int64)})
    samples = model.sample(images, 2)
    assert np.abs(samples[0] - samples[1]).max() > 1e-5  # it learns to use it
    with pytest.raises(UserError, match="num_filters=9.*expected .*num_filters=8"):
        model.start_from(zoo.create("affmse", **(TINY | {"num_filters": 9})))


def test_density_is_one_of_pixels_in_order(noise):
    model = PixelDensity(DensityConfig(num_filters=9, num_layers=2, components=2, scales=2))
    images = noise.random([1, 7, 6, 3]).astype(np.float32)
    base = model.log_density(images).numpy()
    order = np.arange(7 * 6 * 3).reshape(7, 6, 3)
    for row, column, channel in [(0, 0, 0), (3, 2, 1), (3, 5, 2), (6, 5, 0)]:
        changed = images.copy()
        changed[0, row, column, channel] += 0.3
        touched = np.abs(model.log_density(changed).numpy() - base)[0] > 1e-6
        assert touched[row, column, channel]
        assert order[touched].min() == order[row, column, channel]
    # Each conditional integrates to 1.
    grid = np.linspace(-12, 13, 20_001)
    total = np.zeros(grid.shape)
    for start in range(0, len(grid), 4000):
        part = np.repeat(images, len(grid[start : start + 4000]), axis=0)
        part[:, 2, 3, 1] = grid[start : start + 4000]
        total[start : start + 4000] = np.exp(model.log_density(part)[:, 2, 3, 1])
    assert total.sum() * (grid[1] - grid[0]) == pytest.approx(1, abs=1e-3)


def test_a_denoisers_guidance_is_its_score(noise):
    model = Denoiser(DenoiserConfig(num_filters=6, num_blocks=1))
    for variable in model.trainable_variables:
        variable.assign(0.2 * tf.random.stateless_normal(variable.shape, [5, 6]))
    images = tf.constant(noise.random([2, 12, 12, 3]), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        loss = model.guidance(images)
    expected = -(model(images) - images) / 0.1**2 / tf.size(images, tf.float32)
    np.testing.assert_allclose(tape.gradient(loss, images), expected, rtol=1e-4, atol=1e-9)


def test_checkpoints(tmp_path):
    battery.check_training(make("affgan"), tmp_path)


@pytest.mark.parametrize("method", ["affmse", "softgan", "affdg", "affll"])
def test_keras_files(method, tmp_path, noise):
    model = make(method)
    for variable in model.trainable_variables:
        variable.assign(0.1 * tf.random.stateless_normal(variable.shape, [7, 8]))
    model.save(tmp_path / "model.keras")
    again = tf.keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert type(again) is type(model)
    assert again.get_config() == model.get_config()
    images = noise.random([1, 5, 6, 3]).astype(np.float32)
    np.testing.assert_array_equal(model(images), again(images))
    if hasattr(model, "guide"):
        pictures = noise.random([1, 9, 8, 3]).astype(np.float32)
        np.testing.assert_array_equal(model.guide(pictures), again.guide(pictures))
