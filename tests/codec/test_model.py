import math

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_compression as tfc

import zoo
from zoo.errors import UserError
from zoo.images.graph import pad_to_multiple
from zoo.random import uniform_per_example


@pytest.fixture
def batch():
    images = tf.random.stateless_uniform([4, 32, 32, 3], [5, 6])
    return {"image": images, "seed": tf.constant([[7, i] for i in range(4)], tf.int64)}


def fresh(**config):
    tf.keras.utils.set_random_seed(1)
    model = zoo.create("bls2017", num_filters=6, **config)
    model.compile(optimizer=tf.keras.optimizers.SGD(0.0))
    return model


def test_padding_repeats_the_border():
    image = tf.constant(np.arange(6, dtype=np.uint8).reshape(1, 2, 3, 1))
    expected = np.pad(image.numpy(), [(0, 0), (0, 2), (0, 1), (0, 0)], mode="edge")
    np.testing.assert_array_equal(pad_to_multiple(image, 4), expected)
    np.testing.assert_array_equal(pad_to_multiple(image, 1), image)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (7, 35)])
def test_any_size_comes_back(tiny_codec, size):
    images = tf.random.stateless_uniform([2, *size, 3], [1, 2])
    outputs = tiny_codec(images)
    assert outputs.shape == images.shape
    assert tf.reduce_min(outputs) >= 0
    assert tf.reduce_max(outputs) <= 1


def test_training_loss_is_rate_plus_weighted_distortion(batch):
    model = fresh(rate_distortion_weight=0.02)
    logs = model.train_step(batch)
    noise = [uniform_per_example(s[None], [2, 2, 6], -0.5, 0.5)[0] for s in batch["seed"]]
    noisy = model.analysis(batch["image"]) + tf.stack(noise)
    probability = model.prior.prob(noisy).numpy().astype(np.float64)
    bpp = -np.log2(probability).sum() / (4 * 32 * 32)
    mse = np.mean((255 * (batch["image"] - model.synthesis(noisy)).numpy().astype(np.float64)) ** 2)
    np.testing.assert_allclose(logs["bpp"], bpp, rtol=1e-4)
    np.testing.assert_allclose(logs["mse"], mse, rtol=1e-4)
    np.testing.assert_allclose(logs["loss"], bpp + 0.02 * mse, rtol=1e-4)


def test_a_frozen_analysis_trains_the_rest_on_rounded_latents(batch):
    model = fresh()
    model.analysis.trainable = False
    model.compile(optimizer=tf.keras.optimizers.SGD(1e-3))
    model.quantization_offset.assign([0.0, 0.25, 0.5, 0.0, -0.25, 0.1])
    before = [variable.numpy() for variable in model.analysis.variables]
    offset = model.quantization_offset.numpy()
    rounded = np.round(model.analysis(batch["image"]).numpy() - offset) + offset
    bpp = -np.log2(model.prior.prob(rounded).numpy().astype(np.float64)).sum() / (4 * 32 * 32)
    mse = np.mean((255 * (batch["image"] - model.synthesis(rounded)).numpy().astype(np.float64)) ** 2)
    logs = model.train_step(batch)
    np.testing.assert_allclose(logs["bpp"], bpp, rtol=1e-4)
    np.testing.assert_allclose(logs["mse"], mse, rtol=1e-4)
    for variable, old in zip(model.analysis.variables, before, strict=True):
        np.testing.assert_array_equal(variable, old)
    assert np.mean(model.train_step(batch)["loss"]) < np.mean(logs["loss"])


def test_noise_follows_the_example_not_its_place(batch):
    logs = fresh().train_step(batch)
    turned = {name: tf.reverse(value, [0]) for name, value in batch.items()}
    np.testing.assert_allclose(fresh().train_step(turned)["loss"], logs["loss"], rtol=1e-6)
    other = batch | {"seed": batch["seed"] + 1}
    assert abs(fresh().train_step(other)["bpp"] - logs["bpp"]) > 1e-6


def test_evaluation_rounds_and_counts_grey_levels(tiny_codec, photograph):
    images = tf.constant(photograph[None, :37, :50] / np.float32(255))
    logs = tiny_codec.test_step({"image": images})
    decoded = np.round(tiny_codec(images).numpy() * 255)
    mse = np.mean((decoded - photograph[None, :37, :50]) ** 2)
    np.testing.assert_allclose(logs["mse"], mse, rtol=1e-4)
    np.testing.assert_allclose(logs["psnr"], 10 * math.log10(255**2 / mse), rtol=1e-5)
    tiny_codec.reset_metrics()


