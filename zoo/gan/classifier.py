"""A small classifier of digits: the judge of generated ones."""

import numpy as np
import tensorflow as tf

from zoo.data.squares import to_signed
from zoo.random import uniform_per_example

layers = tf.keras.layers
BATCH = 128
STEPS = 6000
SHIFT = 2  # pixels by which digits are moved in training


def make_classifier(shape, classes=10):
    """A network of two convolutions and two dense layers: [batch, *shape] in [-1, 1] -> logits, features [batch, 128].

    Source: the judge of Lin et al. 2018 (PacGAN), who has it from the examples of Keras.
    """
    inputs = tf.keras.Input(shape)
    x = layers.Conv2D(32, 3, activation="relu")(inputs)
    x = layers.MaxPool2D()(layers.Conv2D(64, 3, activation="relu")(x))
    x = layers.Flatten()(layers.Dropout(0.25)(x))
    features = layers.Dense(128, "relu")(x)
    logits = layers.Dense(classes)(layers.Dropout(0.5)(features))
    return tf.keras.Model(inputs, (logits, features), name="judge")


def train_classifier(images, labels, steps=STEPS, seed=0):
    """Trains a classifier on pictures and their labels: [n, h, w, C] uint8, [n] -> model."""
    tf.keras.utils.set_random_seed(seed)
    model = make_classifier(images.shape[1:], int(labels.max()) + 1)
    optimizer = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(1e-3, steps))
    optimizer.build(model.trainable_variables)
    images, labels = tf.constant(images), tf.constant(labels, tf.int64)

    @tf.function
    def train(first, last):
        for step in tf.range(first, last):
            seeds = tf.stack([tf.fill([BATCH], step), tf.range(BATCH, dtype=tf.int64)], axis=1)
            index = tf.cast(uniform_per_example(seeds, [], 0, float(len(images))), tf.int64)
            index = tf.minimum(index, len(images) - 1)
            move = tf.random.stateless_uniform([2], tf.stack([step, 1]), -SHIFT, SHIFT + 1, tf.int32)
            batch = tf.roll(to_signed(tf.gather(images, index)), move, [1, 2])  # borders are black
            with tf.GradientTape() as tape:
                logits, _ = model(batch, training=True)
                loss = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(labels, index), logits)
                loss = tf.reduce_mean(loss)
            variables = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    for first in range(0, steps, 500):
        train(tf.constant(first, tf.int64), tf.constant(min(first + 500, steps), tf.int64))
    return model


def classify(model, images, batch=500):
    """What a classifier says of pictures in [-1, 1]: probabilities [n, classes] and features [n, 128], float32."""
    answers = [model(images[i : i + batch]) for i in range(0, len(images), batch)]
    probabilities = np.concatenate([tf.nn.softmax(logits) for logits, _ in answers])
    return probabilities, np.concatenate([features for _, features in answers])


def accuracy(model, images, labels):
    """The share of pictures, [n, h, w, C] uint8, that a classifier gets right: float."""
    probabilities, _ = classify(model, to_signed(images))
    return float(np.mean(probabilities.argmax(axis=1) == labels))
