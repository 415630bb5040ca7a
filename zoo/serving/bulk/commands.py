"""`toulon bulk`: a job over many files. Apache Beam is imported when a run begins."""

import argparse
import importlib.util
import logging

from zoo import registry
from zoo.errors import UserError

# name: "module:class" of a `zoo.serving.bulk.job.Job`.
JOBS = {
    "compress": "zoo.codec.bulk:Compress",
    "decompress": "zoo.codec.bulk:Decompress",
    "evaluate": "zoo.codec.bulk:Evaluate",
    "upscale": "zoo.superres.bulk:Upscale",
}


def add_arguments_bulk(parser):
    parser.add_argument("job", choices=JOBS, help="what is done with every file")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="see toulon bulk JOB --help")
    parser.set_defaults(make_parser=type(parser))


def run_bulk(args):
    """Runs a job over files; returns the exit status, 1 if some failed."""
    job_class = registry.resolve(JOBS[args.job])
    options, rest = _parser(args, job_class).parse_known_args(args.options)
    job = job_class(options)
    settings = {"job": args.job, **job.settings()}
    if importlib.util.find_spec("apache_beam") is None:
        raise UserError("Apache Beam is not installed; pip install 'toulon[beam]'.")
    logging.getLogger().setLevel(logging.CRITICAL)  # Beam tells errors as tracebacks, and more than once
    from zoo.serving.bulk.run import run

    return run(job, settings, options, rest)


def _parser(args, job_class):
    """The parser of our own options."""
    parser = args.make_parser(
        prog=f"toulon bulk {args.job}",
        description=job_class.__doc__.splitlines()[0],
        epilog="Any option of Apache Beam may follow: --runner, --direct_num_workers, … Without them every core of "
        "this machine gets a process. What is there already is skipped; what fails is listed in OUTPUT/failed-*.jsonl.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--input", nargs="+", required=True, metavar="PATTERN",
        help=f"{', '.join(job_class.inputs) or 'input'} files, folders, wildcards (** crosses folders), TFRecord files of "
        "tf.train.Example, @FILE for a list of these; on any file system Beam knows",
    )  # fmt: skip
    parser.add_argument(
        "--output", required=True, metavar="DIR", help="where outputs go, in folders as the inputs'"
    )
    job_class.add_arguments(parser)
    parser.add_argument(
        "--threads_per_worker",
        type=int,
        help="threads of TensorFlow in each process (default: the cores, shared)",
    )
    parser.add_argument(
        "--image_key", default="image/encoded", help="where an Example has the file (default %(default)s)"
    )
    parser.add_argument(
        "--name_key", default="image/filename", help="where an Example has its name (default %(default)s)"
    )
    return parser
