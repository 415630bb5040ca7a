"""Checkpoints of a model's variables."""

import tensorflow as tf


def checkpoint_of(model, names):
    """A `tf.train.Checkpoint` of parts of a model, which reads them from a run's checkpoint, too.

    Args:
      model: a `tf.keras.Model`.
      names: the attributes that are kept: layers, variables, lists of them. Optimizers and metrics are left out.
    """
    state = tf.Module()
    for name in names:
        setattr(state, name, getattr(model, name))
    return tf.train.Checkpoint(model=state)
