"""`toulon compress`, `decompress` and `info`."""

import os

from zoo.coding.container import HEADER_BYTES, unpack
from zoo.errors import UserError
from zoo.files import read_bytes, write_bytes

DEFAULT_MODEL = "bls2017-mse-0.01"


def add_arguments_compress(parser):
    parser.add_argument("input", help="a picture: PNG, JPEG, WebP, BMP, …")
    parser.add_argument("output", help="the .tln file to write")
    _add_model(parser)


def run_compress(args):
    """Compresses a picture and says what it cost."""
    from zoo.images.files import read_rgb

    image = read_rgb(args.input)
    _check_output(args.output, ".tln")
    data = _load(args.model).encode(image)
    write_bytes(args.output, data)
    height, width = image.shape[:2]
    bpp = 8 * len(data) / (height * width)
    print(f"{args.output}: {width} x {height}, {len(data)} bytes, {bpp:.3f} bits per pixel")


def add_arguments_decompress(parser):
    parser.add_argument("input", help="a .tln file")
    parser.add_argument("output", help="the picture to write; its extension says the format, such as .png")
    _add_model(parser)


def run_decompress(args):
    """Restores a picture."""
    from zoo.images.files import WRITABLE, write_image

    data = read_bytes(args.input)
    unpack(data)  # a damaged file is told before TensorFlow is loaded
    _check_output(args.output, *WRITABLE)
    image = _load(args.model).decode(data)
    write_image(args.output, image)
    print(f"{args.output}: {image.shape[1]} x {image.shape[0]}")


def add_arguments_info(parser):
    parser.add_argument("input", help="a .tln file")


def run_info(args):
    """Prints the header of a file."""
    data = read_bytes(args.input)
    file = unpack(data)
    bpp = 8 * len(data) / (file.height * file.width)
    print(f"{args.input}: {file.width} x {file.height}, {len(data)} bytes, {bpp:.3f} bits per pixel")
    print(
        f"header {HEADER_BYTES} bytes, range coder, checksum right, model {file.model.hex()} ({_model_name(file.model)})"
    )


def _add_model(parser):
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, help="name or directory of an export (default %(default)s)"
    )


def _load(model):
    from zoo.codec.files import load_codec

    return load_codec(model)


def _check_output(path, *extensions):
    """Says before the work is done what would go wrong after it."""
    if os.path.isdir(path):
        raise UserError(f"{path} is a directory; give the name of a file to write.")
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise UserError(f"{os.path.dirname(path)} does not exist; make it first.")
    if not path.lower().endswith(extensions):
        raise UserError(f"{path} should end in {' or '.join(extensions)}.")


def _model_name(identity):
    """Name and version of the export with this identity, if it is here."""
    from zoo import registry

    for path in sorted(registry.exported_root().glob("*/*/card.json")):
        card = registry.read_card(path.parent)
        if card.get("identity") == identity.hex():
            return f"{card['name']}, version {path.parent.name}"
    return "not here"
