"""RMSProp against its rule in NumPy, on the tiny gradients of a clipped critic."""

import numpy as np
import pytest
import tensorflow as tf

from zoo.optimizers.rmsprop import RMSProp

GRADIENTS = 1e-7 * np.random.default_rng(3).standard_normal([20, 5])


def train(optimizer, start):
    variable = tf.Variable(start, dtype=tf.float32)
    for gradient in GRADIENTS:
        optimizer.apply_gradients([(tf.constant(gradient, tf.float32), variable)])
    return variable.numpy()


def test_steps_are_those_of_the_rule():
    w, v = np.zeros(5), np.zeros(5)
    for g in GRADIENTS:
        v = 0.99 * v + 0.01 * g**2
        w -= 5e-5 * g / (np.sqrt(v) + 1e-8)
    found = train(RMSProp(5e-5), np.zeros(5))
    np.testing.assert_allclose(found, w, rtol=1e-5, atol=1e-6 * np.abs(w).max())


def test_keras_own_hardly_moves_there():
    ours = train(RMSProp(5e-5), np.zeros(5))
    theirs = train(tf.keras.optimizers.RMSprop(5e-5), np.zeros(5))
    assert np.sqrt(np.mean(ours**2)) > 20 * np.sqrt(np.mean(theirs**2))


def test_a_config_makes_it_again():
    config = RMSProp(1e-3, rho=0.9, epsilon=1e-6).get_config()
    again = RMSProp.from_config(config)
    assert again.get_config() == config
    assert (again.rho, again.epsilon, float(again.learning_rate)) == (0.9, 1e-6, pytest.approx(1e-3))
