import numpy as np
import pytest
import tensorflow as tf
import tensorflow_compression as tfc
from scipy.special import expit

import zoo
from zoo.codec.config import VariableRateConfig
from zoo.codec.variable_rate import QUALITIES, ScaledDensity, VariableRateBLS2017
from zoo.errors import UserError
from zoo.random import uniform_per_example

SMALL = {"num_filters": 4, "latent_channels": 6, "levels": 4, "rate_distortion_weight": (0.001, 0.064)}


@pytest.fixture(scope="module")
def model():
    """A small codec with scales and corrections that differ between levels and channels."""
    tf.keras.utils.set_random_seed(2)
    model = VariableRateBLS2017(VariableRateConfig(input_scale=30.0, **SMALL))
    model.compile(optimizer=tf.keras.optimizers.SGD(0.0))
    model.log_scales.assign_add(0.3 * tf.random.stateless_normal([4, 6], [1, 2]))
    model.log_corrections.assign(0.1 * tf.random.stateless_normal([4, 6], [3, 4]))
    model.make_tables()
    return model


@pytest.fixture
def batch():
    images = tf.random.stateless_uniform([3, 32, 48, 3], [5, 6])
    return {"image": images, "seed": tf.constant([[7, i] for i in range(3)], tf.int64)}


def cumulative(model, y):
    """The distribution function of the latents y, [..., C] -> [..., C], float64."""
    return expit(model.prior.base._logits_cumulative(tf.constant(y, tf.float32)).numpy().astype(np.float64))


def bits_of_the_best(model, z, quality):
    """Each run of four latents by the density at whichever of eight qualities, 12 apart, is best; 3 bits say which."""
    median, total = model.quantization_offset.numpy(), 0.0
    lowest = min(max(quality - 36, 1), 16)
    rows = z.reshape(-1, z.shape[-1])
    for begin in range(0, len(rows), 4):
        run, costs = rows[begin : begin + 4], []
        for k in range(8):
            position = (lowest + 12 * k - 1) / 33
            scale = model.steps(tf.constant([position], tf.float32))[0].numpy()[0, 0, 0]
            above, below = (cumulative(model, median + (run + half) / scale) for half in (0.5, -0.5))
            costs.append(-np.log2(above - below).sum())
        total += min(costs) + 3
    return total


def test_weights_and_steps_are_interpolated_in_the_logarithm(model):
    positions = tf.constant([0.0, 1.25, 3.0])
    weights = [0.001, 0.001 * 64 ** (1.25 / 3), 0.064]
    np.testing.assert_allclose(model.weight(positions), weights, rtol=1e-5)
    scale, back = (value.numpy()[:, 0, 0] for value in model.steps(positions))
    levels, corrections = np.exp(model.log_scales.numpy()), np.exp(model.log_corrections.numpy())
    between = levels[1] ** 0.75 * levels[2] ** 0.25
    np.testing.assert_allclose(scale, [levels[0], between, levels[3]], rtol=1e-5)
    np.testing.assert_allclose((scale * back)[[0, 2]], corrections[[0, 3]], rtol=1e-5)
    assert float(model.position(1.0)) == 0
    assert float(model.position(100.0)) == 3


def test_scaled_density_is_the_density_of_the_scaled_variable(model):
    scale, center = tf.constant([0.5, 1.0, 2.0, 3.0, 4.0, 5.0]), tf.linspace(-1.0, 1.0, 6)
    density = ScaledDensity(model.prior.base, scale, center)
    z = np.linspace(-4, 4, 9)[:, None] * np.ones(6)
    expected = cumulative(model, z / scale.numpy() + center.numpy())
    np.testing.assert_allclose(density.cdf(tf.constant(z, tf.float32)), expected, rtol=1e-4)
    tail = tf.function(lambda: tfc.lower_tail(density, 2**-8))()  # a long loop
    np.testing.assert_allclose(density.inverse_transform(density.transform(tail)), tail, rtol=1e-5, atol=1e-6)


def test_training_loss(model, batch):
    logs = model.train_step(batch)
    drawn = [
        float(uniform_per_example(seed[None] + tf.constant([1 << 40, 0], tf.int64), [], 1.0, 100.0)[0])
        for seed in batch["seed"]
    ]
    median = model.quantization_offset.numpy()
    latents = model.analysis(batch["image"]).numpy()
    losses, rates = [], []
    for image, y, seed, quality in zip(batch["image"], latents, batch["seed"], drawn, strict=True):
        position = (quality - 1) / 33
        scale, back = (value.numpy()[0] for value in model.steps(tf.constant([position], tf.float32)))
        z = (y - median) * scale + uniform_per_example(seed[None], y.shape, -0.5, 0.5)[0].numpy()
        decoded = model.synthesis((z * back + median)[None])[0].numpy().astype(np.float64)
        weight = 0.001 * 64 ** (position / 3)
        rates.append(bits_of_the_best(model, z, quality) / (32 * 48))
        mse = np.mean((255 * (image.numpy() - decoded)) ** 2)
        losses.append((rates[-1] + weight * mse) * np.sqrt(0.008 / weight))
    np.testing.assert_allclose(logs["bpp"], np.mean(rates), rtol=1e-3)
    np.testing.assert_allclose(logs["loss"], np.mean(losses), rtol=1e-3)
    model.reset_metrics()