def test_ms_ssim_distortion():
    model = fresh(distortion="ms_ssim", rate_distortion_weight=0.5)
    images = tf.random.stateless_uniform([1, 192, 192, 3], [1, 1])
    blurred = tf.nn.avg_pool2d(images, 2, 1, "SAME")
    # Windows reach over the border, into the mirrored picture: with much of that, its border is a small part.
    wide, wide_blurred = (
        np.pad(x, [(0, 0), (576, 576), (576, 576), (0, 0)], "symmetric") for x in (images, blurred)
    )
    similarity = tf.image.ssim_multiscale(wide, wide_blurred, 1.0)
    np.testing.assert_allclose(model.distortion(images, blurred), 255**2 * (1 - similarity), rtol=5e-2)


def test_a_step_lowers_the_loss(batch):
    model = fresh()
    model.compile(optimizer=tf.keras.optimizers.Adam(1e-2))
    first = float(model.train_step(batch)["loss"])
    for _ in range(15):
        model.reset_metrics()
        last = float(model.train_step(batch)["loss"])
    assert last < 0.9 * first


def test_all_variables_are_trained(batch):
    model = fresh()
    before = [v.numpy() for v in model.trainable_variables]
    # kernels 2 + bias, thrice each way; six GDN of two; the prior's 3 matrices, 3 biases, 2 factors
    assert len(before) == 2 * 3 * 3 + 6 * 2 + 8
    model.compile(optimizer=tf.keras.optimizers.Adam(1e-2))
    for _ in range(3):  # the first step leaves what starts behind a zero factor
        model.train_step(batch)
    for variable, old in zip(model.trainable_variables, before, strict=True):
        assert np.abs(variable.numpy() - old).max() > 0, variable.name


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_variables_and_latents_wide(batch, policy):
    expected = fresh().train_step(batch)
    tf.keras.mixed_precision.set_global_policy(policy)
    try:
        model = fresh()
        model.compile(optimizer=tf.keras.optimizers.Adam(1e-4))
        logs = model.train_step(batch)
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    assert {v.dtype for v in model.trainable_variables} == {tf.float32}
    np.testing.assert_allclose(logs["loss"], expected["loss"], rtol=0.02)


@pytest.fixture(scope="module")
def entropy_model(tiny_codec):
    """The library's, which takes its time to find the tails of the prior."""
    return tfc.ContinuousBatchedEntropyModel(
        tiny_codec.prior, coding_rank=3, compression=True, tail_mass=tiny_codec.config.tail_mass
    )


def test_tables_are_the_librarys(tiny_codec, entropy_model):
    np.testing.assert_array_equal(entropy_model.cdf, tiny_codec.cdf)
    np.testing.assert_array_equal(entropy_model.cdf_offset, tiny_codec.cdf_offset)
    np.testing.assert_allclose(entropy_model.quantization_offset, tiny_codec.quantization_offset, atol=1e-4)


def test_rate_is_the_librarys(tiny_codec, entropy_model, photograph):
    latents = tiny_codec.quantize(tiny_codec.analysis(photograph[None] / np.float32(255)))
    _, bits = entropy_model(latents, training=False)
    np.testing.assert_allclose(tiny_codec.rate(latents), bits, rtol=1e-4)


def test_keras_files_are_refused(tiny_codec, tmp_path):
    for call in (tiny_codec.save, tiny_codec.save_weights):
        for name in ("a.h5", "a.keras", "a.weights.h5"):
            with pytest.raises(UserError, match="tf.train.Checkpoint"):
                call(str(tmp_path / name))
    with pytest.raises(UserError, match="tf.train.Checkpoint"):
        tf.keras.models.save_model(tiny_codec, str(tmp_path / "a.keras"))
    assert not list(tmp_path.iterdir())


def test_weights_round_trip(tiny_codec, tmp_path):
    tiny_codec.save_weights(str(tmp_path / "w"))
    other = zoo.create("bls2017", num_filters=8, input_scale=40.0)
    other.load_weights(str(tmp_path / "w"))
    for before, after in zip(tiny_codec.variables, other.variables, strict=True):
        np.testing.assert_array_equal(before, after)


def test_identity_follows_the_config():
    tf.keras.utils.set_random_seed(1)
    models = [zoo.create("bls2017", num_filters=4, input_scale=scale) for scale in (4.0, 8.0)]
    models[1].set_weights(models[0].get_weights())
    assert models[0].identity() != models[1].identity()


def test_identity_follows_what_decoding_needs(tiny_codec):
    other = fresh()
    other.make_tables()
    assert tiny_codec.identity() == tiny_codec.identity()
    before = other.identity()
    other.synthesis.trainable_variables[0].assign_add(
        tf.ones_like(other.synthesis.trainable_variables[0]) * 1e-6
    )
    assert len(before) == 8
    assert len({before, other.identity(), tiny_codec.identity()}) == 3
