import numpy as np
import pytest
import tensorflow as tf
import tensorflow_compression as tfc

import zoo
from zoo.codec.frozen import FrozenCodec, TableBits


@pytest.mark.parametrize("variant", [{}, {"gdn_alpha": 1.0, "gdn_epsilon": 1.0, "bottleneck_gdn": False}])
def test_transforms_are_the_models(photograph, variant):
    tf.keras.utils.set_random_seed(0)
    model = zoo.create("bls2017", num_filters=8, input_scale=40.0, **variant)
    model.make_tables()
    codec = FrozenCodec(model)
    expected = model.quantize(model.analysis(photograph[None] / np.float32(255)))
    latents = codec.analyze(photograph[None])
    wide = tf.cast(latents, tf.float32) + model.quantization_offset
    assert np.mean(np.abs(wide - expected) > 0.5) < 1e-3  # ties may round the other way
    assert np.ptp(latents) > 2
    decoded = np.clip(np.round(255 * model.synthesis(wide)), 0, 255)
    assert np.abs(codec.synthesize(latents).numpy() - decoded).max() <= 1


def coder(model):
    return tfc.ContinuousBatchedEntropyModel(
        prior_shape=(8,), coding_rank=3, compression=True, stateless=True, cdf=model.cdf.value(),
        cdf_offset=model.cdf_offset.value(), offset_heuristic=False, bottleneck_dtype=tf.float32,
    )  # fmt: skip


@pytest.mark.parametrize("spread", [1, 30, 1000])
def test_bits_are_those_of_the_range_coder(tiny_codec, noise, spread):
    latents = np.round(noise.normal(size=(3, 24, 32, 8)) * spread).astype(
        np.int32
    )  # far outside the tables too
    strings = coder(tiny_codec).compress(tf.cast(latents, tf.float32))
    bits = TableBits(tiny_codec.cdf.numpy(), tiny_codec.cdf_offset.numpy())(latents)
    lengths = np.array([8 * len(s) for s in strings.numpy()])
    assert np.all(np.abs(lengths - bits) <= 32 + 0.001 * lengths)


def test_bits_by_hand():
    # One channel, precision 4: symbols -1, 0, 1 with 4, 8, 2 sixteenths, escape with 2.
    bits = TableBits(np.array([-4, 0, 4, 12, 14, 16]), np.array([-1]))
    for latent, expected in [
        (-1, 2),
        (0, 1),
        (1, 3),
        (2, 3 + 2),
        (-2, 3 + 2),
        (3, 3 + 4),
        (-4, 3 + 4),
        (9, 3 + 8),
    ]:
        assert float(bits(tf.constant([[[[latent]]]]))[0]) == expected, latent
