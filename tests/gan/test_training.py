"""Trainings of experiments: what they report of each step, and the curve of the papers' figures."""

import numpy as np
import pytest
from scipy.signal import medfilt

from zoo.gan.toy_data import ring
from zoo.gan.training import InGraphRun, Method, adam

NETWORKS = {
    "shape": (2,), "generator": "mlp", "critic": "mlp", "generator_filters": 4, "critic_filters": 4, "noise_size": 2,
    "hidden_layers": 1, "tanh": False, "warmup_turns": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def make():
    method = Method("WGAN-GP", adam(1e-2, 0.9), {"objective": "wgan-gp", "critic_steps": 2})
    return lambda jit=False: InGraphRun(method, NETWORKS, ring().sample, 16, seed=3, jit_compile=jit)


def test_estimates_of_steps_and_the_curve(make):
    one, other = make(), make()
    estimates = one.train(0, 300)["estimates"].numpy()
    rows = other.run(150, lambda: {"told": 1}, checkpoints=2)
    assert [(row["turns"], row["told"]) for row in rows] == [(75, 1), (150, 1)]
    np.testing.assert_allclose(rows[0]["estimate"], estimates[50:150].mean(), rtol=1e-5)
    np.testing.assert_allclose(rows[1]["estimate"], estimates[200:].mean(), rtol=1e-5)
    # Away from the ends, where SciPy's other filter takes zeros, the curve is the authors'.
    assert other.turns.tolist() == list(range(1, 151))
    np.testing.assert_allclose(other.curve[50:-50], medfilt(estimates[1::2], 101)[50:-50], rtol=1e-5)


def test_steps_compiled_as_a_whole_are_the_same_steps(make):
    plain, compiled = (make(jit).train(0, 103) for jit in (False, True))
    assert compiled["estimates"].shape == [103]
    # (Rounding differs, and trainings part.)
    np.testing.assert_allclose(plain["estimates"][:30], compiled["estimates"][:30], rtol=1e-3, atol=1e-3)
    assert float(plain["slope"]) == pytest.approx(float(compiled["slope"]), rel=0.2)
