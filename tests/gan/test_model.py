"""The training step against its parts done by hand, the order of turns against a simulation."""

import numpy as np
import pytest
import tensorflow as tf

from tests import battery
from zoo.errors import UserError
from zoo.gan.config import OBJECTIVES, GANConfig
from zoo.gan.model import GAN
from zoo.optimizers.rmsprop import RMSProp

TINY = {
    "shape": (2,), "generator": "mlp", "critic": "mlp", "generator_filters": 8, "critic_filters": 8, "noise_size": 3,
    "tanh": False, "critic_steps": 2, "warmup_turns": 0,
}  # fmt: skip


def make(objective="wgan-gp", optimizer=tf.keras.optimizers.Adam, rate=1e-3, **config):
    tf.keras.utils.set_random_seed(3)
    model = GAN(GANConfig(**(TINY | {"objective": objective} | config)))
    model.compile(optimizer(rate), generator_optimizer=optimizer(rate))
    return model


@pytest.fixture
def batch(noise):
    return {
        "image": tf.constant(noise.normal(size=(16, 2)), tf.float32),
        "seed": tf.constant([[0, i] for i in range(16)], tf.int64),
    }


def turns_by_simulation(config, steps):
    """The loop of the authors' main.py: whether the generator moves after each step of the critic."""
    turns, generator_turns = [], 0
    while len(turns) < steps:
        long = generator_turns < config.warmup_turns or generator_turns % config.warmup_every == 0
        count = config.warmup_steps if config.warmup_turns and long else config.critic_steps
        turns += [False] * (count - 1) + [True]
        generator_turns += 1
    return turns[:steps]


@pytest.mark.parametrize(
    "settings", [{}, {"warmup_turns": 0}, {"warmup_turns": 3, "warmup_steps": 7, "warmup_every": 5}]
)
def test_turns_are_those_of_the_authors_code(settings):
    model = make(**({"critic_steps": 5, "warmup_turns": 25} | settings))
    steps = 12_000
    found = tf.vectorized_map(model.generator_turn, tf.range(steps, dtype=tf.int64)).numpy()
    np.testing.assert_array_equal(found, turns_by_simulation(model.config, steps))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_only_the_player_whose_turn_it_is_moves(objective, batch):
    model = make(objective)
    step = tf.function(model.train_step)
    moved = []
    for _ in range(4):
        before = [[v.numpy() for v in part.trainable_variables] for part in (model.generator, model.critic)]
        logs = step(batch)
        after = [[v.numpy() for v in part.trainable_variables] for part in (model.generator, model.critic)]
        moved.append([not np.array_equal(a[0], b[0]) for a, b in zip(before, after, strict=True)])
    assert moved == [[False, True], [True, True]] * 2
    assert all(np.isfinite(value) for value in logs.values())


def test_clipping_holds_every_variable_of_the_critic(batch):
    model = make("wgan", RMSProp, 5e-2)
    logs = model.train_step(batch)
    assert all(np.abs(v).max() <= np.float32(0.01) for v in model.critic.trainable_variables)
    assert max(np.abs(v).max() for v in model.generator.trainable_variables) > 0.01
    assert 0.9 < logs["clipped"] <= 1  # such steps throw all weights against the limits


def test_batch_normalization_is_clipped_too(noise):
    model = GAN(GANConfig(shape=(16, 16, 1), critic_filters=4, generator_filters=4, critic_steps=1))
    model.compile(RMSProp(), generator_optimizer=RMSProp())
    images = tf.constant(noise.uniform(-1, 1, (4, 16, 16, 1)), tf.float32)
    model.train_step({"image": images, "seed": tf.constant([[0, i] for i in range(4)], tf.int64)})
    gammas = [v for v in model.critic.trainable_variables if "gamma" in v.name]
    assert gammas
    assert all(np.abs(v).max() <= np.float32(0.01) for v in gammas)


def test_the_estimate_is_that_of_the_formulas(batch):
    for objective in OBJECTIVES:
        model = make(objective, rate=0.0)
        logs = model.train_step(batch)
        fake = model.generator(model._noise(batch["seed"], 0))
        real_scores, fake_scores = model.critic(batch["image"]).numpy(), model.critic(fake).numpy()
        expected = real_scores.mean() - fake_scores.mean()
        if objective in ("minimax", "non-saturating"):
            losses = np.logaddexp(0, -real_scores).mean() + np.logaddexp(0, fake_scores).mean()
            expected = np.log(2) - losses / 2
            assert "slope" not in logs
        else:
            assert float(logs["distance"]) == pytest.approx(float(logs["estimate"] / logs["slope"]), rel=1e-5)
        if objective != "wgan":  # whose weights were clipped since
            assert float(logs["estimate"]) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    "config", [{"critic_steps": 0}, {"clip": -1.0}, {"noise_size": 0}, {"warmup_turns": 9, "warmup_every": 5}]
)
def test_impossible_values_are_refused(config):
    with pytest.raises(UserError, match="expected"):
        make("wgan", **config)


def test_samples_leave_the_statistics_alone():
    model = GAN(GANConfig(shape=(16, 16, 1), critic_filters=4, generator_filters=4, noise_size=3))
    before = [v.numpy() for v in model.generator.non_trainable_variables]
    one, other = (model.sample(4, training=training) for training in (True, False))
    assert np.abs(one - other).max() > 1e-3
    for variable, value in zip(model.generator.non_trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_a_critic_learns_the_distance_of_two_shifted_points():
    """Real examples at (4, 0), generated ones at 0: the distance is 4, the slope of the best critic 1 + 4 / (2 λ)."""
    model = make("wgan-gp", rate=3e-3, critic_steps=1000, critic_filters=32)
    for variable in model.generator.trainable_variables:
        variable.assign(tf.zeros_like(variable))
    real = tf.tile([[4.0, 0.0]], [64, 1])

    @tf.function
    def train(first, last):
        for i in tf.range(first, last):
            seeds = tf.stack([tf.fill([64], i), tf.range(64, dtype=tf.int64)], axis=1)
            model.train_step({"image": real, "seed": seeds})

    train(tf.constant(0, tf.int64), tf.constant(900, tf.int64))
    model.reset_metrics()
    train(tf.constant(900, tf.int64), tf.constant(950, tf.int64))
    logs = {metric.name: float(metric.result()) for metric in model.metrics}
    assert logs["slope"] == pytest.approx(1.2, abs=0.05)
    assert logs["estimate"] == pytest.approx(4.8, abs=0.2)
    assert logs["distance"] == pytest.approx(4, abs=0.1)


def test_evaluation_gives_the_estimate_on_other_examples(batch):
    model = make("wgan-gp")
    logs = model.test_step(batch)
    fake = model.generator(model._noise(batch["seed"], 0))
    assert float(logs["estimate"]) == pytest.approx(
        float(tf.reduce_mean(model.critic(batch["image"])) - tf.reduce_mean(model.critic(fake))),
        rel=1e-4,
        abs=1e-6,
    )


def test_battery(batch, tmp_path):
    model = make("wgan-gp")
    model.train_step(batch)
    battery.check_training(model, tmp_path)
    again = GAN.from_config(model.get_config())
    assert again.config == model.config
    np.testing.assert_array_equal(model.sample(4, seed=2), model.sample(4, seed=2))
    assert np.abs(model.sample(4, seed=2) - model.sample(4, seed=3)).max() > 0


def test_an_unknown_objective_is_refused():
    with pytest.raises(UserError, match="objective is 'hinge'"):
        GAN(GANConfig(objective="hinge"))
