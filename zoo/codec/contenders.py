"""Trained codecs as the experiments measure them: by name, at each of their rates."""

import collections
import dataclasses

import numpy as np

from zoo.errors import UserError

QUALITIES = {"smoke": 4, "cpu": 6, "paper": 12}  # points of a model for every rate
REFINED_QUALITIES = {"smoke": 2, "cpu": 4, "paper": 5}  # where an effort makes each file take a minute
LOWEST_QUALITY, HIGHEST_QUALITY = 4, 92  # of these points


@dataclasses.dataclass(frozen=True)
class Point:
    """A codec for every rate at one of its qualities: what is measured like a codec of one rate.

    Attributes:
      codec: a `zoo.codec.files.FileCodec`.
      quality: int.
      effort: int, of the encoder.
    """

    codec: object
    quality: int
    effort: int = 0

    @property
    def name(self):
        return self.codec.name

    @property
    def directory(self):
        return self.codec.directory

    def encode(self, image):
        """The bytes of a file, of a picture [height, width, 3] uint8."""
        from zoo.codec.search import compress
        from zoo.images.picture import Picture

        return compress(self.codec, Picture(image), self.quality, effort=self.effort).data

    def decode(self, data):
        """A file's bytes to a picture."""
        return self.codec.decode(data)

    def estimated_bits(self, image):
        """The model's estimate of the rate, None where the encoder refines latents."""
        return None if self.effort else self.codec.estimated_bits(image, self.quality)


def load_models(names, scale):
    """Loads codecs and groups them to families whose members differ in their λ or quality.

    Args:
      names: str, names or directories with commas between, with "@effort=9", "@float16" or "@int8" after them.
      scale: "smoke", "cpu" or "paper", decides how many qualities there are.

    Returns:
      dict of family to dict of setting to codec: "bls2017-mse-0.01" is {"bls2017-mse": {"0.01": …}}, "bls2017-vr@effort=9"
      is {"bls2017-vr@effort=9": {"4": …, "26": …}}. What has one rate and no number at its end is a family of its own,
      with setting "".

    Raises:
      UserError: there is no such export, or nothing of the kind that follows the @.
    """
    names = [name.strip() for name in names.split(",") if name.strip()]
    codecs = {name: load_model(*name.partition("@")[::2]) for name in dict.fromkeys(names)}
    uses = collections.Counter((codec.name, name.partition("@")[2]) for name, (codec, _) in codecs.items())
    families = {}
    for name, (codec, effort) in codecs.items():
        variant = name.partition("@")[2]
        # Two trainings of one model keep apart by what they were called here.
        own = "@".join(filter(None, (codec.name, variant))) if uses[codec.name, variant] == 1 else name
        if codec.qualities > 1:
            count = (REFINED_QUALITIES if effort else QUALITIES)[scale]
            ladder = np.linspace(LOWEST_QUALITY, HIGHEST_QUALITY, count).round().astype(int)
            families[own] = {str(quality): Point(codec, int(quality), effort) for quality in ladder}
        else:
            family, setting = split_family(own)
            families.setdefault(family, {})[setting] = codec
    return families


def load_model(name, variant):
    """A codec by name and by what follows its @: (codec, effort)."""
    from zoo.codec.files import load_codec

    if not variant:
        return load_codec(name), 0
    kind, _, value = variant.partition("=")
    if kind == "effort" and value in map(str, range(10)):
        codec = load_codec(name)
        if codec.qualities == 1:
            raise UserError(f"{name} has one rate; efforts are measured over many.")
        return codec, int(value)
    from zoo.codec.lite_transforms import FILES, LiteTransformsCodec

    if variant in FILES:
        return LiteTransformsCodec(name, variant), 0
    raise UserError(f"{name}@{variant}: after the @, expected effort=0…9, {' or '.join(FILES)}.")


def split_family(name):
    """Splits "bls2017-mse-0.01" to ("bls2017-mse", "0.01"), and leaves other names as they are: (name, "")."""
    family, _, last = name.rpartition("-")
    try:
        float(last)
    except ValueError:
        return name, ""
    return (family, last) if family else (name, "")
