"""SOAP against its algorithm in NumPy, and the property that gives it its name."""

import numpy as np
import pytest
import tensorflow as tf

from zoo.optimizers.soap import SOAP


def train(optimizer, start, gradients, steps):
    """A variable after some steps; `gradients` is a function of it, or a list of arrays."""
    variable = tf.Variable(start)
    optimizer.build([variable])
    step = tf.function(lambda g: optimizer.apply_gradients([(g, variable)]))
    for i in range(steps):
        step(gradients(variable) if callable(gradients) else tf.constant(gradients[i]))
    return variable.numpy()


def numpy_soap(start, gradients, learning_rate, beta, every):
    """Algorithm 3 of Vyas et al. 2024 for a matrix, line by line, in float64."""
    w, m, v = start.astype(np.float64), 0, np.zeros(start.shape)
    for t, g in enumerate(np.asarray(gradients, np.float64)):
        if t == 0:
            left, right = g @ g.T, g.T @ g
            q_left = np.linalg.eigh(left)[1][:, ::-1]
            q_right = np.linalg.eigh(right)[1][:, ::-1]
            continue
        m = beta * m + (1 - beta) * g
        v = beta * v + (1 - beta) * (q_left.T @ g @ q_right) ** 2
        scale = 1 - beta**t
        step = (q_left.T @ m @ q_right / scale) / (np.sqrt(v / scale) + 1e-8)
        w = w - learning_rate * q_left @ step @ q_right.T
        left = beta * left + (1 - beta) * g @ g.T
        right = beta * right + (1 - beta) * g.T @ g
        if t % every == 0:
            order = np.argsort(-np.diag(q_left.T @ left @ q_left))
            v, q_left = v[order], np.linalg.qr(left @ q_left[:, order])[0]
            order = np.argsort(-np.diag(q_right.T @ right @ q_right))
            v, q_right = v[:, order], np.linalg.qr(right @ q_right[:, order])[0]
    return w


def test_it_is_the_algorithm_of_the_paper():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(6, 6)).astype(np.float32)
    # A mean, so that the coordinates are correlated and the order of the eigenvalues is well defined.
    gradients = (rng.normal(size=(35, 6, 6)) + rng.normal(size=(6, 6))).astype(np.float32)
    soap = SOAP(0.01, beta_1=0.95, beta_2=0.95, shampoo_beta=0.95)
    ours = train(soap, start, gradients, 35)
    np.testing.assert_allclose(ours, numpy_soap(start, gradients, 0.01, 0.95, 10), atol=2e-4)


def test_turned_coordinates_make_no_difference():
    """With W = U W' V for orthogonal U, V, the path of W' is that of W turned; Adam's is another one."""
    rng = np.random.default_rng(1)
    start = rng.normal(size=(8, 8)).astype(np.float32)
    gradients = (rng.normal(size=(25, 8, 8)) + rng.normal(size=(8, 8))).astype(np.float32)
    u, v = (np.linalg.qr(rng.normal(size=(8, 8)))[0].astype(np.float32) for _ in range(2))
    distances = {}
    for cls in (SOAP, tf.keras.optimizers.Adam):
        turned = train(cls(0.02), u.T @ start @ v.T, u.T @ gradients @ v.T, 25)
        distances[cls] = np.abs(u @ turned @ v - train(cls(0.02), start, gradients, 25)).max()
    assert distances[SOAP] < 1e-3 < 0.05 < distances[tf.keras.optimizers.Adam]


def test_without_axes_to_turn_it_is_adam():
    gradients = np.random.default_rng(2).normal(size=(20, 5)).astype(np.float32)
    adam = tf.keras.optimizers.Adam(0.01, beta_1=0.9, beta_2=0.99, epsilon=1e-8)
    start = np.zeros(5, np.float32)
    np.testing.assert_allclose(
        train(SOAP(0.01), start, gradients, 20), train(adam, start, gradients[1:], 19), atol=1e-6
    )


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ([7], []),
        ([1, 1], []),
        ([4, 4], [0, 1]),
        ([256, 3, 1], [1]),  # a density's: few entries for each of many channels
        ([3, 128, 9, 5], [0, 1, 2, 3]),
        ([600, 700], []),
    ],
)
def test_axes_that_get_a_basis(shape, axes):
    assert SOAP().turned_axes(tf.TensorShape(shape)) == axes


def test_config_and_checkpoints_go_round(tmp_path):
    rng = np.random.default_rng(3)
    gradients = rng.normal(size=(24, 4, 3, 2)).astype(np.float32)
    start = np.zeros((4, 3, 2), np.float32)
    whole = train(SOAP(0.02, refresh_every=5), start, gradients, 24)

    variable, optimizer = tf.Variable(start), SOAP(0.02, refresh_every=5)
    optimizer.build([variable])
    for gradient in gradients[:12]:
        optimizer.apply_gradients([(tf.constant(gradient), variable)])
    path = tf.train.Checkpoint(variable=variable, optimizer=optimizer).save(tmp_path / "half")

    again, other = tf.Variable(start), SOAP.from_config(optimizer.get_config())
    assert other.get_config() == optimizer.get_config()
    other.build([again])
    tf.train.Checkpoint(variable=again, optimizer=other).restore(path).assert_consumed()
    for gradient in gradients[12:]:
        other.apply_gradients([(tf.constant(gradient), again)])
    np.testing.assert_allclose(again.numpy(), whole, atol=1e-5)
