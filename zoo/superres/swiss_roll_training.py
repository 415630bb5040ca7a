"""Training the methods of Sønderby et al. (2017) on the swiss roll, several runs of each at once."""

import math

import tensorflow as tf

from zoo.losses.adversarial import discriminator_loss, kl_generator_loss
from zoo.losses.instance_noise import add_instance_noise
from zoo.optimizers.schedules import WarmupSchedule
from zoo.random import fold_in, uniform_per_example
from zoo.superres import swiss_roll

METHODS = ("mse", "mae", "affgan", "softgan", "affdg", "softdg")
BATCH = 256
LEARNING_RATES = 1e-3, 1e-5  # at first and at the end
# Standard deviations of the instance noise: each example has another amount, which the discriminator is told, from the least to
# a largest that falls. Much noise draws points out of the gaps between the arms, of which a discriminator of little noise says
# next to nothing; of half the distance of the arms, 3, the blurred density's modes are in the gaps. With no noise at all, one
# run of two leaves the roll: -logit, the generator's loss, has no bound where the discriminator sees no examples.
INSTANCE_NOISE = 0.3, (1.5, 0.6)
DISCRIMINATOR_STEPS = 4  # before each of the generator
DEVIATIONS = 3.0, 0.3  # of the noise that the denoiser takes away, at first and at last
# Parts of the training after which noise and deviation stay at their last, and learning rates begin to fall: a generator
# whose rate falls before keeps points between the arms, where its jumps were made when noise was large.
ANNEALED, CONSTANT = 0.6, 0.6
CONSISTENCY_WEIGHT = 1.0  # of |x - A g| in the soft methods
CHUNK = 250  # steps in one call of the graph


