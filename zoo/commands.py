"""The commands of `toulon` that belong to no paper."""

from zoo import registry
from zoo.errors import UserError


def add_arguments_list(parser):
    parser.add_argument("pattern", nargs="?", default="*", help="wildcard, such as '*codec*'")


def run_list(args):
    """Prints a line for each model."""
    names = registry.list_models(args.pattern)
    if not names:
        raise UserError(f"no model matches {args.pattern!r}; there are {', '.join(registry.list_models())}.")
    for name in names:
        try:
            where = f"trained, version {registry.find_export(name).name}"
        except UserError:
            where = "not trained"
        print(f"{name:<20} {where:<20} {registry.find(name).summary}")


def add_arguments_card(parser):
    parser.add_argument("name", help="a model's name, or the directory of an export")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_card(args):
    """Prints a model's card."""
    import json

    from zoo.export.card import format_card

    try:
        card = registry.read_card(registry.find_export(args.name))
    except UserError:
        card = registry.describe(args.name)
    print(json.dumps(card, indent=1, ensure_ascii=False) if args.json else format_card(card))


def add_arguments_experiment(parser):
    from zoo import experiments

    experiments.add_arguments(parser)


def run_experiment(args):
    """Runs an experiment."""
    from zoo import experiments

    return experiments.main(args)


def add_arguments_data(parser):
    parser.add_argument("source", help="such as tfds:cifar10")
    parser.add_argument("--data_dir", help="where prepared sets lie; default $TFDS_DATA_DIR")
    parser.add_argument("--manual_dir", help="folder of archives that were fetched by hand")
    parser.add_argument("--download", action="store_true", help="fetch what is missing")


def run_data(args):
    """Prepares a set."""
    from zoo.data.tfds import prepare

    kind, _, name = args.source.partition(":")
    if kind != "tfds" or not name:
        raise UserError(f"{args.source} needs no preparation; only tfds:NAME does.")
    print(prepare(name, args.data_dir, args.manual_dir, args.download))
