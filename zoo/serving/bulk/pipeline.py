"""The pipeline of Apache Beam that runs a job over files.

    inputs -> find -> group by output -> open -> work -> records, into the job's table and DIR/averages.json
                |                         |        |
                +-------------------------+--------+---> what failed, into DIR/failed-TIME.jsonl

Grouping by the output's path spreads the files over the workers, and shows those that would overwrite each other. A
worker writes each output as soon as it is made, so that a run that is killed goes on where it was.
"""

import contextlib
import json

import apache_beam as beam
from apache_beam.utils import shared

from zoo.errors import UserError
from zoo.serving.bulk import files, records
from zoo.serving.bulk.counts import Counts
from zoo.serving.bulk.job import SummarizingJob

AVERAGES = "averages.json"
FAILED, RECORDS = "failed", "records"


def build(pipeline, job, options):
    """Puts the transforms of a job into a pipeline.

    Args:
      pipeline: a `beam.Pipeline`.
      job: a `zoo.serving.bulk.job.Job`.
      options: an `argparse.Namespace` with `sources`, see `files.sources`; `output`, the folder; `failed`, the path of
        the list; `tally`, see `Counts`; `image_key`, `name_key`, and `threads_per_worker`.
    """
    found = pipeline | "inputs" >> beam.Create(options.sources) | "find" >> _with_failures(Find(job, options))
    opened = (
        found.main
        | "group by output" >> beam.GroupByKey()
        | "open" >> beam.ParDo(Open(job, options)).with_outputs(FAILED, RECORDS, main="main")
    )
    worked = opened.main | "work" >> _with_failures(Work(job, options))
    (
        (found[FAILED], opened[FAILED], worked[FAILED])
        | "all that failed" >> beam.Flatten()
        | "one list" >> beam.combiners.ToList()
        | "write the list" >> beam.ParDo(WriteFailed(options))
    )
    if isinstance(job, SummarizingJob):
        (
            (opened[RECORDS], worked.main)
            | "all records" >> beam.Flatten()
            | "one table" >> beam.combiners.ToList()
            | "write the table" >> beam.ParDo(WriteTable(job, options))
        )


def _with_failures(function):
    return beam.ParDo(function).with_outputs(FAILED, main="main")


class Step(beam.DoFn):
    """What the steps share: the job, the command's options, counting, and telling what failed."""

    def __init__(self, job, options):
        self.job, self.options, self.count = job, options, Counts(options.tally)

    def failed(self, path, error):
        """What goes to the list: a path and why."""
        self.count("failed")
        reason = getattr(error, "strerror", None) or str(error)
        return beam.pvalue.TaggedOutput(FAILED, (path, reason))


class Find(Step):
    """(pattern, base) -> (key, path) of its files; the key is the output's name, or a TFRecord file's own path."""

    def process(self, source):
        pattern, base = source
        try:
            paths = files.find(pattern, self.job.inputs)
        except UserError as error:
            yield self.failed(pattern, error)
            return
        for path in paths:
            if records.is_records(path):
                yield path, path
            else:
                self.count("found")
                yield self.job.rename(files.relative(path, base)), path


class Open(Step):
    """(key, paths) -> (path, output's name, bytes) of what is not done yet.

    Of what is done, a summarizing job's records (name, bytes) are given as RECORDS.
    """

    def process(self, group):
        key, paths = group[0], sorted(set(group[1]))
        if records.is_records(paths[0]):
            yield from self._open_records(paths[0])
            return
        yield from self._open(paths[0], key, lambda: files.read(paths[0]))
        for path in paths[1:]:
            yield self.failed(path, f"it would become {key} as {paths[0]} does; rename one.")

    def _open_records(self, path):
        label = path
        try:
            with files.local(path) as local:
                for index, record in enumerate(records.read_records(local, path.endswith(".gz"))):
                    label = f"{path}:{index}"
                    self.count("found")
                    yield from self._open_record(label, record)
        except (UserError, OSError) as error:
            yield self.failed(label, error)

    def _open_record(self, label, record):
        try:
            name, data = records.parse(record, self.options.name_key, self.options.image_key)
        except UserError as error:
            yield self.failed(label, error)
            return
        yield from self._open(label, self.job.rename(name), lambda: data)

    def _open(self, path, name, read):
        try:
            target = files.below(self.options.output, name)
            if not files.exists(target):
                yield path, name, read()
                return
        except (UserError, OSError) as error:
            yield self.failed(path, error)
            return
        self.count("skipped")
        if isinstance(self.job, SummarizingJob):
            yield beam.pvalue.TaggedOutput(RECORDS, (name, files.read(target)))


class Work(Step):
    """(path, output's name, bytes) -> (name, output), written."""

    def __init__(self, job, options):
        super().__init__(job, options)
        self._shared = shared.Shared()

    def process(self, opened):
        path, name, data = opened
        job = self._shared.acquire(self._load)  # once in a process, and only where something is left to do
        try:
            result = job.process(data)
        except UserError as error:
            yield self.failed(path, error)
            return
        files.write(files.below(self.options.output, name), result.data, self.options.output)
        self.count("done", pixels=result.pixels, bytes_in=len(data), bytes_out=len(result.data))
        yield name, result.data

    def _load(self):
        limit_threads(self.options.threads_per_worker)
        self.job.setup()
        return self.job


class WriteFailed(beam.DoFn):
    """All (path, reason) -> the list of what failed."""

    def __init__(self, options):
        self.options = options

    def process(self, failures):
        if failures:
            lines = (
                json.dumps({"path": p, "reason": r}, ensure_ascii=False) + "\n" for p, r in sorted(failures)
            )
            files.write(self.options.failed, "".join(lines).encode(), self.options.output)


class WriteTable(beam.DoFn):
    """All (name, output) -> the table, and averages.json."""

    def __init__(self, job, options):
        self.job, self.options = job, options

    def process(self, outputs):
        if outputs:
            table, averages = self.job.summarize(sorted(outputs))
            for name, data in ((self.job.table, table), (AVERAGES, json.dumps(averages).encode())):
                files.write(files.below(self.options.output, name), data, self.options.output)


def limit_threads(number):
    """Limits the threads of TensorFlow in this process, unless it is at work already; None leaves them."""
    if number is None:
        return
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # it is
        tf.config.threading.set_intra_op_parallelism_threads(number)
        tf.config.threading.set_inter_op_parallelism_threads(number)
