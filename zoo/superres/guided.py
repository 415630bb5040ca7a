"""AffDG, SoftDG and AffLL: super-resolution guided by a frozen model of the density of pictures."""

import tensorflow as tf

from zoo.superres.model import SuperResolution


@tf.keras.utils.register_keras_serializable(package="toulon")
class GuidedSuperResolution(SuperResolution):
    """Super-resolution that climbs the log density of pictures, as a trained model has it.

    The loss is `guide.guidance(g)`: with a `Denoiser` the gradient of eq. (11), with a `PixelDensity` -log p(g). Without
    the projection (SoftDG), `consistency_weight` times E |x - A g| is added; with it, a tenth of E |x - A f|, on which g does not
    depend: `strength` below 1 shows f.

    Source: Sønderby et al. 2017, sections 3.3 and 3.4.

    Args:
      config: a `SuperResolutionConfig`.
      guide: a `Denoiser` or a `PixelDensity`, trained; it is not changed.
      consistency_weight: float, for a config without projection.
    """

    def __init__(
        self, config=None, guide=None, consistency_weight=1.0, name="guided_super_resolution", **kwargs
    ):
        super().__init__(config, loss="mae", name=name, **kwargs)
        self.guide, self.consistency_weight = guide, consistency_weight
        guide.trainable = False

    def train_step(self, batch):
        images = batch["image"]
        small = self.degrade(images)
        with tf.GradientTape() as tape:
            enlarged = candidate = self.candidate(small, training=True)
            if self.config.projected:
                enlarged = self.projection([small, candidate])
            loss = self.guide.guidance(enlarged) + self.drift(small, candidate, self.consistency_weight)
            scaled = loss / tf.cast(tf.distribute.get_strategy().num_replicas_in_sync, loss.dtype)
        self.optimizer.minimize(scaled, self.network.trainable_variables, tape=tape)
        return self.track(images, small, enlarged, loss=loss)

    def get_config(self):
        config = super().get_config()
        del config["loss"]
        guide = tf.keras.saving.serialize_keras_object(self.guide)
        return config | {"guide": guide, "consistency_weight": self.consistency_weight}

    @classmethod
    def from_config(cls, config):
        return cls(**(config | {"guide": tf.keras.saving.deserialize_keras_object(config["guide"])}))
