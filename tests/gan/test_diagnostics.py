"""The diagnosis of any Keras generator: what it measures, what it says, what it refuses."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from zoo.errors import UserError
from zoo.gan import diagnostics
from zoo.gan.diagnostics import Diagnosis, diagnose


@pytest.fixture(scope="module")
def generator():
    """A user's own: not one of this package."""
    tf.keras.utils.set_random_seed(0)
    layers = [tf.keras.layers.Dense(16, "tanh"), tf.keras.layers.Dense(8), tf.keras.layers.Reshape([2, 4])]
    return tf.keras.Sequential([tf.keras.Input([3]), *layers])


@pytest.fixture
def data(noise):
    return noise.normal(10, 0.1, (100, 2, 4)).astype(np.float32)  # far from what is generated


def test_a_discriminator_of_distant_distributions_becomes_perfect(generator, data):
    before = generator.get_weights()
    found = diagnose(generator, data, steps=200, learning_rate=1e-3)
    assert found.steps[[0, -1]].tolist() == [1, 200]
    assert found.accuracy[-1] == 1
    assert found.minimax[-1] < 0.2 * found.minimax[0]
    assert found.estimate[-1] > found.estimate[0]
    for name, values in dataclasses.asdict(found).items():
        assert values.shape == found.steps.shape, name
        assert np.isfinite(values).all(), name
    for one, other in zip(before, generator.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def make_diagnosis(**changes):
    values = {field.name: np.ones(2) for field in dataclasses.fields(Diagnosis)}
    return Diagnosis(**(values | {"accuracy": np.array([0.5, 0.7])} | changes))


def test_the_verdict_says_what_was_measured():
    told = "\n".join(
        make_diagnosis(minimax=np.array([1, 0.05]), non_saturating=np.array([1.0, 30])).verdict()
    )
    assert "no perfect discriminator: 70.0 %" in told
    assert "log(1 - D): 0.05 times what it was at first, it vanishes" in told
    assert "-log D: 30 times what it was at first, it explodes" in told
    assert "with penalty: 1 times what it was at first, it stays in its order" in told


@pytest.mark.parametrize("norms", [[0.0, 0.0], [np.nan, np.nan], [1.0, np.inf]])
def test_no_gradient_is_never_called_healthy(norms):
    (line,) = [t for t in make_diagnosis(minimax=np.array(norms)).verdict() if "log(1 - D)" in t]
    assert "cannot learn" in line


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d[:, 0], r"examples of shape \(2, 4\); the data's is \(4,\)"),
        (lambda d: d[:10], "there are 10 real examples; at least 64"),
        (lambda d: np.where(d > 10.1, np.nan, d), "no finite numbers; leave their examples out"),
    ],
)
def test_data_that_do_not_fit_are_refused(generator, data, change, complaint):
    with pytest.raises(UserError, match=complaint):
        diagnose(generator, change(data))


def test_generators_with_nothing_to_learn_are_refused(generator, data):
    fixed = tf.keras.Sequential([tf.keras.Input([8]), tf.keras.layers.Reshape([2, 4])])
    with pytest.raises(UserError, match="no trainable variables"):
        diagnostics.check_data(fixed, data, 8)
    broken = tf.keras.models.clone_model(generator)
    broken.set_weights([w * np.nan for w in generator.get_weights()])
    with pytest.raises(UserError, match="its training broke"):
        diagnose(broken, data)
