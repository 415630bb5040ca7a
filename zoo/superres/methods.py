"""The methods of Sønderby et al. (2017) by name: which model each trains."""

import dataclasses

METHODS = {
    "mse": "mean squared error, without the projection",
    "mae": "mean absolute error, without the projection",
    "affmse": "mean squared error, projected",
    "affmae": "mean absolute error, projected",
    "affgan": "against a discriminator, projected",
    "softgan": "against a discriminator, with a penalty of inconsistency",
    "affdg": "guided by a denoiser, projected",
    "softdg": "guided by a denoiser, with a penalty of inconsistency",
    "affll": "guided by a density model, projected",
    "denoiser": "the denoiser for affdg and softdg",
    "density": "the density model for affll",
}
ADVERSARIAL = ("affgan", "softgan")
GUIDES = {"affdg": "denoiser", "softdg": "denoiser", "affll": "density"}  # the method that trains what guides


def make_model(method, config, guide=None, consistency_weight=1.0, **adversarial):
    """The model of a method that enlarges, not compiled.

    Args:
      method: one of `METHODS`, not "denoiser" or "density".
      config: a `SuperResolutionConfig`; whether it is projected follows from the method.
      guide: for a method of `GUIDES`, what `make_guide` made, trained.
      consistency_weight: float, for the soft methods.
      **adversarial: further arguments of `AdversarialSuperResolution`, for a method of `ADVERSARIAL`.

    Returns:
      A `SuperResolution` or a subclass.
    """
    from zoo.superres.adversarial import AdversarialSuperResolution
    from zoo.superres.guided import GuidedSuperResolution
    from zoo.superres.model import SuperResolution

    config = dataclasses.replace(config, projected=method.startswith("aff"))
    if method in ADVERSARIAL:
        return AdversarialSuperResolution(config, consistency_weight=consistency_weight, **adversarial)
    if method in GUIDES:
        return GuidedSuperResolution(config, guide, consistency_weight)
    return SuperResolution(config, loss=method.removeprefix("aff"))


def make_guide(method, num_filters, num_blocks, channels=3, deviation=0.1):
    """A "denoiser" or a "density" to train, not compiled; sizes as in the flags of `trainers.superres`."""
    from zoo.superres.denoiser import Denoiser, DenoiserConfig
    from zoo.superres.density import DensityConfig, PixelDensity

    if method == "denoiser":
        return Denoiser(DenoiserConfig(deviation, num_filters, num_blocks, channels))
    return PixelDensity(DensityConfig(-(-num_filters // channels) * channels, num_blocks, channels=channels))
