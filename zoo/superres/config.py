"""What can be chosen about super-resolution."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class SuperResolutionConfig:
    """A residual sub-pixel network, with or without the affine projection.

    The paper's own layers, kernel sizes and learning rates are in appendices that its public text lacks; these are ours.

    Attributes:
      scale: the factor, 2, 3, 4, 6 or 8; the paper's is 4.
      kernel: downsampling that small pictures are assumed to come from: "bicubic", as in the field's benchmarks,
        "gaussian" as in the paper, or "box"; see `zoo.superres.kernels`.
      projected: whether results are projected to be consistent with the input, as all that the paper calls Aff….
      num_filters: channels of the network.
      num_blocks: its residual blocks, of two convolutions each.
      channels: 3 for colour, 1 for grey.
      noise_channels: channels of noise beside the picture, for several plausible results; 0 for one.
    """

    scale: int = 4
    kernel: str = "bicubic"
    projected: bool = True
    num_filters: int = 64
    num_blocks: int = 4
    channels: int = 3
    noise_channels: int = 0
