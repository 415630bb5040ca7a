import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.codec.frozen import FrozenCodec


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


def test_a_model_without_tables_is_told():
    with pytest.raises(ValueError, match=r"make_tables\(\)"):
        FrozenCodec(zoo.create("bls2017", num_filters=4))


def test_multiply_adds_are_those_of_the_layers():
    model = zoo.create("bls2017", num_filters=8)
    model.make_tables()
    # Analysis: 9x9 at 1/16 of the pixels, 5x5 at 1/64 and 1/256, a GDN after each.
    analysis = 81 * 3 * 8 / 16 + 25 * 64 * (1 / 64 + 1 / 256) + 64 * (1 / 16 + 1 / 64 + 1 / 256)
    # Synthesis, in phases: the four of a 5x5 at 1/256 and 1/64, those of the 9x9 as one 3x3 to 48 channels at 1/16.
    synthesis = 25 * 64 * (1 / 256 + 1 / 64) + 9 * 8 * 48 / 16 + 64 * (1 / 256 + 1 / 64 + 1 / 16)
    assert FrozenCodec(model).multiply_adds == {"analysis": round(analysis), "synthesis": round(synthesis)}
