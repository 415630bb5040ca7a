"""`toulon compress`, `decompress` and `info`."""

from zoo.arguments import positive
from zoo.coding.container import HEADER_BYTES, unpack
from zoo.files import read_bytes, write_bytes
from zoo.images.files import EXTENSIONS, check_writable, write_image
from zoo.images.jobs import Outcome, find_jobs, run_jobs
from zoo.registry import start_graphs_at_once

DEFAULT_MODEL = "bls2017-vr"
SUFFIX = ".tln"


def add_arguments_compress(parser):
    parser.add_argument(
        "input", nargs="+", help="pictures (PNG, JPEG, WebP, TIFF, BMP, …) and folders of them"
    )
    parser.add_argument("output", help="the .tln file to write; a folder, for several pictures or a folder")
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, help="name or directory of an export (default %(default)s)"
    )
    aim = parser.add_mutually_exclusive_group()
    aim.add_argument("--quality", type=positive(int), help="1 to 100 (default 50)")
    aim.add_argument("--target-bytes", type=positive(int), help="largest size of the file, never exceeded")
    aim.add_argument("--target-bpp", type=positive(float), help="bits per pixel, met within 2 %% if possible")
    aim.add_argument("--target-psnr", type=positive(float), help="PSNR in dB that is reached")
    parser.add_argument(
        "--effort", type=int, choices=range(10), default=0, metavar="0…9",
        help="time spent on smaller files of the same quality: none to minutes (default %(default)s)",
    )  # fmt: skip


def run_compress(args):
    """Compresses pictures and says what it cost."""
    from zoo.codec.search import Target, check, compress
    from zoo.images.picture import read_picture

    targets = {"bytes": args.target_bytes, "bpp": args.target_bpp, "psnr": args.target_psnr}
    target = next((Target(kind, value) for kind, value in targets.items() if value is not None), None)
    jobs = find_jobs(args.input, args.output, EXTENSIONS, SUFFIX)
    codec = None
    if len(jobs) > 1:  # what is wrong with the options is told once, not for every file
        codec = _load(args.model)
        check(codec, args.quality, target)

    def work(source, destination):
        nonlocal codec
        picture = read_picture(source)  # a wrong file is told before TensorFlow is loaded
        codec = codec or _load(args.model)
        encoded = compress(codec, picture, args.quality, target, args.effort)
        write_bytes(destination, encoded.data)
        height, width = picture.rgb.shape[:2]
        quality = f"quality {encoded.quality}, " if codec.qualities > 1 else ""
        return outcome(width, height, len(encoded.data), quality, encoded.notes)

    return run_jobs("compress", jobs, work, summarize)


def add_arguments_decompress(parser):
    parser.add_argument("input", nargs="+", help=".tln files and folders of them")
    parser.add_argument(
        "output",
        help="the picture to write, its extension says the format; a folder, for several files or a folder",
    )
    parser.add_argument(
        "--format", default="png", help="of pictures written to a folder (default %(default)s)"
    )
    parser.add_argument(
        "--model", help="directory of the export that made the file, if it is not in exported/"
    )


def run_decompress(args):
    """Restores pictures."""
    extension = "." + args.format.lower().lstrip(".")
    check_writable("picture" + extension)
    jobs = find_jobs(args.input, args.output, (SUFFIX,), extension)

    def work(source, destination):
        data = read_bytes(source)
        container = unpack(data)  # a damaged file is told before TensorFlow is loaded
        check_writable(destination, transparent=bool(container.alpha))
        codec = _load(args.model or container)
        write_image(destination, codec.unpack(container).to_pillow())
        return outcome(container.width, container.height, len(data))

    return run_jobs("decompress", jobs, work, summarize)


def add_arguments_info(parser):
    parser.add_argument("input", help="a .tln file")


def run_info(args):
    """Prints the header of a file."""
    data = read_bytes(args.input)
    file = unpack(data)
    print(f"{args.input}: {_size(file.width, file.height, len(data))}")
    quality = f"quality {file.quality}, " if file.quality else ""
    print(
        f"{quality}model {file.model.hex()} ({_model_name(file.model)}), {'grey' if file.grey else 'colour'}"
    )
    beside = [
        f"{name} {len(chunk)} bytes"
        for name, chunk in (("alpha", file.alpha), ("colour profile", file.profile))
        if chunk
    ]
    print(", ".join([f"header {HEADER_BYTES} bytes", *beside, "checksum right"]))


def summarize(sizes):
    """What several files cost together, of a list of (pixels, bytes)."""
    pixels, total = (sum(column) for column in zip(*sizes, strict=True)) if sizes else (0, 0)
    rate = f", {8 * total / pixels:.3f} bits per pixel" if pixels else ""
    return f", {total} bytes compressed{rate}"


def outcome(width, height, size, quality="", notes=()):
    """The `Outcome` of a picture and its file of `size` bytes."""
    return Outcome(f"{quality}{_size(width, height, size)}", notes, (width * height, size))


def _size(width, height, size):
    return f"{width} x {height}, {size} bytes, {8 * size / (height * width):.3f} bits per pixel"


def _load(model):
    """The codec of a name, or of the `Container` of a file."""
    from zoo.codec.files import load_codec, load_codec_of

    start_graphs_at_once()
    return load_codec(model) if isinstance(model, str) else load_codec_of(model)


def _model_name(identity):
    """Name and version of the export with this identity, if it is here."""
    from zoo import registry

    directory = registry.find_identity(identity)
    if directory is None:
        return "not here"
    return f"{registry.read_card(directory)['name']}, version {directory.name}"
