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


def add_arguments_export(parser):
    parser.add_argument("name", help="a model's name, or the directory of an export")


def run_export(args):
    """Writes the next version of an export from its trained variables."""
    source = registry.find_export(args.name)
    entry = registry.find(registry.read_card(source)["model"])
    export = registry.resolve(entry.exporter)
    training = registry.read_card(source)["training"]
    print(export(registry.load(source), source.parent, training))


def add_arguments_data(parser):
    parser.add_argument("action", choices=["prepare"], help="make a prepared copy of a set")
    parser.add_argument("name", help="NAME[/config][:version], such as cifar10")
    parser.add_argument("--data_dir", help="where prepared sets lie (default $TFDS_DATA_DIR)")
    parser.add_argument("--manual_dir", help="folder of archives that were fetched by hand")
    parser.add_argument("--download", action="store_true", help="fetch what is missing")
    parser.add_argument(
        "--accept_checksums", action="store_true", help="take archives that differ from the registered ones"
    )


def run_data(args):
    """Prepares a set."""
    from zoo.data.tfds_prepare import prepare

    print(prepare(args.name, args.data_dir, args.manual_dir, args.download, args.accept_checksums))