def test_tables_hold_the_masses_of_every_quality(model):
    cdf = model.cdf.numpy()
    starts = np.flatnonzero(cdf < 0)
    assert len(starts) == QUALITIES * 6
    tables = [table[1:] for table in np.split(cdf, starts[1:])]
    median = model.quantization_offset.numpy()
    np.testing.assert_allclose(cumulative(model, median), 0.5, atol=1e-3)
    for quality in (1, 37, 100):
        scale = model.steps(tf.constant([model.position(quality)], tf.float32))[0].numpy()[0, 0, 0]
        for channel in range(6):
            table = tables[(quality - 1) * 6 + channel]
            assert table[0] == 0
            assert table[-1] == 1 << 12
            symbols = model.cdf_offset.numpy()[quality - 1, channel] + np.arange(len(table) - 2)
            edges = median[channel] + (np.append(symbols, symbols[-1] + 1) - 0.5) / scale[channel]
            masses = np.diff(cumulative(model, np.repeat(edges[:, None], 6, 1))[:, channel])
            np.testing.assert_allclose(np.diff(table)[:-1] / 4096, masses, atol=2e-3)


def test_evaluation_is_the_mean_over_levels(model, batch):
    model.reset_metrics()
    images = batch["image"][:1, :27, :41]
    logs = model.test_step({"image": images})
    mse = []
    for quality in (1, 34, 67, 100):
        decoded = np.round(255 * model(images, quality=quality).numpy())
        mse.append(np.mean((decoded - 255 * images.numpy()) ** 2))
    np.testing.assert_allclose(logs["mse"], np.mean(mse), rtol=1e-3)
    assert mse[0] > mse[-1]
    model.reset_metrics()


def test_starting_from_one_rate_keeps_what_it_does():
    tf.keras.utils.set_random_seed(4)
    smaller = zoo.create("bls2017", num_filters=4, input_scale=30.0, rate_distortion_weight=0.004)
    smaller.make_tables()
    # 0.004 is the λ of the second of these three levels, quality 34.
    model = VariableRateBLS2017(
        VariableRateConfig(
            **(SMALL | {"latent_channels": 4, "rate_distortion_weight": (0.001, 0.064)}), input_scale=30.0
        )
    )
    model.start_from(smaller)
    model.make_tables()
    images = tf.random.stateless_uniform([1, 32, 32, 3], [9, 9])
    scale, _ = model.steps(tf.constant([1.0]))
    np.testing.assert_allclose(scale, 1, rtol=1e-5)
    # Medians as centres and rounded medians as offsets differ by whole numbers: the same latents come back.
    np.testing.assert_allclose(model(images, quality=34), smaller(images), atol=1e-4)


def test_only_codecs_of_as_many_filters_can_be_widened(model):
    for sizes in ({"num_filters": 5}, {"num_filters": 4, "latent_channels": 7}):
        with pytest.raises(UserError, match="cannot be widened to 4 and 6"):
            model.start_from(zoo.create("bls2017", **sizes))


def test_a_frozen_analysis_trains_on_rounded_latents(batch):
    tf.keras.utils.set_random_seed(2)
    model = VariableRateBLS2017(VariableRateConfig(input_scale=30.0, **SMALL))
    model.analysis.trainable = False
    model.compile(optimizer=tf.keras.optimizers.SGD(1e-3))
    model.make_tables()
    before = [variable.numpy() for variable in model.analysis.variables]
    first, second = (model.train_step(batch)["loss"].numpy() for _ in range(2))
    assert second < first
    for variable, old in zip(model.analysis.variables, before, strict=True):
        np.testing.assert_array_equal(variable, old)


def test_a_checkpoint_holds_all_that_was_trained(model, tmp_path):
    held = {id(v) for name in model.STATE for v in tf.nest.flatten(variables_of(getattr(model, name)))}
    assert {id(v) for v in model.trainable_variables} <= held
    prefix = model.variables_checkpoint().write(str(tmp_path / "variables"))
    tf.keras.utils.set_random_seed(9)
    other = VariableRateBLS2017(model.config)
    other.variables_checkpoint().read(prefix).assert_existing_objects_matched()
    images = tf.random.stateless_uniform([1, 32, 32, 3], [9, 9])
    np.testing.assert_array_equal(other(images, quality=20), model(images, quality=20))


def variables_of(part):
    return part if isinstance(part, tf.Variable) else list(part.variables)


def test_levels_must_fall_on_whole_qualities():
    with pytest.raises(ValueError, match="levels is 5"):
        VariableRateBLS2017(VariableRateConfig(num_filters=2, latent_channels=2, levels=5))
