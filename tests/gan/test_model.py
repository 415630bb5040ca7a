"""The training step against its parts done by hand, the order of turns against a simulation."""

import numpy as np
import pytest
import tensorflow as tf

from tests import battery
from zoo.errors import UserError
from zoo.gan.config import OBJECTIVES, GANConfig
from zoo.gan.model import GAN
from zoo.optimizers.rmsprop import RMSProp
from zoo.random import fold_in, uniform_per_example

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
    assert [model.config.turns(n) for n in (0, 7, 2500, steps)] == [
        int(found[:n].sum()) for n in (0, 7, 2500, steps)
    ]


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
        model = make(objective, rate=0.0, clip=1e3)
        logs = model.train_step(batch)
        fake = model.generator(model._noise(batch["seed"], 0))
        real_scores, fake_scores = model.critic(batch["image"]).numpy(), model.critic(fake).numpy()
        expected = real_scores.mean() - fake_scores.mean()
        if objective in ("minimax", "non-saturating"):
            losses = np.logaddexp(0, -real_scores).mean() + np.logaddexp(0, fake_scores).mean()
            expected = np.log(2) - losses / 2
            assert "slope" not in logs
        assert float(logs["estimate"]) == pytest.approx(expected, rel=1e-4, abs=1e-6)
        if "slope" in logs:
            uniform = uniform_per_example(fold_in(batch["seed"], 3), [], 0.0, 1.0).numpy()[:, np.newaxis]
            between = uniform * batch["image"].numpy() + (1 - uniform) * fake.numpy()
            step = 1e-2 * np.eye(2, dtype=np.float32)[:, np.newaxis]
            differences = [
                model.critic(between + s).numpy() - model.critic(between - s).numpy() for s in step
            ]
            slopes = np.linalg.norm(differences, axis=0) / 2e-2
            slope = slopes.mean() if objective == "wgan-gp" else slopes.max()
            # (A rectifier's kink may be between the two.)
            assert float(logs["slope"]) == pytest.approx(slope, rel=0.05)
            assert float(logs["distance"]) == pytest.approx(expected / float(logs["slope"]), rel=1e-3)


@pytest.mark.parametrize(
    "config", [{"critic_steps": 0}, {"clip": -1.0}, {"noise_size": 0}, {"warmup_turns": 9, "warmup_every": 5}]
)
def test_impossible_values_are_refused(config):
    with pytest.raises(UserError, match="expected"):
        make("wgan", **config)


def test_instance_noise_falls_over_its_steps_and_stays_without(batch):
    blurred = []
    for steps in (0, 10):
        model = make("wgan", instance_noise=0.5, instance_noise_steps=steps)
        noisy = [model._noisy(batch["image"], batch["seed"], tf.constant(s), 1) for s in (0, 5, 10)]
        blurred.append([float(tf.math.reduce_std(x - batch["image"])) for x in noisy])
    assert blurred[0] == pytest.approx([0.5] * 3, rel=0.3)
    assert np.array(blurred[1]) / blurred[1][0] == pytest.approx([1, 0.5, 0], abs=1e-6)


def test_a_flat_critics_slope_is_not_rounded_up(batch):
    model = make("wgan", clip=1e-5)
    for variable in model.critic.trainable_variables:
        variable.assign(1e-4 * variable)
    slopes = model.slopes(batch["image"], batch["image"] + 1, tf.fill([16], 0.5))
    assert 0 < float(tf.reduce_max(slopes)) < 1e-9


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
    model.reset_metrics()
    held_out = model.test_step({"image": real, "seed": tf.constant([[9, i] for i in range(64)], tf.int64)})
    assert float(held_out["distance"]) == pytest.approx(4, abs=0.2)
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
