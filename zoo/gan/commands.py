"""`toulon generate` and `toulon diagnose`."""

import os

import numpy as np

from zoo import registry
from zoo.errors import UserError
from zoo.images.files import check_writable, write_image
from zoo.images.sheets import make_sheet

MAX_COUNT = 4096
CHUNK = 64  # pictures made at once
FIGURES = (".png", ".pdf", ".svg")


def add_arguments_generate(parser):
    parser.add_argument("model", help="name or directory of an export of a generator")
    parser.add_argument("output", help="the picture to write: a sheet of all that are made")
    parser.add_argument("--count", type=int, default=64, help="pictures on the sheet (default %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the first; the next has the next (default %(default)s)"
    )
    parser.add_argument("--columns", type=int, help="pictures in a row (default: as many as rows)")
    parser.add_argument("--best", type=int, metavar="N", help="keep the N that the critic finds most real")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")


def run_generate(args):
    """Makes pictures and writes them as one sheet."""
    check_output(args.output, args.force)
    if not 1 <= args.count <= MAX_COUNT:
        raise UserError(f"--count is {args.count}; 1 to {MAX_COUNT} is expected.")
    if args.best is not None and not 1 <= args.best <= args.count:
        raise UserError(f"--best is {args.best}; 1 to --count={args.count} is expected.")
    if not 0 <= args.seed < 2**31 - args.count:
        raise UserError(f"--seed is {args.seed}; 0 to {2**31 - args.count - 1} is expected.")
    if args.columns is not None and args.columns < 1:
        raise UserError(f"--columns is {args.columns}; 1 or more is expected.")
    directory = find_generator(args.model)
    registry.start_graphs_at_once()
    signatures = registry.load_export(directory)
    seeds = np.arange(args.seed, args.seed + args.count, dtype=np.int32)
    parts = np.split(seeds, range(CHUNK, len(seeds), CHUNK))
    parts = [signatures["generate_seeded"](seed=part)["image"].numpy() for part in parts]
    images = np.concatenate(parts)
    if args.best:
        scores = np.concatenate([signatures["critic_score"](image=part)["score"] for part in parts])
        images = images[np.sort(np.argsort(-scores, kind="stable")[: args.best])]
    write_image(args.output, make_sheet(images / 127.5 - 1, args.columns))
    height, width = images.shape[1:3]
    print(f"{args.output}: {len(images)} pictures of {width} x {height} pixels")


def check_output(path, force):
    """Raises a `UserError` if a picture cannot or should not be written there."""
    check_writable(path)
    if os.path.exists(path) and not force:
        raise UserError(f"{path} is there already; --force writes over it.")


def find_generator(name):
    """The directory of a generator's export.

    Raises:
      UserError: there is no such export, or it is of another kind.
    """
    directory = registry.find_export(name)
    card = registry.read_card(directory)
    if registry.find(card["model"]).paper != "gan":
        raise UserError(
            f"{name} makes no pictures; give the export of a generator, as python -m trainers.gan --export_dir=… writes it."
        )
    return directory


def add_arguments_diagnose(parser):
    parser.add_argument("model", help="name or directory of an export of a generator")
    parser.add_argument("data", help="real pictures, see zoo.data.load: idx:mnist, folder:faces, npz:…")
    parser.add_argument("output", nargs="?", help="a figure to write, such as diagnosis.png")
    parser.add_argument("--steps", type=int, default=2000, help="of the discriminator (default %(default)s)")
    parser.add_argument("--force", action="store_true", help="write over a figure that is there")
    parser.add_argument("--seed", type=int, default=0, help="(default %(default)s)")


def run_diagnose(args):
    """Says whether a generator could learn from a discriminator, and how it would with a critic."""
    import dataclasses

    import zoo
    from zoo.data.squares import load_squares
    from zoo.gan.diagnosis_experiment import plot
    from zoo.gan.diagnostics import diagnose

    if args.output:
        check_output(args.output, args.force)
        if not args.output.lower().endswith(FIGURES):
            raise UserError(f"{args.output}: a figure's name ends in one of {', '.join(FIGURES)}.")
    if args.steps < 2:
        raise UserError(f"--steps is {args.steps}; 2 or more is expected.")
    find_generator(args.model)
    model = zoo.load(args.model)
    images = load_squares(args.data, model.config.shape[0]).arrays["image"]
    data = images.astype(np.float32) / 127.5 - 1
    found = diagnose(
        model.generator, data, model.config.noise_size, args.steps, model.config.critic, seed=args.seed
    )
    print("\n".join(found.verdict()))
    if args.output:
        plot({args.model: dataclasses.asdict(found)}, args.output)
        print(f"{args.output} written")
