"""Losses of generator and discriminator, of the discriminator's logits."""

import tensorflow as tf


def discriminator_loss(real_logits, fake_logits):
    """Cross-entropy of a discriminator D = σ(logit) that tells real (1) from generated (0).

        -E log D(y) - E log(1 - D(g))

    Source: Goodfellow et al. 2014, eq. (1).

    Args:
      real_logits, fake_logits: float32 tensors of any shapes.

    Returns:
      Scalar float32, nats; 2 log 2 where it cannot tell.
    """
    return tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))


def kl_generator_loss(fake_logits):
    """The generator loss whose minimum, for the best discriminator, is that of KL[q || p].

    The logit of the best discriminator is log p/q, so that

        KL[q || p] = E_q log q/p = -E logit(g)

    (The paper prints log D/(1 - D) as what is lowered; that is its negative.)

    Source: Sønderby et al. 2017, section 3.2; Huszár 2016, "An alternative update rule for generative adversarial
    networks".

    Args:
      fake_logits: float32 tensor of any shape.

    Returns:
      Scalar float32, nats.
    """
    return -tf.reduce_mean(fake_logits)
