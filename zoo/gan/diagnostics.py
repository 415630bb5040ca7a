"""What a generator would learn from the best discriminator: Arjovsky & Bottou's diagnosis, of any Keras generator.

The generator stays as it is. A discriminator is trained against it from scratch, and a Wasserstein critic beside it;
on the way the gradients are measured that the generator would get from either.

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

BATCH = 64
REPEATS = 8  # batches over which a gradient's norm is averaged
POINTS = 40  # at which measurements are made, geometrically spaced
COSTS = {
    "minimax": losses.minimax_generator_loss,
    "non_saturating": losses.non_saturating_generator_loss,
    "wasserstein": losses.wasserstein_generator_loss,
}


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """Measurements along the training of a discriminator and of a critic; arrays of one length.

    Attributes:
      steps: of training, from 1 on.
      loss: of the discriminator, nats; 1.39 where it cannot tell, and falling to 0 where it becomes perfect.
      accuracy: its share of right answers.
      estimate: the critic's, of the Wasserstein distance.
      minimax, non_saturating, wasserstein: mean norm of the generator's gradient by each cost.
      deviation: of the norm by the non-saturating cost, from batch to batch.
    """

    steps: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    estimate: np.ndarray
    minimax: np.ndarray
    non_saturating: np.ndarray
    wasserstein: np.ndarray
    deviation: np.ndarray

    def verdict(self):
        """What the measurements say, as lines of text."""
        fall = self.minimax[-1] / self.minimax[0]
        growth = self.non_saturating[-1] / self.non_saturating[0]
        perfect = np.flatnonzero(self.accuracy >= 0.999)
        told = f"a perfect discriminator after {self.steps[perfect[0]]} steps" if len(perfect) else (
            f"no perfect discriminator: {100 * self.accuracy[-1]:.1f} % of its answers are right"
        )  # fmt: skip
        return [
            told,
            f"gradient of log(1 - D) {fall:.2g} times what it was at first: {_word(fall, 0.1, 'it vanishes')}",
            f"gradient of -log D {growth:.2g} times: {_word(1 / growth, 0.1, 'it explodes')}",
            f"gradient by a Wasserstein critic {self.wasserstein[-1] / self.wasserstein[0]:.2g} times; its estimate of the "
            f"distance is {self.estimate[-1]:.3g}",
        ]


def _word(ratio, limit, what):
    return what if ratio < limit else "as it should be"


def diagnose(
    generator, data, noise_size, steps=4000, critic="mlp", critic_filters=64, learning_rate=2e-4, seed=0
):
    """Trains a discriminator and a critic against a generator that stays, and measures the generator's gradients.

    Args:
      generator: a `tf.keras.Model`, noise [batch, noise_size] -> examples, with trainable variables; called as in inference.
      data: [n, …] float32, real examples in the generator's range, of the shape it makes.
      noise_size: int; noise is standard normal.
      steps: int.
      critic: "mlp", or "dcgan" for square pictures, see `GANConfig`.
      critic_filters: int, its width.
      learning_rate: float, of Adam, for the discriminator; the critic has half of it.
      seed: int.

    Returns:
      A `Diagnosis`.

    Raises:
      UserError: the shapes do not agree, the data are not finite or less than a batch, or there is nothing to train.
    """
    data = check_data(generator, data, noise_size)
    tf.keras.utils.set_random_seed(seed)
    config = GANConfig(
        shape=data.shape[1:],
        critic=critic,
        critic_filters=critic_filters,
        batch_norm=False,
        objective="wgan-gp",
    )
    discriminator, wasserstein = make_critic(config), make_critic(config)
    optimizers = [
        tf.keras.optimizers.Adam(learning_rate, 0.5, 0.999),
        tf.keras.optimizers.Adam(learning_rate / 2, 0.5, 0.9),
    ]
    for optimizer, model in zip(optimizers, (discriminator, wasserstein), strict=True):
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
                costs = [cost(scores if name == "wasserstein" else logits) for name, cost in COSTS.items()]
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
    made = generator(tf.zeros([1, noise_size])).shape[1:]
    if data.ndim < 2 or made != data.shape[1:]:
        raise UserError(
            f"the generator makes examples of shape {tuple(made)}; the data's is {data.shape[1:]}."
        )
    if len(data) < BATCH:
        raise UserError(f"there are {len(data)} real examples; at least {BATCH} are needed.")
    if not np.all(np.isfinite(data)):
        raise UserError("the data hold values that are no finite numbers; leave their examples out.")
    if not generator.trainable_variables:
        raise UserError("the generator has no trainable variables whose gradients could be measured.")
    return data
