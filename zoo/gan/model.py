"""A generative adversarial network as a Keras model: two players, their losses, and the order of their turns."""

import contextlib
import dataclasses
import math

import tensorflow as tf

from zoo.errors import UserError
from zoo.gan.config import OBJECTIVES, GANConfig
from zoo.gan.networks import make_critic, make_generator
from zoo.losses import adversarial as losses
from zoo.losses.gradient_penalty import gradient_penalty, slopes_between
from zoo.losses.instance_noise import add_instance_noise, annealed
from zoo.random import fold_in, normal_per_example, uniform_per_example
from zoo.variables import checkpoint_of

GENERATOR_LOSSES = {
    "minimax": losses.minimax_generator_loss,
    "non-saturating": losses.non_saturating_generator_loss,
    "wgan": losses.wasserstein_generator_loss,
    "wgan-gp": losses.wasserstein_generator_loss,
}


@tf.keras.utils.register_keras_serializable(package="toulon")
class GAN(tf.keras.Model):
    """A generator and its critic.

    A training step is one of the critic, on a fresh batch, and then, when it is its turn, one of the generator. `fit`,
    `evaluate` and strategies work as with any Keras model. Batches are dicts with "image" [batch, *shape] float32 and "seed"
    [batch, 2] int64, which gives all noise. (Examples are called images, of whatever shape they are.)

    Compiled with an optimizer for the critic, whose `iterations` count the steps, and one for the generator.

    What training reports:
      estimate: of the Wasserstein distance, E f(y) - E f(g), for "wgan" and "wgan-gp": up to a factor, the critic's
        Lipschitz constant. For the others, log 2 - L/2, L the discriminator's loss: below the Jensen-Shannon divergence.
      slope: of Wasserstein critics, ‖∇f‖ between real and generated examples: the mean for "wgan-gp", the largest for
        "wgan", whose critics differ in it by orders of magnitude. (There, a critic that normalizes takes the statistics
        that it has gathered: those of a batch make a function of the batch.)
      distance: estimate / slope, comparable from critic to critic; 0 if the critic is flat.
      clipped: the share of the critic's weights at the limit, for "wgan".
      penalty: for "wgan-gp", before its weight.
      generator_gradient: the norm of the generator's gradient.

    Source: Goodfellow et al. 2014; Arjovsky, Chintala & Bottou 2017, algorithm 1; Gulrajani et al. 2017, algorithm 1.

    Args:
      config: a `GANConfig`, or a dict of its values.

    Raises:
      UserError: the config has no such objective or networks, or a value that none can have.
    """

    def __init__(self, config=None, name="gan", **kwargs):
        super().__init__(name=name, **kwargs)
        if isinstance(config, dict):
            config = GANConfig(**config | {"shape": tuple(config["shape"])} if "shape" in config else config)
        self.config = config or GANConfig()
        check_config(self.config)
        self.wasserstein = self.config.objective.startswith("wgan")
        self.generator = make_generator(self.config)
        self.critic = make_critic(self.config)
        self.trackers = {key: tf.keras.metrics.Mean(name=key) for key in self.metric_names()}

    @property
    def ENTRY(self):  # noqa: N802
        """Its name in the registry, for exports under other names."""
        return self.config.objective if self.wasserstein else "gan"

    def metric_names(self):
        """Names of what training reports, see the class."""
        names = ["loss", "estimate", "generator_gradient"]
        own = {"wgan": ["slope", "distance", "clipped"], "wgan-gp": ["slope", "distance", "penalty"]}
        return names + own.get(self.config.objective, [])

    @property
    def metrics(self):
        return list(self.trackers.values())

    def compile(self, optimizer, generator_optimizer, **kwargs):
        """As `tf.keras.Model.compile`, with an optimizer for each of the two; the first is the critic's."""
        super().compile(optimizer, **kwargs)
        self.generator_optimizer = generator_optimizer
        # Here, in the scope of the strategy, and each with its own variables.
        self.optimizer.build(self.critic.trainable_variables)
        self.generator_optimizer.build(self.generator.trainable_variables)

    def call(self, noise, training=False):
        """Examples of noise z: [batch, noise_size] -> [batch, *shape] float32."""
        return self.generator(noise, training=training)

    def sample(self, count, seed=0, training=False):
        """Examples of the seeds `seed`, `seed` + 1 and so on: [count, *shape] float32.

        Args:
          count: int.
          seed: int.
          training: whether batch normalization takes the statistics of these examples, as the papers' figures do. The
            statistics gathered in training stay as they are.
        """
        seeds = tf.range(seed, seed + count, dtype=tf.int64)
        noise = normal_per_example(tf.stack([seeds, tf.zeros_like(seeds)], axis=1), [self.config.noise_size])
        with kept_statistics(self.generator):
            return self(noise, training=training)

    def generator_turn(self, step):
        """Whether the generator has its turn after the critic's step of this number, counted from 0: scalar bool."""
        c = self.config
        step = tf.cast(step, tf.int64)
        first = c.warmup_turns * c.warmup_steps  # steps of the first turns
        if not first:
            return tf.equal((step + 1) % c.critic_steps, 0)
        # Turns of `warmup_steps` are those before `warmup_turns`, and those whose number `warmup_every` divides.
        cycle = c.warmup_steps + (c.warmup_every - 1) * c.critic_steps
        # Steps before the first long turn after the warm-up.
        before = first + (c.warmup_every - c.warmup_turns) * c.critic_steps
        later = (step - before) % cycle - c.warmup_steps
        later = tf.where(later < 0, tf.equal(later, -1), tf.equal((later + 1) % c.critic_steps, 0))
        early = tf.equal((step - first + 1) % c.critic_steps, 0)
        warm = tf.equal((step + 1) % c.warmup_steps, 0)
        return tf.where(step < first, warm, tf.where(step < before, early, later))

    def train_step(self, batch):
        step = tf.identity(self.optimizer.iterations)  # the critic's step adds one
        logs = self.critic_turn(batch)
        tf.cond(self.generator_turn(step), lambda: self.generator_step(batch["seed"], step), lambda: 0.0)
        return logs | {"generator_gradient": self.trackers["generator_gradient"].result()}

    def make_train_function(self, force=False):
        """As in Keras; with several replicas it is outside of them that turns are given, as gradients cannot be summed
        over replicas in a condition.
        """
        if self.distribute_strategy.num_replicas_in_sync == 1:
            return super().make_train_function(force)
        if self.train_function is not None and not force:
            return self.train_function

        def both(batch):
            step = tf.identity(self.optimizer.iterations)
            self.critic_turn(batch)
            self.generator_step(batch["seed"], step)

        @tf.function
        def train_function(iterator):
            for _ in tf.range(self._steps_per_execution):
                batch = next(iterator)
                if self.generator_turn(self.optimizer.iterations):
                    self.distribute_strategy.run(both, [batch])
                else:
                    self.distribute_strategy.run(self.critic_turn, [batch])
            return {key: tracker.result() for key, tracker in self.trackers.items()}

        self.train_function = train_function
        return train_function

    def critic_turn(self, batch):
        """A step of the critic, and what it reports, averaged: dict of name to scalar."""
        values = self.critic_step(batch["image"], batch["seed"], tf.identity(self.optimizer.iterations))
        for key, value in values.items():
            self.trackers[key].update_state(value)
        return {key: tracker.result() for key, tracker in self.trackers.items()}

    def critic_step(self, real, seeds, step):
        """One step of the critic: dict of what it reports, scalars."""
        fake = self.generator(self._noise(seeds, 0), training=True)
        real, fake = (self._noisy(x, seeds, step, n) for x, n in ((real, 1), (fake, 2)))
        uniform = uniform_per_example(fold_in(seeds, 3), [], 0.0, 1.0)
        penalised = self.config.objective == "wgan-gp"
        with tf.GradientTape() as tape:
            # Two passes: batch statistics are those of real or of generated examples, never of both.
            real_scores, fake_scores = self.critic(real, training=True), self.critic(fake, training=True)
            loss = self.critic_loss(real_scores, fake_scores)
            if penalised:
                slopes = slopes_between(lambda x: self.critic(x, training=True), real, fake, uniform)
                penalty = gradient_penalty(slopes, self.config.penalty_target, self.config.one_sided)
                loss += self.config.penalty_weight * penalty
            scaled = loss / _replicas()
        estimate = self.estimate(real_scores, fake_scores)
        values = {"loss": loss, "estimate": estimate}
        if penalised:
            slope = tf.reduce_mean(slopes)
            values |= {"slope": slope, "distance": tf.math.divide_no_nan(estimate, slope), "penalty": penalty}
        elif self.wasserstein:
            slope = tf.reduce_max(self.slopes(real, fake, uniform))
            values |= {"slope": slope, "distance": tf.math.divide_no_nan(estimate, slope)}
        variables = self.critic.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(scaled, variables), variables, strict=True))
        if self.config.objective == "wgan":
            values["clipped"] = self.clip()
        return values

    def generator_step(self, seeds, step):
        """One step of the generator; its report is the norm of its gradient, scalar."""
        with tf.GradientTape() as tape:
            fake = self._noisy(self.generator(self._noise(seeds, 4), training=True), seeds, step, 5)
            loss = GENERATOR_LOSSES[self.config.objective](self.critic(fake, training=True)) / _replicas()
        variables = self.generator.trainable_variables
        gradients = tape.gradient(loss, variables)
        self.generator_optimizer.apply_gradients(zip(gradients, variables, strict=True))
        norm = tf.linalg.global_norm(gradients) * _replicas()
        self.trackers["generator_gradient"].update_state(norm)
        return norm

    def critic_loss(self, real_scores, fake_scores):
        """What the critic lowers, but for a penalty: scalar."""
        function = losses.wasserstein_critic_loss if self.wasserstein else losses.discriminator_loss
        return function(real_scores, fake_scores)

    def estimate(self, real_scores, fake_scores):
        """The number that tells how training goes, see the class: scalar."""
        loss = self.critic_loss(real_scores, fake_scores)
        return -loss if self.wasserstein else math.log(2) - loss / 2

    def clip(self):
        """Clips every trainable variable of the critic; the share of weights that are at the limit, scalar."""
        variables, limit = self.critic.trainable_variables, self.config.clip
        for variable in variables:
            variable.assign(tf.clip_by_value(variable, -limit, limit))
        at_limit = sum(tf.reduce_sum(tf.cast(tf.abs(v) >= 0.99 * limit, tf.float32)) for v in variables)
        return at_limit / sum(v.shape.num_elements() for v in variables)

    def test_step(self, batch):
        """The estimate on examples that were held out: a critic that knows its examples by heart says more on those."""
        real, seeds = batch["image"], batch["seed"]
        real_scores = self.critic(real, training=False)
        fake = self.generator(self._noise(seeds, 0), training=False)
        fake_scores = self.critic(fake, training=False)
        estimate = self.estimate(real_scores, fake_scores)
        values = {"loss": self.critic_loss(real_scores, fake_scores), "estimate": estimate}
        if self.wasserstein:
            uniform = uniform_per_example(fold_in(seeds, 3), [], 0.0, 1.0)
            slopes = self.slopes(real, fake, uniform)
            slope = tf.reduce_mean(slopes) if self.config.objective == "wgan-gp" else tf.reduce_max(slopes)
            values |= {"slope": slope, "distance": tf.math.divide_no_nan(estimate, slope)}
        for key, value in values.items():
            self.trackers[key].update_state(value)
        return {key: self.trackers[key].result() for key in values}

    def slopes(self, real, fake, uniform):
        """‖∇f‖ of the critic as it is after training, between examples: [batch] float32."""
        return slopes_between(lambda x: self.critic(x, training=False), real, fake, uniform, epsilon=0.0)

    def _noise(self, seeds, number):
        return normal_per_example(fold_in(seeds, number), [self.config.noise_size])

    def _noisy(self, examples, seeds, step, number):
        if not self.config.instance_noise:
            return examples
        deviation = self.config.instance_noise
        if self.config.instance_noise_steps:
            deviation = annealed(deviation, step, self.config.instance_noise_steps)
        return add_instance_noise(examples, fold_in(seeds, number), deviation)

    def variables_checkpoint(self):
        """A `tf.train.Checkpoint` of both networks, without optimizers and metrics."""
        return checkpoint_of(self, ["generator", "critic"])

    def get_config(self):
        return {"config": dataclasses.asdict(self.config), "name": self.name}