class Toy(tf.Module):
    """A method on the swiss roll: its networks, and the steps that train them.

    Each step draws its points from (seed, step). Losses are means over all runs, which Adam, blind to the scale of a
    loss, turns into the steps of each run by itself.

    Args:
      method: one of `METHODS`.
      runs: int, independent runs: their variables and points differ.
      steps: int, of training.
      seed: int.
      noise_channels: int, of z in g(x, z), for the stochastic "affgan".
    """

    def __init__(self, method, runs, steps, seed=0, noise_channels=0):
        super().__init__()
        tf.keras.utils.set_random_seed(seed)
        self.method, self.runs, self.steps, self.seed = method, runs, steps, seed
        self.noise_channels = noise_channels
        self.projected = method.startswith("aff")
        self.generator = swiss_roll.make_network(runs, 1 + noise_channels, 2, "generator")
        self.optimizer = self._optimizer(self.generator)
        if method.endswith("gan"):
            self.discriminator = swiss_roll.make_network(runs, 3, 1, "discriminator")
            self.discriminator_optimizer = self._optimizer(
                self.discriminator, steps_per_step=DISCRIMINATOR_STEPS
            )
        if method.endswith("dg"):
            self.denoiser = swiss_roll.make_network(runs, 3, 2, "denoiser")
            self._fit_denoiser()

    def _optimizer(self, network, steps_per_step=1):
        first, last = LEARNING_RATES
        rate = WarmupSchedule(
            first, self.steps * steps_per_step, decay_start=CONSTANT, final_learning_rate=last
        )
        optimizer = tf.keras.optimizers.Adam(rate, beta_1=0.5 if self.method.endswith("gan") else 0.9)
        optimizer.build(network.trainable_variables)
        return optimizer

    def __call__(self, x, noise=None):
        """g(x), or g(x, z): [runs, n, 1], [runs, n, noise_channels] -> [runs, n, 2]."""
        # A⁺ x as skip connection, as in the networks for pictures.
        y = x + self.generator(x if noise is None else tf.concat([x, noise], axis=-1))
        return swiss_roll.project(x, y) if self.projected else y

    def train(self, first, last):
        """Runs the steps from `first` to before `last`."""
        for start in range(first, last, CHUNK):
            self._chunk(tf.constant(start), tf.constant(min(start + CHUNK, last)))

    @tf.function
    def _chunk(self, first, last):
        for step in tf.range(first, last):
            self._step(step)

    def _draw(self, step, number):
        """Points and noise for a step: y [runs, BATCH, 2], z [runs, BATCH, noise_channels] or None."""
        seed = tf.random.experimental.stateless_fold_in(tf.stack([self.seed, step]), number)
        shape = [self.runs, BATCH]
        noise = None
        if self.noise_channels:
            noise = tf.random.stateless_normal([*shape, self.noise_channels], seed + 1)
        return swiss_roll.sample(seed, shape), noise

    def _step(self, step):
        if self.method.endswith("gan"):
            for number in range(1, 1 + DISCRIMINATOR_STEPS):
                self._discriminator_step(step, number)
        y, noise = self._draw(step, 0)
        x = swiss_roll.reduce(y)
        with tf.GradientTape() as tape:
            guess = self(x, noise)
            loss = self._loss(y, guess, step)
            if self.method.startswith("soft"):
                loss += CONSISTENCY_WEIGHT * tf.reduce_mean(tf.abs(x - swiss_roll.reduce(guess)))
        variables = self.generator.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    def _loss(self, y, guess, step):
        if self.method == "mse":
            return tf.reduce_mean((guess - y) ** 2)
        if self.method == "mae":
            return tf.reduce_mean(tf.abs(guess - y))
        if self.method.endswith("gan"):
            return kl_generator_loss(self.discriminator(self._noisy(guess, step, 0)))
        deviation = self._annealed(DEVIATIONS, step)
        seed = tf.stack([self.seed + 2, step])
        noisy = guess + deviation * tf.random.stateless_normal(tf.shape(guess), seed)
        score = tf.stop_gradient(self.score(noisy, deviation))
        return -tf.reduce_mean(deviation * score * guess)  # eq. (11), a step for each σ of its size

    def score(self, points, deviation):
        """The gradient of the log density blurred by σ, as the denoiser has it (eq. 12): points [runs, n, 2]."""
        log_deviation = tf.fill([*tf.unstack(tf.shape(points))[:2], 1], tf.math.log(deviation))
        return self.denoiser(tf.concat([points, log_deviation], axis=-1)) / deviation

    def _noisy(self, points, step, number):
        """Points with instance noise, and the logarithms of its deviations: [runs, n, 2] -> [runs, n, 3]."""
        seeds = tf.stack([tf.range(self.runs) + self.seed, tf.fill([self.runs], step * 100 + number)], axis=1)
        seeds = tf.cast(seeds, tf.int64)
        least, largest = INSTANCE_NOISE
        shape = [tf.shape(points)[1], 1]
        span = tf.math.log(self._annealed(largest, step) / least)
        log_deviation = math.log(least) + span * uniform_per_example(fold_in(seeds, 0), shape, 0.0, 1.0)
        noisy = add_instance_noise(points, seeds, tf.exp(log_deviation))
        return tf.concat([noisy, log_deviation], axis=-1)

    def _annealed(self, deviations, step):
        """From the first to the last of two, geometrically."""
        done = tf.minimum(tf.cast(step, tf.float32) / (ANNEALED * self.steps), 1.0)
        return deviations[0] * (deviations[1] / deviations[0]) ** done

    def _discriminator_step(self, step, number):
        y, noise = self._draw(step, number)
        guess = self(swiss_roll.reduce(self._draw(step, number + 50)[0]), noise)
        with tf.GradientTape() as tape:
            real = self.discriminator(self._noisy(y, step, 2 * number))
            fake = self.discriminator(self._noisy(guess, step, 2 * number + 1))
            loss = discriminator_loss(real, fake)
        variables = self.discriminator.trainable_variables
        self.discriminator_optimizer.apply_gradients(
            zip(tape.gradient(loss, variables), variables, strict=True)
        )

    def _fit_denoiser(self):
        """Trains the denoiser for all σ: y + σ ε + σ d(y + σ ε, log σ) is the estimate of y."""
        optimizer = self._optimizer(self.denoiser)
        variables = self.denoiser.trainable_variables
        ends = [math.log(deviation) for deviation in reversed(DEVIATIONS)]

        @tf.function
        def chunk(first, last):
            for step in tf.range(first, last):
                y, _ = self._draw(step, 99)
                seed = tf.stack([self.seed + 1, step])
                normal = tf.random.stateless_normal(tf.shape(y), seed)
                log_deviation = tf.random.stateless_uniform([*y.shape[:2], 1], seed + 1, *ends)
                noisy = y + tf.exp(log_deviation) * normal
                with tf.GradientTape() as tape:
                    found = self.denoiser(tf.concat([noisy, log_deviation], axis=-1))
                    loss = tf.reduce_mean((found + normal) ** 2)
                optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

        for start in range(0, self.steps, CHUNK):
            chunk(tf.constant(start), tf.constant(min(start + CHUNK, self.steps)))


def fitted_divergence(toy, steps):
    """KL[q || p] as a discriminator trained afresh has it, -E logit(g): list over the runs, nats.

    An estimate without a density: from samples alone, as in training. It is low where the discriminator is not the best.
    """
    discriminator = swiss_roll.make_network(toy.runs, 2, 1, "judge")
    rate = tf.keras.optimizers.schedules.CosineDecay(2e-3, steps)
    optimizer = tf.keras.optimizers.Adam(rate)
    variables = discriminator.trainable_variables
    optimizer.build(variables)

    def draw(step, size):
        seeds = tf.random.experimental.stateless_split(tf.stack([toy.seed + 7, step]), 3)
        real, other = (swiss_roll.sample(seed, [toy.runs, size]) for seed in tf.unstack(seeds)[:2])
        noise = tf.random.stateless_normal([toy.runs, size, toy.noise_channels], seeds[2])
        return real, toy(swiss_roll.reduce(other), noise if toy.noise_channels else None)

    @tf.function
    def chunk(first, last):
        for step in tf.range(first, last):
            real, guess = draw(step, BATCH)
            with tf.GradientTape() as tape:
                loss = discriminator_loss(discriminator(real), discriminator(guess))
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    for start in range(0, steps, CHUNK):
        chunk(tf.constant(start), tf.constant(min(start + CHUNK, steps)))
    logits = discriminator(draw(tf.constant(-1), 1 << 14)[1])
    return tf.reduce_mean(-logits, axis=[1, 2]).numpy().tolist()
