"""The options of Apache Beam, and what they are where nothing is said."""

import difflib
import logging
import os
import shlex
import sys

from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.portable_runner import JobServiceHandle
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from zoo.errors import UserError
from zoo.serving.bulk import worker

_LOCAL = {name.lower().removesuffix("runner") for name in StandardOptions.LOCAL_RUNNERS}


def read_options(words, ours):
    """Takes what of the command line is Beam's.

    Without a runner, this machine's cores get a process each. That is `FnApiRunner`'s work: `DirectRunner` asks first
    for a program that Beam would fetch from the network.

    Args:
      words: list of str, what of the command line is none of our options.
      ours: names of our options, such as "quality".

    Returns:
      `PipelineOptions`.

    Raises:
      UserError: there is no such option, or a value is wrong.
    """
    parser = _parser()
    given, unknown = parser.parse_known_args(words)
    runner = given.runner or "FnApiRunner"
    if unknown and is_local(runner):
        known = [f"--{name}" for name in (*ours, *vars(given))]
        close = difflib.get_close_matches(unknown[0].partition("=")[0], known, 1)
        hint = f"did you mean {close[0]}?" if close else "it is neither one of ours nor of Apache Beam."
        raise UserError(f"{unknown[0]}: {hint}")
    if unknown:
        print(f"toulon bulk: left to {runner}: {' '.join(unknown)}", file=sys.stderr)
    options = PipelineOptions(words)
    options.view_as(StandardOptions).runner = runner
    if is_local(runner):
        _spread(options.view_as(DirectOptions), given)
    else:
        logging.getLogger().setLevel(logging.INFO)  # where the work goes on, among other things
    return options


def make_runner(options):
    """The runner to run a pipeline with: its name, or for processes on this machine the runner itself."""
    name, direct = options.view_as(StandardOptions).runner, options.view_as(DirectOptions)
    is_ours = name.lower() in ("fnapirunner", "directrunner")
    if not is_ours or direct.direct_running_mode != "multi_processing":
        return name
    direct.direct_running_mode = "in_memory"  # so that it takes the environment it is given
    sent = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    return fn_runner.FnApiRunner(
        SubprocessSDKEnvironment.from_command_string(
            f"exec {shlex.quote(sys.executable)} -m {worker.__name__}"
        ),
        provision_info=fn_runner.ExtendedProvisionInfo(
            beam_provision_api_pb2.ProvisionInfo(pipeline_options=sent)
        ),
    )


def is_local(runner):
    """Whether a runner, by its name, works on this machine."""
    return runner.lower().removesuffix("runner") in _LOCAL


def threads_of(options):
    """How many threads of TensorFlow a worker process gets where nothing is said; None leaves it to TensorFlow."""
    direct = options.view_as(DirectOptions)
    if is_local(options.view_as(StandardOptions).runner) and direct.direct_running_mode == "multi_processing":
        return max(1, cores() // (direct.direct_num_workers or cores()))
    return None


def cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _spread(direct, given):
    """Sets what was not given of how many workers there are, and what they are."""
    if given.direct_num_workers is None:
        direct.direct_num_workers = 1 if given.direct_running_mode == "in_memory" else cores()
    if given.direct_running_mode is None:
        direct.direct_running_mode = "in_memory" if direct.direct_num_workers == 1 else "multi_processing"


def _parser():
    """The `argparse` parser of all options that Beam knows; those that are not given are None."""
    parsers = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=parsers.append)
    (parser,) = parsers

    def error(message):
        raise UserError(message)

    parser.error = error
    parser.set_defaults(runner=None, direct_num_workers=None, direct_running_mode=None)
    return parser
