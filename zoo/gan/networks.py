"""The generators and critics of the Wasserstein GAN's paper and of its authors' code.

All are functional `tf.keras.Model`s. Kernels of convolutions are N(0, 0.02), scales of normalizations N(1, 0.02);
there are no biases beside normalizations. What normalizes uses Keras' momentum 0.9 and epsilon 1e-5, PyTorch's own.

Source: Radford et al. 2016 (DCGAN); Arjovsky, Chintala & Bottou 2017 and its code; Gulrajani et al. 2017 for the generator
of constant width.
"""

import math

import tensorflow as tf

from zoo.errors import UserError

layers = tf.keras.layers


def make_generator(config):
    """The generator of a `GANConfig`: z [batch, noise_size] -> [batch, *shape] float32.

    Raises:
      UserError: the config has no such network, or a shape that it cannot make.
    """
    noise = tf.keras.Input([config.noise_size])
    if config.generator == "mlp":
        outputs = _mlp(noise, config.generator_filters, config.hidden_layers, math.prod(config.shape))
        outputs = layers.Reshape(config.shape)(outputs)
    elif config.generator in ("dcgan", "dcgan-plain"):
        outputs = _dcgan_generator(noise, config, plain=config.generator == "dcgan-plain")
    else:
        raise UserError(f"generator is {config.generator!r}; expected 'dcgan', 'dcgan-plain' or 'mlp'.")
    outputs = layers.Activation("tanh" if config.tanh else "linear", dtype="float32", name="output")(outputs)
    return tf.keras.Model(noise, outputs, name="generator")


def make_critic(config):
    """The critic or discriminator of a `GANConfig`: [batch, *shape] -> [batch] float32 scores, or logits.

    Raises:
      UserError: the config has no such network, a shape that it cannot take, or normalization by batch statistics together
        with a penalty of each example's gradient.
    """
    examples = tf.keras.Input(config.shape)
    if config.critic == "mlp":
        features = layers.Flatten()(examples)
        scores = _mlp(features, config.critic_filters, config.hidden_layers, 1)
    elif config.critic == "dcgan":
        if config.batch_norm and config.objective == "wgan-gp":
            raise UserError(
                "the gradient penalty is of one example at a time, and batch normalization mixes them; "
                "set batch_norm to False."
            )
        scores = _dcgan_critic(examples, config)
    else:
        raise UserError(f"critic is {config.critic!r}; expected 'dcgan' or 'mlp'.")
    scores = layers.Reshape([], dtype="float32", name="scores")(scores)
    return tf.keras.Model(examples, scores, name="critic")


def _mlp(x, width, hidden_layers, size):
    """Hidden layers of rectifiers and a linear one, [batch, n] -> [batch, size]; initial values as Gulrajani et al. have them."""
    for _ in range(hidden_layers):
        x = layers.Dense(width, "relu", kernel_initializer="he_uniform")(x)
    return layers.Dense(size)(x)


def _convolution(cls, filters, size=4, strides=2, padding="same"):
    initial = tf.keras.initializers.RandomNormal(stddev=0.02)
    return cls(filters, size, strides, padding, use_bias=False, kernel_initializer=initial)


def _normalization():
    initial = tf.keras.initializers.RandomNormal(1.0, 0.02)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=initial)


def _doublings(config):
    """How often a side of 4 pixels is doubled to reach that of the pictures."""
    shape = config.shape
    if len(shape) != 3 or shape[0] != shape[1] or shape[0] < 8 or shape[0] & (shape[0] - 1):
        raise UserError(f"the shape is {shape}; a DCGAN needs (side, side, channels), side 8, 16, 32, 64, …")
    return shape[0].bit_length() - 3


def _dcgan_generator(noise, config, plain):
    doublings = _doublings(config)
    widths = [config.generator_filters * (1 if plain else 2**i) for i in reversed(range(doublings))]
    x = layers.Reshape([1, 1, config.noise_size])(noise)
    for i, width in enumerate(widths):
        last = {"strides": 1, "padding": "valid"} if i == 0 else {}
        x = _convolution(layers.Conv2DTranspose, width, **last)(x)
        if not plain:
            x = _normalization()(x)
        x = layers.ReLU()(x)
    return _convolution(layers.Conv2DTranspose, config.shape[-1])(x)


def _dcgan_critic(examples, config):
    x = examples
    for i in range(_doublings(config)):
        x = _convolution(layers.Conv2D, config.critic_filters * 2**i)(x)
        if i and config.batch_norm:
            x = _normalization()(x)
        x = layers.LeakyReLU(0.2)(x)
    return _convolution(layers.Conv2D, 1, strides=1, padding="valid")(x)
