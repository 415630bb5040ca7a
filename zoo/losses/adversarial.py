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


def non_saturating_generator_loss(fake_logits):
    """-E log D(g), the "-log D trick": its gradient does not vanish where the discriminator is sure, but explodes.

    For the best discriminator that is the gradient of KL[q || p] - 2 JSD (Arjovsky & Bottou 2017, theorem 2.5).

    Source: Goodfellow et al. 2014, section 3.

    Args:
      fake_logits: float32 tensor of any shape.

    Returns:
      Scalar float32, nats.
    """
    return tf.reduce_mean(tf.nn.softplus(-fake_logits))


def minimax_generator_loss(fake_logits):
    """E log(1 - D(g)), the generator's part of the game as it stands; its gradient vanishes where D is sure.

    Source: Goodfellow et al. 2014, eq. (1); Arjovsky & Bottou 2017, theorem 2.4.

    Args:
      fake_logits: float32 tensor of any shape.

    Returns:
      Scalar float32, nats.
    """
    return -tf.reduce_mean(tf.nn.softplus(fake_logits))


def wasserstein_critic_loss(real_scores, fake_scores):
    """E f(g) - E f(y): less the estimate of the Wasserstein distance, up to the critic's Lipschitz constant.

    The sign is the paper's: real examples get the high scores. (The authors' code has it the other way round.)

    Source: Arjovsky, Chintala & Bottou 2017, eq. (2) and algorithm 1.

    Args:
      real_scores, fake_scores: float32 tensors of any shapes.

    Returns:
      Scalar float32.
    """
    return tf.reduce_mean(fake_scores) - tf.reduce_mean(real_scores)


def wasserstein_generator_loss(fake_scores):
    """-E f(g), see `wasserstein_critic_loss`."""
    return -tf.reduce_mean(fake_scores)
