"""`toulon serve` and `toulon client`."""

import importlib
import logging
import os
import sys

from zoo.errors import UserError
from zoo.serving.options import Options

# What papers add to `toulon client`, by name: (module, what it does). A module has `add_arguments_NAME(parser)` and
# `run_NAME(args, client)`, which takes a `zoo.serving.client.Client`.
CLIENT_COMMANDS = {
    "compress": ("zoo.codec.client_commands", "pictures to .tln files"),
    "decompress": ("zoo.codec.client_commands", ".tln files to pictures"),
    "upscale": ("zoo.superres.client_commands", "small pictures to larger ones that keep to them"),
}


def add_arguments_serve(parser):
    parser.add_argument("--models", help="the folder of exports (default: that of the project)")
    parser.add_argument(
        "--host", default="127.0.0.1",
        help="address to listen at (default %(default)s); a real TensorFlow Serving listens at all",
    )  # fmt: skip
    parser.add_argument("--grpc_port", type=int, default=8500, help="0 for a free one (default %(default)s)")
    parser.add_argument("--rest_port", type=int, default=8501, help="0 for a free one (default %(default)s)")
    parser.add_argument(
        "--enable_batching", action="store_true", help="merge requests, as batching.config says"
    )
    parser.add_argument(
        "--embedded", action="store_true", help="the embedded server even where tensorflow_model_server is"
    )
    parser.add_argument(
        "--timeout", type=float, default=60, help="seconds a request may take (default %(default)s)"
    )
    parser.add_argument(
        "--poll_seconds",
        type=float,
        default=1,
        help="how often to look for new versions (default %(default)s)",
    )
    embedded = parser.add_argument_group("of the embedded server only")
    embedded.add_argument(
        "--max_request_mib", type=int, default=64, help="size of a request (default %(default)s)"
    )
    embedded.add_argument(
        "--max_requests", type=int, default=128, help="requests under way at a time (default %(default)s)"
    )
    embedded.add_argument(
        "--threads", type=int, default=Options.threads,
        help="requests worked on at a time (default two for each core: %(default)s)",
    )  # fmt: skip
    embedded.add_argument(
        "--grace", type=float, default=60,
        help="seconds that requests under way have when the server stops (default %(default)s)",
    )  # fmt: skip


def run_serve(args):
    """Serves until it is told to stop."""
    from zoo.serving import find

    for name in ("timeout", "poll_seconds", "max_request_mib", "max_requests", "threads"):
        if getattr(args, name) <= 0:
            raise UserError(f"--{name} is {getattr(args, name)}; more than 0 is expected.")
    options = Options(
        models=args.models or _default_models(),
        host=args.host,
        grpc_port=args.grpc_port,
        rest_port=args.rest_port,
        enable_batching=args.enable_batching,
        timeout=args.timeout,
        max_request_bytes=args.max_request_mib * 2**20,
        max_requests=args.max_requests,
        threads=args.threads,
        poll_seconds=args.poll_seconds,
        grace=args.grace,
    )
    binary = None if args.embedded else find.find_binary()
    if binary:
        return find.run(binary, options)
    logging.basicConfig(format="toulon serve: %(message)s", level=logging.WARNING)
    logging.getLogger("zoo.serving").setLevel(logging.INFO)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # a port in use is told in one line, ours
    try:
        from zoo.serving import server
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is missing; pip install 'toulon[serving]'.") from None
    server.serve(options)
    sys.stdout.flush()
    os._exit(0)  # what was given up may compute on for long, and nobody waits for it


def _default_models():
    from zoo import registry

    return str(next((root for root in registry.exported_roots() if root.is_dir()), "exported"))


def add_arguments_client(parser):
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, summary) in CLIENT_COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        command.add_argument(
            "--server", default="http://127.0.0.1:8501",
            help="grpc://HOST:PORT or http://HOST:PORT (default %(default)s)",
        )  # fmt: skip
        command.add_argument(
            "--timeout", type=float, default=60, help="seconds an answer may take (default %(default)s)"
        )
        getattr(importlib.import_module(module), f"add_arguments_{name}")(command)


def run_client(args):
    """Runs a paper's command against a server; returns the exit status."""
    from zoo.serving.client import Client

    module = importlib.import_module(CLIENT_COMMANDS[args.command][0])
    return getattr(module, f"run_{args.command}")(args, Client(args.server, args.timeout))
