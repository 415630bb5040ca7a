"""Runs a job's pipeline, and says what became of it."""

import contextlib
import io
import json
import re
import time
import traceback

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import StandardOptions

from zoo.errors import UserError
from zoo.serving.bulk import counts, files, pipeline
from zoo.serving.bulk.job import SummarizingJob
from zoo.serving.bulk.options import is_local, make_runner, read_options, threads_of
from zoo.serving.bulk.progress import progress

SETTINGS = ".bulk.json"
_CAUSE = re.compile(r"^zoo\.errors\.UserError: (.+?)(?: \[while running .+)?$", re.MULTILINE)
_DIED = "Channel closed prematurely"


def run(job, settings, options, rest):
    """Runs a job.

    Args:
      job: a `zoo.serving.bulk.job.Job`.
      settings: dict, what decides the outputs; a folder of others is refused.
      options: an `argparse.Namespace` of our own options.
      rest: list of str, what else was said: options of Beam.

    Returns:
      0 if all is done, 1 if some files failed.

    Raises:
      UserError: an option is wrong, or something other than a file is at fault.
    """
    started = time.time()
    beam_options = read_options(rest, vars(options))
    options.threads_per_worker = options.threads_per_worker or threads_of(beam_options)
    options.sources, options.output = files.sources(options.input), files.absolute(options.output)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(started))
    options.failed = files.below(options.output, f"failed-{stamp}.jsonl")
    _check_settings(options.output, settings)
    options.tally = None
    if is_local(beam_options.view_as(StandardOptions).runner):
        with progress(settings["job"]) as options.tally:
            result = _run(job, options, beam_options)
    else:
        result = _run(job, options, beam_options)
    counted = counts.read_counters(result)
    _clean(options)
    if not counted["found"]:
        for pattern, _ in options.sources:
            files.find(pattern, job.inputs)  # says what is wrong
    print(_summary(counted, time.time() - started) + f"; see {options.failed}" * bool(counted["failed"]))
    if isinstance(job, SummarizingJob) and counted["done"] + counted["skipped"]:
        averages = json.loads(files.read(files.below(options.output, pipeline.AVERAGES)))
        print(", ".join(f"{name} {value}" for name, value in averages.items()))
    return 1 if counted["failed"] else 0


def _run(job, options, beam_options):
    """Runs the pipeline to its end: a `PipelineResult`."""
    work = beam.Pipeline(runner=make_runner(beam_options), options=beam_options)
    pipeline.build(work, job, options)
    try:
        with contextlib.redirect_stderr(io.StringIO()) if options.tally else contextlib.nullcontext():
            result = work.run()
            result.wait_until_finish()
    except Exception as error:  # those of workers come as text
        causes = _CAUSE.findall("".join(traceback.format_exception_only(error)))
        if causes:
            raise UserError(causes[-1]) from None
        if _DIED in str(error):
            raise UserError(
                "a worker process was killed, perhaps for want of memory; the same command goes on, "
                "with fewer of them by --direct_num_workers."
            ) from None
        raise
    return result


def _check_settings(output, settings):
    """Sees to it that a folder holds outputs of one kind, and that it can be written to."""
    path = files.below(output, SETTINGS)
    if not files.exists(path):
        files.write(path, json.dumps(settings).encode(), output)
        return
    there = json.loads(files.read(path))
    if there != settings:
        differing = [name for name in {**there, **settings} if there.get(name) != settings.get(name)]
        said = ", ".join(f"{name} {there.get(name)}, now {settings.get(name)}" for name in differing)
        raise UserError(f"{output} holds what was made otherwise ({said}); give another --output.")


def _clean(options):
    """Removes what killed runs left, and lists of failures that this run's replaces."""
    files.remove(files.below(options.output, files.PARTIAL))
    lists = FileSystems.match([FileSystems.join(options.output, "failed-*.jsonl")])[0].metadata_list
    files.remove(*(found.path for found in lists if found.path != options.failed))


def _summary(counted, seconds):
    files_ = ", ".join(f"{counted[event]} {event}" for event in ("done", "skipped", "failed"))
    return (
        f"{files_}: {counted['pixels'] / 1e6:.2f} megapixels, {counted['bytes_in']} bytes in, "
        f"{counted['bytes_out']} bytes out, {seconds:.0f} s"
    )
