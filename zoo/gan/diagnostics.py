"""What a generator would learn from the best discriminator: Arjovsky & Bottou's diagnosis, of any Keras generator.

The generator stays as it is. A discriminator is trained against it from scratch, and two Wasserstein critics beside it, with
gradient penalty and with clipped weights; on the way the gradients are measured that the generator would get from each.

Source: Arjovsky & Bottou 2017, figures 1 to 3.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from zoo.errors import UserError
from zoo.gan.config import GANConfig
from zoo.gan.networks import make_critic
from zoo.losses import adversarial as losses
from zoo.losses.gradient_penalty import gradient_penalty, slopes_between
from zoo.optimizers.rmsprop import RMSProp

BATCH = 64
REPEATS = 8  # batches over which a gradient's norm is averaged
POINTS = 40  # at which measurements are made, geometrically spaced
CLIP = 0.01
CHANGE = 10  # factor from which on a gradient is said to vanish or to explode


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """Measurements along the training of a discriminator and of a critic; arrays of one length.

    Attributes:
      steps: of training, from 1 on.
      loss: of the discriminator, nats; 1.39 where it cannot tell, and falling to 0 where it becomes perfect.
      accuracy: its share of right answers.
      estimate: the penalised critic's, of the Wasserstein distance.
      minimax, non_saturating, wasserstein, clipped: mean norm of the generator's gradient by each cost; those of the clipped
        critic are small as it is, by its weights' limit.
      deviation: of the norm by the non-saturating cost, from batch to batch.
    """

    steps: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    estimate: np.ndarray
    minimax: np.ndarray
    non_saturating: np.ndarray
    wasserstein: np.ndarray
    clipped: np.ndarray
    deviation: np.ndarray

    def verdict(self):
        """What the measurements say, as lines of text."""
        perfect = np.flatnonzero(self.accuracy >= 0.999)
        told = f"a perfect discriminator after {self.steps[perfect[0]]} steps" if len(perfect) else (
            f"no perfect discriminator: {100 * self.accuracy[-1]:.1f} % of its answers are right"
        )  # fmt: skip
        return [
            told,
            f"gradient of log(1 - D): {_change(self.minimax)}",
            f"gradient of -log D: {_change(self.non_saturating)}",
            f"gradient by a Wasserstein critic with penalty: {_change(self.wasserstein)}; its estimate of the distance is "
            f"{self.estimate[-1]:.3g}",
            f"gradient by one with clipped weights: {_change(self.clipped)}",
        ]


def _change(norms):
    """How a gradient's norm went, in words."""
    if not np.isfinite(norms).all() or norms[0] == 0:
        return f"{norms[0]:.2g} at first, {norms[-1]:.2g} at last: the generator cannot learn from that"
    ratio = norms[-1] / norms[0]
    word = (
        "it vanishes" if ratio < 1 / CHANGE else "it explodes" if ratio > CHANGE else "it stays in its order"
    )
    return f"{ratio:.2g} times what it was at first, {word}"