def check_config(config):
    """Raises a `UserError` for values that no training can have."""
    if config.objective not in OBJECTIVES:
        raise UserError(f"objective is {config.objective!r}; expected one of {', '.join(OBJECTIVES)}.")
    for name in ("noise_size", "generator_filters", "critic_filters", "hidden_layers", "critic_steps"):
        if getattr(config, name) < 1:
            raise UserError(f"{name} is {getattr(config, name)}; 1 or more is expected.")
    for name in ("instance_noise", "instance_noise_steps", "penalty_weight"):
        if getattr(config, name) < 0:
            raise UserError(f"{name} is {getattr(config, name)}; 0 or more is expected.")
    if config.clip <= 0:
        raise UserError(f"clip is {config.clip}; a limit above 0 is expected.")
    if config.warmup_turns and not (config.warmup_steps >= 1 and config.warmup_every > config.warmup_turns):
        raise UserError(
            f"warmup_steps is {config.warmup_steps} and warmup_every {config.warmup_every}; with {config.warmup_turns} "
            "turns of warm-up, 1 or more and a larger number are expected."
        )


@contextlib.contextmanager
def kept_statistics(network):
    """What is called within leaves the statistics that a network has gathered as they are."""
    kept = [(variable, variable.numpy()) for variable in network.non_trainable_variables]
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)


def _replicas():
    """Gradients are summed over replicas."""
    return tf.distribute.get_strategy().num_replicas_in_sync
