"""AffGAN and SoftGAN: super-resolution trained against a discriminator (Sønderby et al. 2017, section 3.2)."""

import tensorflow as tf

from zoo.losses.adversarial import discriminator_loss, kl_generator_loss
from zoo.losses.instance_noise import add_instance_noise, annealed
from zoo.random import fold_in, normal_per_example
from zoo.superres.model import SuperResolution
from zoo.superres.networks import Discriminator


@tf.keras.utils.register_keras_serializable(package="toulon")
class AdversarialSuperResolution(SuperResolution):
    """Super-resolution whose results are distributed like photographs.

    With a discriminator D = σ(l) between large pictures y and results g, the generator lowers -E l(g), an estimate of
    KL[q || p]: the cross-entropy of amortised MAP inference less the entropy of the results. Both see their
    pictures with Gaussian instance noise, which falls over the first `noise_steps` steps.

    - With the projection (AffGAN) there is nothing else to the loss: consistency is exact, so the prior is all that is left.
      (But for a tenth of E |x - A f|, on which g does not depend: `strength` below 1 shows f.)
    - Without (SoftGAN), `consistency_weight` times E |x - A g| is added, in levels of [0, 1].
    - With `config.noise_channels` (stochastic AffGAN), noise is drawn for each example, and results are samples of an
      implicit posterior; see `sample`.

    Compiled with an optimizer for the generator and one for the discriminator; `optimizer.iterations` counts steps of
    the generator. Batches need "seed".

    Source: Sønderby et al. 2017, sections 3.2 and 3.2.1, appendices C and F.

    Args:
      config: a `SuperResolutionConfig`.
      discriminator_filters: int, channels of the discriminator's first layer.
      consistency_weight: float, for a config without projection.
      instance_noise: float, standard deviation at first, of pictures in [0, 1].
      final_instance_noise: float, what it falls to.
      noise_steps: int, steps over which it falls.
      pixel_weight: float, weight of E |g - y|, which the paper does not have; 0 unless told.
    """

    def __init__(
        self, config=None, discriminator_filters=48, consistency_weight=1.0, instance_noise=0.05,
        final_instance_noise=0.0, noise_steps=1, pixel_weight=0.0, name="adversarial_super_resolution", **kwargs,
    ):  # fmt: skip
        super().__init__(config, loss="mae", name=name, **kwargs)
        self.settings = {
            "discriminator_filters": discriminator_filters,
            "consistency_weight": consistency_weight,
            "instance_noise": instance_noise,
            "final_instance_noise": final_instance_noise,
            "noise_steps": noise_steps,
            "pixel_weight": pixel_weight,
        }
        self.discriminator = Discriminator(discriminator_filters, name="discriminator")
        self.discriminator(tf.zeros([1, 8, 8, self.config.channels]))  # makes the variables

    def metric_names(self):
        """Those of `SuperResolution`; discriminator_loss, nats; kl, the estimate of KL[q || p] per neighbourhood, nats."""
        return [*super().metric_names(), "discriminator_loss", "kl"]

    def compile(self, optimizer, discriminator_optimizer, **kwargs):
        """As `tf.keras.Model.compile`, with an optimizer for each of the two."""
        super().compile(optimizer, **kwargs)
        self.discriminator_optimizer = discriminator_optimizer
        # Here, in the scope of the strategy, and each with its own variables.
        self.optimizer.build(self.network.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    def train_step(self, batch):
        images, seeds = batch["image"], batch["seed"]
        small = self.degrade(images)
        s = self.settings
        deviation = annealed(
            s["instance_noise"], self.optimizer.iterations, s["noise_steps"], s["final_instance_noise"]
        )
        noise = None
        if self.config.noise_channels:
            shape = [*tf.unstack(tf.shape(small)[1:3]), self.config.noise_channels]
            noise = normal_per_example(fold_in(seeds, 0), shape)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync  # gradients are summed over replicas

        def noisy(pictures, number):
            return add_instance_noise(pictures, fold_in(seeds, number), deviation)

        with tf.GradientTape() as tape:
            enlarged = candidate = self.candidate(small, noise, training=True)
            if self.config.projected:
                enlarged = self.projection([small, candidate])
            # The discriminator takes its step first; the generator then sees the better one.
            with tape.stop_recording(), tf.GradientTape() as own:
                real = self.discriminator(noisy(images, 1))
                fake = self.discriminator(noisy(enlarged, 2))
                discriminator_loss_ = discriminator_loss(real, fake)
                scaled = discriminator_loss_ / replicas
            variables = self.discriminator.trainable_variables
            with tape.stop_recording():
                self.discriminator_optimizer.apply_gradients(
                    zip(own.gradient(scaled, variables), variables, strict=True)
                )
            kl = kl_generator_loss(self.discriminator(noisy(enlarged, 3)))
            loss = kl + self._other_terms(images, small, candidate, enlarged)
            scaled = loss / replicas
        variables = self.network.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(scaled, variables), variables, strict=True))
        values = {"loss": loss, "discriminator_loss": discriminator_loss_, "kl": kl}
        return self.track(images, small, enlarged, **values)

    def test_values(self, images, enlarged):
        """The discriminator's view of whole pictures, without instance noise."""
        fake = self.discriminator(enlarged)
        loss = discriminator_loss(self.discriminator(images), fake)
        return {"discriminator_loss": loss, "kl": kl_generator_loss(fake)}

    def _other_terms(self, images, small, candidate, enlarged):
        closeness = self.settings["pixel_weight"] * tf.reduce_mean(tf.abs(enlarged - images))
        return closeness + self.drift(small, candidate, self.settings["consistency_weight"])

    def get_config(self):
        config = super().get_config() | self.settings
        del config["loss"]
        return config
