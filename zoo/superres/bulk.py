"""Super-resolution over many files: `toulon bulk upscale`."""

from zoo import registry
from zoo.arguments import fraction
from zoo.images.files import EXTENSIONS, check_writable, encode_image
from zoo.images.picture import read_picture_bytes
from zoo.serving.bulk.job import Job, Result
from zoo.superres.commands import DEFAULT_MODEL, enlarge, exact_products


class Upscale(Job):
    """Pictures of any kind to larger ones of 8 bits, as `toulon upscale` makes them, of seed 0."""

    inputs = EXTENSIONS

    @staticmethod
    def add_arguments(parser):
        parser.add_argument(
            "--model", default=DEFAULT_MODEL, help="name or directory of an export (default %(default)s)"
        )
        parser.add_argument(
            "--strength", type=fraction, default=1.0, help="see toulon upscale (default %(default)s)"
        )
        parser.add_argument("--format", default="png", help="of the pictures (default %(default)s)")

    def __init__(self, args):
        self.model, self.strength = args.model, args.strength
        self.output = "." + args.format.lower().lstrip(".")
        check_writable("picture" + self.output)
        self.upscaler = None

    def settings(self):
        directory = registry.find_export(self.model)
        model = f"{registry.read_card(directory)['name']}/{directory.name}"
        return {"model": model, "strength": self.strength, "format": self.output}

    def setup(self):
        from zoo.superres.upscale import Upscaler

        exact_products()
        self.upscaler = Upscaler(self.model)

    def process(self, data):
        picture = read_picture_bytes(data)
        check_writable("picture" + self.output, transparent=picture.alpha is not None)
        large, _ = enlarge(self.upscaler, picture, self.strength, seed=0)
        return Result(encode_image(large.to_pillow(), self.output), large.rgb.shape[0] * large.rgb.shape[1])