def diagnose(
    generator, data, noise_size=None, steps=4000, critic="mlp", critic_filters=64, learning_rate=2e-4, seed=0
):
    """Trains a discriminator and critics against a generator that stays, and measures the generator's gradients.

    Args:
      generator: a `tf.keras.Model`, noise [batch, noise_size] -> examples, with trainable variables; called as in inference.
      data: [n, …] float32, real examples in the generator's range, of the shape it makes.
      noise_size: int, that of the generator's input unless told; noise is standard normal.
      steps: int.
      critic: "mlp", or "dcgan" for square pictures, see `GANConfig`.
      critic_filters: int, its width.
      learning_rate: float, of Adam, for the discriminator; the critic with penalty has half of it, that with clipped weights
        a quarter, of RMSProp: the papers' own with the default.
      seed: int.

    Returns:
      A `Diagnosis`.

    Raises:
      UserError: the shapes do not agree, the data or what is generated are not finite, the data are less than a batch, or there
        is nothing to train.
    """
    noise_size = noise_size or generator.input_shape[-1]
    data = check_data(generator, data, noise_size)
    tf.keras.utils.set_random_seed(seed)
    config = GANConfig(
        shape=data.shape[1:],
        critic=critic,
        critic_filters=critic_filters,
        batch_norm=False,
        objective="wgan-gp",
    )
    discriminator, wasserstein, clipped = (make_critic(config) for _ in range(3))
    optimizers = [
        tf.keras.optimizers.Adam(learning_rate, 0.5, 0.999),
        tf.keras.optimizers.Adam(learning_rate / 2, 0.5, 0.9),
        RMSProp(learning_rate / 4),
    ]
    for optimizer, model in zip(optimizers, (discriminator, wasserstein, clipped), strict=True):
        optimizer.build(model.trainable_variables)
    examples = tf.constant(data)

    def draw(step, number):
        """Real and generated examples of a step: two [BATCH, …]."""
        own = tf.random.experimental.stateless_fold_in(tf.stack([seed, step]), number)
        index = tf.random.stateless_uniform([BATCH], own, 0, len(data), tf.int32)
        noise = tf.random.stateless_normal([BATCH, noise_size], own + 1)
        return tf.gather(examples, index), generator(noise, training=False), own

    def train_step(step):
        real, fake, own = draw(step, 0)
        with tf.GradientTape() as tape:
            loss = losses.discriminator_loss(discriminator(real), discriminator(fake))
        variables = discriminator.trainable_variables
        optimizers[0].apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        uniform = tf.random.stateless_uniform([BATCH], own + 2)
        with tf.GradientTape() as tape:
            loss = losses.wasserstein_critic_loss(wasserstein(real), wasserstein(fake))
            loss += 10 * gradient_penalty(slopes_between(wasserstein, real, fake, uniform))
        variables = wasserstein.trainable_variables
        optimizers[1].apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        with tf.GradientTape() as tape:
            loss = losses.wasserstein_critic_loss(clipped(real), clipped(fake))
        variables = clipped.trainable_variables
        optimizers[2].apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        for variable in variables:
            variable.assign(tf.clip_by_value(variable, -CLIP, CLIP))

    @tf.function
    def train(first, last):
        for step in tf.range(first, last):
            train_step(step)

    @tf.function
    def measure(step):
        rows = []
        for repeat in range(REPEATS):
            with tf.GradientTape(persistent=True) as tape:
                real, fake, _ = draw(step, 1 + repeat)
                logits, scores = discriminator(fake), wasserstein(fake)
                costs = [
                    losses.minimax_generator_loss(logits),
                    losses.non_saturating_generator_loss(logits),
                    losses.wasserstein_generator_loss(scores),
                    losses.wasserstein_generator_loss(clipped(fake)),
                ]
            norms = [
                tf.linalg.global_norm(tape.gradient(cost, generator.trainable_variables)) for cost in costs
            ]
            real_logits = discriminator(real)
            right = tf.concat([real_logits > 0, logits < 0], 0)
            rows.append(
                [
                    losses.discriminator_loss(real_logits, logits),
                    tf.reduce_mean(tf.cast(right, tf.float32)),
                    -losses.wasserstein_critic_loss(wasserstein(real), scores),
                    *norms,
                ]
            )
        return tf.reduce_mean(rows, axis=0), tf.math.reduce_std(rows, axis=0)

    moments = np.unique(np.geomspace(1, steps, POINTS).round().astype(int))
    done, means, deviations = 0, [], []
    for moment in moments:
        train(tf.constant(done), tf.constant(moment))
        done = moment
        mean, deviation = measure(tf.constant(moment))
        means.append(mean.numpy())
        deviations.append(deviation.numpy()[4])
    loss, accuracy, estimate, *norms = np.transpose(means)
    return Diagnosis(moments, loss, accuracy, estimate, *norms, np.array(deviations))


def check_data(generator, data, noise_size):
    """The data as float32.

    Raises:
      UserError: see `diagnose`.
    """
    data = np.asarray(data, np.float32)
    examples = generator(tf.random.stateless_normal([BATCH, noise_size], [0, 0]))
    made = examples.shape[1:]
    if data.ndim < 2 or made != data.shape[1:]:
        raise UserError(
            f"the generator makes examples of shape {tuple(made)}; the data's is {data.shape[1:]}."
        )
    if len(data) < BATCH:
        raise UserError(f"there are {len(data)} real examples; at least {BATCH} are needed.")
    if not np.all(np.isfinite(data)):
        raise UserError("the data hold values that are no finite numbers; leave their examples out.")
    if not np.all(np.isfinite(examples)):
        raise UserError("the generator makes values that are no finite numbers; its training broke.")
    if not generator.trainable_variables:
        raise UserError("the generator has no trainable variables whose gradients could be measured.")
    return data
