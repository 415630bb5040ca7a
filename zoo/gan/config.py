"""What can be chosen about a generative adversarial network."""

import dataclasses

from zoo.errors import UserError

OBJECTIVES = ("minimax", "non-saturating", "wgan", "wgan-gp")
_STANDARD = {"critic_steps": 1, "warmup_turns": 0}
# What the papers of other objectives than "wgan" have different from `GANConfig`.
_SUITED = {
    "minimax": _STANDARD,
    "non-saturating": _STANDARD,
    "wgan": {},
    "wgan-gp": {"warmup_turns": 0, "batch_norm": False},
}


@dataclasses.dataclass(frozen=True)
class GANConfig:
    """A generator and a discriminator or critic; the values are those of the Wasserstein GAN's algorithm 1.

    `GANConfig.suited(objective)` has those of another objective's paper.

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
      instance_noise_steps: steps of the critic over which it falls to nothing; 0 if it stays.
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
    instance_noise_steps: int = 0

    def turns(self, steps):
        """Turns of the generator within so many steps of the critic: int."""
        done = turns = 0
        while True:
            long = turns < self.warmup_turns or turns % self.warmup_every == 0
            done += self.warmup_steps if self.warmup_turns and long else self.critic_steps
            if done > steps:
                return turns
            turns += 1

    @classmethod
    def suited(cls, objective, **changes):
        """The config of an objective as its paper has it, with `changes`.

        Raises:
          UserError: there is no such objective.
        """
        if objective not in OBJECTIVES:
            raise UserError(f"objective is {objective!r}; expected one of {', '.join(OBJECTIVES)}.")
        return cls(**({"objective": objective} | _SUITED[objective] | changes))
