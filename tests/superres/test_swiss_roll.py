"""The swiss roll's density by other ways, and the experiments on it."""

import json

import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, optimize

from zoo.superres import swiss_roll, toy_experiments
from zoo.superres.swiss_roll_training import METHODS, Toy


def density(first, second):
    return float(np.exp(swiss_roll.log_density([[first, second]]))[0])


def by_adaptive_quadrature(first, second):
    """p(y) by SciPy, over the angle."""
    low, high = swiss_roll.RADII

    def integrand(t):
        squares = (first - t * np.cos(t)) ** 2 + (second - t * np.sin(t)) ** 2
        return np.exp(-squares / (2 * swiss_roll.NOISE**2))

    found = integrate.quad(integrand, low, high, limit=500)[0]
    return found / (high - low) / (2 * np.pi * swiss_roll.NOISE**2)


@pytest.mark.parametrize("y", [(5.0, 1.0), (-3.1, 8.9), (0.0, -4.7), (13.0, 3.0)])
def test_density(y):
    assert density(*y) == pytest.approx(by_adaptive_quadrature(*y), rel=1e-5)


def test_samples_have_the_density():
    y = swiss_roll.sample(tf.constant([0, 1]), [200_000]).numpy()
    edges = np.linspace(-16, 16, 17)
    found = np.histogram2d(*y.T, bins=[edges, edges])[0] / len(y)
    expected = swiss_roll.masses(edges)
    assert expected.sum() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(found, expected, atol=5 * np.sqrt(expected.max() / len(y)))


def test_masses_are_integrals_of_the_density():
    edges = np.array([4.0, 5.0, 6.0])
    first = integrate.dblquad(lambda b, a: density(a, b), 4, 5, 5, 6, epsabs=1e-6)[0]
    assert swiss_roll.masses(edges)[0, 1] == pytest.approx(first, rel=1e-4)


def test_conditional_masses_are_the_density_along_a_line():
    edges, x = np.linspace(-14, 14, 57), 2.5
    v = np.linspace(-14, 14, 5601)
    along = np.exp(swiss_roll.log_density(np.stack([x + v, x - v], axis=1)))
    cumulated = integrate.cumulative_trapezoid(along, v, initial=0)
    expected = np.diff(np.interp(edges, v, cumulated)) / cumulated[-1]
    np.testing.assert_allclose(swiss_roll.conditional_masses([x], edges)[0], expected, atol=1e-5)


def test_most_likely_is_scipys():
    x = np.array([-4.0, -0.5, 3.0])
    found = swiss_roll.most_likely(x)
    np.testing.assert_allclose(found.mean(axis=1), x)
    for value, y in zip(x, found, strict=True):
        starts = np.linspace(-13, 13, 53)

        def unlikely(v, value=value):
            return -np.log(by_adaptive_quadrature(value + v[0], value - v[0]) + 1e-300)

        best = min(optimize.minimize(unlikely, [s], method="Nelder-Mead").fun for s in starts[::4])
        assert -swiss_roll.log_density([y])[0] == pytest.approx(best, abs=1e-3)


def test_the_best_answers_by_error_are_the_conditional_mean_and_median():
    v = np.linspace(-14, 14, 5601)
    x = np.array([-2.0, 2.5])
    means, medians = swiss_roll.mean_and_median(x)
    for i, value in enumerate(x):
        along = np.exp(swiss_roll.log_density(np.stack([value + v, value - v], axis=1)))
        cumulated = integrate.cumulative_trapezoid(along, v, initial=0) / integrate.trapezoid(along, v)
        mean, median = (
            integrate.trapezoid(v * along, v) / integrate.trapezoid(along, v),
            np.interp(0.5, cumulated, v),
        )
        assert means[i] == pytest.approx([value + mean, value - mean], abs=1e-3)
        assert medians[i] == pytest.approx([value + median, value - median], abs=0.02)


def test_far_intervals_have_their_mass_on_either_side():
    top = max(c.max() for c in swiss_roll._HALVES[1:])
    above, below = (
        swiss_roll.conditional_masses([2.5], edges)[0, 0]
        for edges in ([top + 3, top + 3.1], [-top - 30, -top - 29])
    )
    assert above > 0
    assert below == 0


def test_projection():
    y = np.random.default_rng(0).normal(size=(3, 7, 2)).astype(np.float32)
    x = np.random.default_rng(1).normal(size=(3, 7, 1)).astype(np.float32)
    found = swiss_roll.project(x, y)
    np.testing.assert_allclose(swiss_roll.reduce(found), x, atol=1e-6)
    np.testing.assert_allclose(found[..., 0] - found[..., 1], y[..., 0] - y[..., 1], atol=1e-6)


