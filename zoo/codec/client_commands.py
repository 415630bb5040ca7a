"""What the codec adds to `toulon client`: `compress` and `decompress` by a server, the same files as by this machine."""

import dataclasses
import io

from PIL import Image

from zoo.arguments import positive
from zoo.codec.commands import DEFAULT_MODEL, SUFFIX, outcome, summarize
from zoo.coding.container import pack_alpha, pack_profile, unpack
from zoo.errors import UserError
from zoo.files import read_bytes, write_bytes
from zoo.images.files import EXTENSIONS, check_writable, write_image
from zoo.images.jobs import find_jobs, run_jobs
from zoo.images.picture import read_picture
from zoo.serving.client_arguments import add_file_arguments, signature_inputs

DEFAULT_QUALITY = 50


def add_arguments_compress(parser):  # noqa: D103 (its help says it)
    add_file_arguments(
        parser,
        "pictures and folders of them",
        "the .tln file to write; a folder, for several or a folder",
        DEFAULT_MODEL,
    )
    parser.add_argument("--quality", type=positive(int), help=f"1 to 100 (default {DEFAULT_QUALITY})")


def run_compress(args, client):
    """Compresses pictures; returns the exit status."""
    jobs = find_jobs(args.input, args.output, EXTENSIONS, SUFFIX)
    rates = "quality" in signature_inputs(client, args.model, "compress_bytes", "codec")
    if args.quality and not rates:
        raise UserError(f"{args.model} has one rate; leave --quality out.")
    quality = (args.quality or DEFAULT_QUALITY) if rates else None

    def work(source, destination):
        picture = read_picture(source)
        png = io.BytesIO()
        dataclasses.replace(picture, alpha=None, profile=b"").to_pillow().save(png, "PNG", compress_level=1)
        inputs = {"image_bytes": [png.getvalue()]} | ({"quality": [quality]} if rates else {})
        data = client.predict(args.model, "compress_bytes", inputs)["file_bytes"][0]
        beside = {"alpha": pack_alpha(picture.alpha), "profile": pack_profile(picture.profile)}
        data = dataclasses.replace(unpack(data), **beside).pack()
        write_bytes(destination, data)
        height, width = picture.rgb.shape[:2]
        return outcome(width, height, len(data), f"quality {quality}, " if rates else "", picture.notes)

    return run_jobs("client compress", jobs, work, summarize, args.parallel)


def add_arguments_decompress(parser):  # noqa: D103
    add_file_arguments(
        parser,
        ".tln files and folders of them",
        "the picture to write; a folder, for several or a folder",
        DEFAULT_MODEL,
    )
    parser.add_argument(
        "--format", default="png", help="of pictures written to a folder (default %(default)s)"
    )


def run_decompress(args, client):
    """Restores pictures; returns the exit status."""
    extension = "." + args.format.lower().lstrip(".")
    check_writable("picture" + extension)
    jobs = find_jobs(args.input, args.output, (SUFFIX,), extension)
    signature_inputs(client, args.model, "decompress_bytes", "codec")

    def work(source, destination):
        data = read_bytes(source)
        container = unpack(data)  # a damaged file is told before it is sent
        check_writable(destination, transparent=bool(container.alpha))
        png = client.predict(args.model, "decompress_bytes", {"file_bytes": [data]})["image_bytes"][0]
        image = Image.open(io.BytesIO(png))
        if container.profile:
            image.info["icc_profile"] = container.read_profile()
        write_image(destination, image)
        return outcome(container.width, container.height, len(data))

    return run_jobs("client decompress", jobs, work, summarize, args.parallel)
