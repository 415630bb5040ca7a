"""Learning-rate schedules."""

import math

import tensorflow as tf


@tf.keras.utils.register_keras_serializable(package="toulon")
class WarmupSchedule(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then constant, then a half cosine down to the end.

    Args:
      learning_rate: float, the rate after the warm-up.
      steps: int, all steps.
      warmup_steps: int, steps of linear growth from 0.
      decay_start: float in [0, 1], part of all steps after which decay begins; 1 for a constant rate.
      final_learning_rate: float, the rate at `steps`.
    """

    def __init__(self, learning_rate, steps, warmup_steps=0, decay_start=1.0, final_learning_rate=0.0):
        self.learning_rate = learning_rate
        self.steps = steps
        self.warmup_steps = warmup_steps
        self.decay_start = decay_start
        self.final_learning_rate = final_learning_rate

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        warm = tf.minimum((step + 1) / max(self.warmup_steps, 1), 1.0) if self.warmup_steps else 1.0
        begin = self.decay_start * self.steps
        progress = tf.clip_by_value((step - begin) / max(self.steps - begin, 1), 0.0, 1.0)
        cosine = 0.5 * (1 + tf.cos(math.pi * progress))
        rate = self.final_learning_rate + (self.learning_rate - self.final_learning_rate) * cosine
        return warm * rate

    def get_config(self):
        return dict(vars(self))