def test_stacked_layers_are_keras_layers():
    stacked = swiss_roll.StackedDense(5, "relu")
    inputs = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32)
    outputs = stacked(inputs)
    for r in range(3):
        alone = tf.keras.layers.Dense(5, "relu")
        alone.build([None, 2])
        alone.set_weights([stacked.kernel[r].numpy(), stacked.bias[r, 0].numpy()])
        np.testing.assert_allclose(outputs[r], alone(inputs[r]), atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_methods_train_and_runs_differ(method):
    toy = Toy(method, 2, 6)
    before = [v.numpy() for v in toy.generator.trainable_variables]
    toy.train(0, 6)
    x = tf.zeros([2, 5, 1])
    answers = toy(x).numpy()
    assert any(
        np.abs(v - b).max() > 0 for v, b in zip(toy.generator.trainable_variables, before, strict=True)
    )
    assert np.abs(answers[0] - answers[1]).max() > 1e-4
    if method.startswith("aff"):
        np.testing.assert_allclose(answers.mean(axis=-1), 0, atol=1e-6)


def test_divergence():
    draw = np.random.default_rng(0)
    p, q = np.array([0.5, 0.3, 0.2, 0.0]), np.array([0.2, 0.2, 0.5, 0.1])
    counts = draw.multinomial(10**6, p)
    assert toy_experiments.divergence(counts, q) == pytest.approx(
        0.5 * np.log(2.5) + 0.3 * np.log(1.5) + 0.2 * np.log(0.4), abs=3e-3
    )
    # Few counts in many cells: without its correction the estimate would be (cells - 1) / (2 counts) = .05 too high.
    uniform = np.full(100, 0.01)
    found = [toy_experiments.divergence(draw.multinomial(1000, uniform), uniform) for _ in range(200)]
    assert np.mean(found) == pytest.approx(0, abs=0.003)


@pytest.mark.slow
def test_swiss_roll_experiment(toulon, tmp_path, monkeypatch):
    monkeypatch.setitem(toy_experiments.SWISS_ROLL, "smoke", (2, 4))
    monkeypatch.setattr(toy_experiments, "TEST_POINTS", 200)
    status, out, err = toulon("experiment", "superres/swiss-roll", "--out", tmp_path / "out")
    assert status == 0, err
    result = json.loads((tmp_path / "out" / "result.json").read_text())["results"]
    assert [row["method"] for row in result["table"]] == ["map", "mse-exact", "mae-exact", *METHODS]
    best = result["table"][0]["cross_entropy"][0]
    assert all(value > best for row in result["table"][1:] for value in row["cross_entropy"])
    assert 1.1 * best < result["table"][2]["cross_entropy"][0] < result["table"][1]["cross_entropy"][0]
    assert f"{best:.2f}" in out
    assert (tmp_path / "out" / "swiss-roll.png").stat().st_size > 10_000
    assert len((tmp_path / "out" / "runs.csv").read_text().splitlines()) == 4 + 2 * len(METHODS)


@pytest.mark.slow
def test_variational_experiment(toulon, tmp_path, monkeypatch):
    monkeypatch.setitem(toy_experiments.VARIATIONAL, "smoke", (1, 4))
    monkeypatch.setattr(toy_experiments, "MOMENTS", (0.5, 1.0))
    monkeypatch.setattr("zoo.superres.swiss_roll_training.CHUNK", 4)
    monkeypatch.setattr(toy_experiments, "JUDGE_STEPS", 4)
    status, _, err = toulon("experiment", "superres/variational", "--out", tmp_path / "out")
    assert status == 0, err
    result = json.loads((tmp_path / "out" / "result.json").read_text())["results"]
    assert [row["step"] for row in result["rows"]] == [2, 4]
    for row in result["rows"]:
        assert row["conditional"] == pytest.approx(row["joint"], rel=0.15)
        assert row["discriminator"] < row["joint"]
    assert (tmp_path / "out" / "variational.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_papers_order():
    """Table 1: MAP < AffDG, AffGAN < MAE < MSE. (The GAN takes longer.)"""
    _, x = toy_experiments._test_points(1000)
    lengths = {"mse": 4000, "mae": 4000, "affdg": 4000, "affgan": 12000}
    found = {
        method: np.mean(toy_experiments._train_and_test(method, 2, steps, x)["cross_entropy"])
        for method, steps in lengths.items()
    }
    best = toy_experiments._cross_entropy(swiss_roll.most_likely(x))
    assert best == pytest.approx(4.57, abs=0.1)
    for method in ("affdg", "affgan"):
        assert best < found[method] < best + 1
        assert found[method] < found["mae"]
    assert found["mae"] < found["mse"]
