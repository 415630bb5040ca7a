"""What super-resolution adds to `toulon client`: `upscale` by a server, the same pictures of 8 bits as by this machine."""

import dataclasses
import io

import numpy as np
from PIL import Image

from zoo.images.files import EXTENSIONS, check_writable, write_image
from zoo.images.jobs import Outcome, find_jobs, run_jobs
from zoo.images.picture import read_picture
from zoo.serving.client_arguments import add_file_arguments, signature_inputs
from zoo.superres.commands import DEFAULT_MODEL, check_free, with_pixels


def add_arguments_upscale(parser):  # noqa: D103 (its help says it)
    add_file_arguments(
        parser,
        "pictures and folders of them",
        "the picture to write; a folder, for several or a folder",
        DEFAULT_MODEL,
    )
    parser.add_argument("--seed", type=int, default=0, help="of a stochastic model (default %(default)s)")
    parser.add_argument(
        "--format", default="png", help="of pictures written to a folder (default %(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="write over files that are there")


def run_upscale(args, client):
    """Enlarges pictures; returns the exit status."""
    extension = "." + args.format.lower().lstrip(".")
    check_writable("picture" + extension)
    jobs = find_jobs(args.input, args.output, EXTENSIONS, extension)
    stochastic = "seed" in signature_inputs(client, args.model, "upscale_bytes", "super-resolution model")

    def work(source, destination):
        check_free(destination, args.force)
        picture = read_picture(source)
        check_writable(destination, transparent=picture.alpha is not None)
        png = io.BytesIO()
        dataclasses.replace(picture, alpha=None, profile=b"").to_pillow().save(png, "PNG", compress_level=1)
        inputs = {"image_bytes": [png.getvalue()]} | ({"seed": [args.seed]} if stochastic else {})
        data = client.predict(args.model, "upscale_bytes", inputs)["image_bytes"][0]
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        write_image(destination, with_pixels(picture, pixels).to_pillow())
        return Outcome(f"{pixels.shape[1]} x {pixels.shape[0]}", picture.notes)

    return run_jobs("client upscale", jobs, work, parallel=args.parallel)
