"""What can be chosen about a codec."""

import dataclasses

TOTAL_STRIDE = 16  # pixels to a latent, each way


@dataclasses.dataclass(frozen=True)
class BLS2017Config:
    """The codec of Ballé, Laparra & Simoncelli (2017); defaults are the paper's for colour pictures.

    Attributes:
      num_filters: channels of every stage. 192 is the paper's for RGB; what is trained here uses 128.
      latent_channels: channels of the latents; None for `num_filters`, as in the paper.
      gdn_alpha, gdn_epsilon: exponents of GDN, y_i = x_i / (beta_i + sum_j gamma_ij |x_j|^alpha)^epsilon.
        2 and 1/2 are the paper's; tensorflow-compression's default of 1 and 1 is not.
      bottleneck_gdn: GDN after the last analysis stage and IGDN before the first synthesis stage, as in the
        paper. tensorflow-compression's `bls2017.py` leaves both out.
      input_mean, input_scale: the transforms work on (x - input_mean) * input_scale, x in [0, 1]. A departure
        from the paper that its first and last layers can undo; worth a decibel early in training.
      rate_distortion_weight: λ of the loss, bits per pixel + λ * distortion (eq. 9).
      distortion: "mse", of pixel values from 0 to 255, or "ms_ssim", 255² * (1 - MS-SSIM).
      prior_filters: hidden layers of the density model of a latent.
      tail_mass: probability outside the tables of the entropy coder, sent with an escape code.
    """

    num_filters: int = 192
    latent_channels: int | None = None
    gdn_alpha: float = 2.0
    gdn_epsilon: float = 0.5
    bottleneck_gdn: bool = True
    input_mean: float = 0.5
    input_scale: float = 4.0
    rate_distortion_weight: float = 0.01
    distortion: str = "mse"
    prior_filters: tuple = (3, 3)
    tail_mass: float = 2**-12

    def __post_init__(self):
        if self.latent_channels is None:
            object.__setattr__(self, "latent_channels", self.num_filters)


@dataclasses.dataclass(frozen=True)
class VariableRateConfig(BLS2017Config):
    """A codec for all rates in one, see `zoo.codec.variable_rate`.

    Attributes:
      rate_distortion_weight: (lowest, highest) λ, those of quality 1 and of quality 100.
      levels: how many rates have steps of their own; those between are interpolated. 99 must be a multiple of
        levels - 1, so that each is a whole quality.
    """

    num_filters: int = 128
    latent_channels: int | None = 256
    rate_distortion_weight: tuple = (0.0018, 0.18)
    levels: int = 10
