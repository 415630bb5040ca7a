"""The codec over many files: `toulon bulk compress`, `decompress` and `evaluate`."""

import json
import os
import statistics

from zoo import registry
from zoo.coding.container import unpack
from zoo.files import to_csv
from zoo.images.files import EXTENSIONS, check_writable, encode_image
from zoo.images.picture import read_picture_bytes
from zoo.metrics.ms_ssim import MIN_SIDE, ms_ssim
from zoo.metrics.psnr import psnr
from zoo.serving.bulk.job import Job, Result, SummarizingJob

DEFAULT_MODEL = "bls2017-vr"
SUFFIX = ".tln"
COLUMNS = ("name", "width", "height", "bytes", "bits_per_pixel", "psnr", "ms_ssim")


class _CodecJob(Job):
    """What the jobs share: a model by name."""

    def __init__(self, args):
        self.model = args.model
        self.codec = None

    def settings(self):
        if self.model is None:
            return {}
        return {"model": registry.read_card(registry.find_export(self.model))["identity"]}

    def setup(self):
        from zoo.codec.files import load_codec

        self.codec = load_codec(self.model)


class Compress(_CodecJob):
    """Pictures of any kind to .tln files, as `toulon compress` makes them."""

    inputs = EXTENSIONS
    output = SUFFIX

    @staticmethod
    def add_arguments(parser):
        parser.add_argument(
            "--model", default=DEFAULT_MODEL, help="name or directory of an export (default %(default)s)"
        )
        parser.add_argument("--quality", type=int, help="1 to 100 (default 50)")

    def __init__(self, args):
        super().__init__(args)
        self.quality = args.quality

    def settings(self):
        return super().settings() | {"quality": self.quality}

    def setup(self):
        super().setup()
        self.codec.check_quality(self.quality)  # what is wrong with it stops the run

    def process(self, data):
        _, encoded, pixels = self._compress(data)
        return Result(encoded, pixels)

    def _compress(self, data):
        """A picture file's bytes -> (its pixels, [height, width, 3] uint8; the .tln file; number of pixels)."""
        from zoo.codec.search import compress

        picture = read_picture_bytes(data)
        height, width = picture.rgb.shape[:2]
        return picture.rgb, compress(self.codec, picture, self.quality).data, height * width


class Decompress(_CodecJob):
    """.tln files to pictures, as `toulon decompress` makes them."""

    inputs = (SUFFIX,)

    @staticmethod
    def add_arguments(parser):
        parser.add_argument("--format", default="png", help="of the pictures (default %(default)s)")
        parser.add_argument(
            "--model", help="directory of the export that made the files, if it is not in exported/"
        )

    def __init__(self, args):
        super().__init__(args)
        self.output = "." + args.format.lower().lstrip(".")
        check_writable("picture" + self.output)

    def settings(self):
        return super().settings() | {"format": self.output}

    def setup(self):
        if self.model:
            super().setup()

    def process(self, data):
        from zoo.codec.files import load_codec_of

        container = unpack(data)
        codec = self.codec or load_codec_of(container)
        picture = codec.unpack(container).to_pillow()
        return Result(encode_image(picture, self.output), container.width * container.height)


class Evaluate(Compress, SummarizingJob):
    """Compresses pictures, restores them, and measures: bits per pixel, PSNR, MS-SSIM.

    What has no value is left out of the averages: PSNR of a picture that is restored exactly, MS-SSIM of one below 161
    pixels.
    """

    output = ".json"

    @staticmethod
    def add_arguments(parser):
        Compress.add_arguments(parser)
        parser.add_argument(
            "--format", choices=("jsonl", "csv"), default="jsonl", help="of the table (default %(default)s)"
        )

    def __init__(self, args):
        super().__init__(args)
        self.table = f"evaluation.{args.format}"

    def rename(self, name):
        return os.path.join("pictures", name + self.output)

    def process(self, data):
        image, encoded, pixels = self._compress(data)
        restored = self.codec.decode(encoded)
        height, width = image.shape[:2]
        same = (restored == image).all()
        record = {
            "width": width,
            "height": height,
            "bytes": len(encoded),
            "bits_per_pixel": 8 * len(encoded) / pixels,
            "psnr": None if same else psnr(restored, image),
            "ms_ssim": ms_ssim(restored, image) if min(height, width) >= MIN_SIDE else None,
        }
        return Result(json.dumps(record).encode(), pixels)

    def summarize(self, records):
        rows = []
        for name, data in records:
            name = os.path.relpath(name, "pictures").removesuffix(self.output)
            rows.append({"name": name, **json.loads(data)})
        averages = {"pictures": len(rows)}
        for column in COLUMNS[3:]:
            values = [row[column] for row in rows if row[column] is not None]
            averages[column] = statistics.fmean(values) if values else None
        return self._format(rows).encode(), averages

    def _format(self, rows):
        if self.table.endswith("jsonl"):
            return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return to_csv(rows, COLUMNS)
