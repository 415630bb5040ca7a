"""What the guides of AffDG and AffLL share: models of the density of pictures, trained by themselves."""

import dataclasses

import tensorflow as tf

from zoo.variables import checkpoint_of


class Guide(tf.keras.Model):
    """A model that says which pictures are likely.

    `fit`, `evaluate` and strategies work as with any Keras model; batches are dicts with "image" [batch, height, width, C]
    float32 in [0, 1] and, for training, "seed" [batch, 2] int64. A subclass has two functions to scalar float32:

        training_loss(images, seeds)   what training lowers; seeds [batch, 2] int64, one for the noise of each picture
        guidance(images)               falls as pictures get likelier, nats per channel of a pixel

    Args:
      config: a `CONFIG` of the subclass, or a dict of its values.
    """

    CONFIG = None  # class of its config, a dataclass
    PARTS = ()  # attributes that hold its variables

    def __init__(self, config=None, name=None, **kwargs):
        super().__init__(name=name, autocast=False, **kwargs)  # pictures stay in float32, layers cast
        self.config = self.CONFIG(**config) if isinstance(config, dict) else config or self.CONFIG()
        self.loss_tracker = tf.keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.loss_tracker]

    def train_step(self, batch):
        with tf.GradientTape() as tape:
            loss = self.training_loss(batch["image"], batch["seed"])
            scaled = loss / tf.cast(tf.distribute.get_strategy().num_replicas_in_sync, loss.dtype)
        self.optimizer.minimize(scaled, self.trainable_variables, tape=tape)
        self.loss_tracker.update_state(loss)
        return {"loss": self.loss_tracker.result()}

    def test_step(self, batch):
        images = batch["image"]
        self.loss_tracker.update_state(
            self.training_loss(images, tf.zeros([tf.shape(images)[0], 2], tf.int64))
        )
        return {"loss": self.loss_tracker.result()}

    def variables_checkpoint(self):
        """A `tf.train.Checkpoint` of the layers, without optimizer and metrics."""
        return checkpoint_of(self, self.PARTS)

    def get_config(self):
        return {"config": dataclasses.asdict(self.config), "name": self.name}
