"""What can be chosen about a generative adversarial network."""

import dataclasses

OBJECTIVES = ("minimax", "non-saturating", "wgan", "wgan-gp")


@dataclasses.dataclass(frozen=True)
class GANConfig:
    """A generator and a discriminator or critic; the values are those of the Wasserstein GAN's algorithm 1.

    Attributes:
      objective: "minimax" or "non-saturating", Goodfellow's two; "wgan", Wasserstein with clipped weights; "wgan-gp",
        Wasserstein with a gradient penalty.
      shape: of an example: (side, side, channels), side 4 times a power of two for "dcgan", or (n,) for "mlp".
      generator, critic: "dcgan"; "mlp"; for the generator also "dcgan-plain", without normalization and with the same
        width everywhere.
      noise_size: entries of z, which is standard normal.
      generator_filters, critic_filters: width of the layer next to the picture, or of all layers of "mlp".
      hidden_layers: of "mlp".
      batch_norm: whether a "dcgan" critic normalizes by batch statistics; never with "wgan-gp".
      tanh: whether examples are within [-1, 1] and the generator ends with a tanh.
      critic_steps: of the critic, for each of the generator.
      warmup_turns, warmup_steps, warmup_every: of the authors' code: the first turns of the generator, and then one
        turn of so many, come after `warmup_steps` of the critic. No turns for none.
      clip: of "wgan": every trainable variable of the critic stays within ± this.
      penalty_weight, penalty_target, one_sided: of "wgan-gp".
      instance_noise: standard deviation at first of noise on what the critic sees, real and generated.
      instance_noise_steps: steps over which it falls to nothing.
    """

    objective: str = "wgan"
    shape: tuple = (64, 64, 3)
    generator: str = "dcgan"
    critic: str = "dcgan"
    noise_size: int = 100
    generator_filters: int = 64
    critic_filters: int = 64
    hidden_layers: int = 3
    batch_norm: bool = True
    tanh: bool = True
    critic_steps: int = 5
    warmup_turns: int = 25
    warmup_steps: int = 100
    warmup_every: int = 500
    clip: float = 0.01
    penalty_weight: float = 10.0
    penalty_target: float = 1.0
    one_sided: bool = False
    instance_noise: float = 0.0
    instance_noise_steps: int = 1
