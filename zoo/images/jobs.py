"""Commands that make a file of each picture they are given."""

import concurrent.futures
import dataclasses
import functools
import os
import pathlib
import sys
from typing import Any

from zoo.errors import UserError
from zoo.images.files import WRITABLE, check_writable


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes:
      text: str, what is printed behind the name of the file that was written.
      notes: tuple of str, what the user should know.
      amounts: whatever the command sums up at the end.
    """

    text: str
    notes: tuple = ()
    amounts: Any = None


def find_jobs(inputs, output, extensions, suffix):
    """What is to be done: list of (source, destination), str.

    Folders are walked; their files go to the same places below `output`, with another extension.

    Raises:
      UserError: an input is missing, a folder without such files, or two would be written to one place; the output
        cannot be written.
    """
    if len(inputs) == 1 and not os.path.isdir(inputs[0]):
        if os.path.isdir(output):
            return [(inputs[0], os.path.join(output, pathlib.Path(inputs[0]).stem + suffix))]
        _check_output(output, suffix)
        return [(inputs[0], output)]
    if os.path.exists(output) and not os.path.isdir(output):
        raise UserError(f"{output} is a file; several files need a folder to be written to.")
    jobs = []
    for name in inputs:
        path = pathlib.Path(name)
        if not path.is_dir():
            jobs.append((name, os.path.join(output, path.stem + suffix)))
            continue
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in extensions and p.is_file())
        if not found:
            raise UserError(f"{name} holds no {', '.join(extensions)} files.")
        jobs += [(str(p), os.path.join(output, p.relative_to(path).with_suffix(suffix))) for p in found]
    sources = {}
    for source, destination in jobs:
        if destination in sources:
            raise UserError(
                f"{sources[destination]} and {source} would both become {destination}; rename one."
            )
        sources[destination] = source
    return jobs


def _check_output(path, suffix):
    """Says before the work is done what would go wrong after it."""
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise UserError(f"{os.path.dirname(path)} does not exist; make it first.")
    if suffix in WRITABLE:
        check_writable(path)
    elif not path.lower().endswith(suffix):
        raise UserError(f"{path} should end in {suffix}.")


def run_jobs(command, jobs, work, summarize=lambda amounts: "", parallel=1):
    """Does the work on every file, with a progress bar where there are several; returns the exit status.

    A file that fails is told, and the others go on.

    Args:
      command: str, the name of the command in messages.
      jobs: list of (source, destination), see `find_jobs`.
      work: function (source, destination) -> `Outcome`; raises `UserError`.
      summarize: function of the list of `Outcome.amounts` to the end of the last line, where there are several files.
      parallel: int, files that are worked on at a time.
    """
    if len(jobs) == 1:
        source, destination = jobs[0]
        outcome = work(source, destination)
        for note in outcome.notes:
            print(f"toulon {command}: {source}: {note}", file=sys.stderr)
        print(f"{destination}: {outcome.text}")
        return 0
    from tqdm import tqdm

    def begin(source, destination):
        os.makedirs(os.path.dirname(destination) or ".", exist_ok=True)
        return work(source, destination)

    done = []
    pool = concurrent.futures.ThreadPoolExecutor(parallel)
    if parallel > 1:
        results = [pool.submit(begin, *job).result for job in jobs]
    else:  # here, where Ctrl-C reaches it at once
        results = [functools.partial(begin, *job) for job in jobs]
    progress = tqdm(zip(jobs, results, strict=True), total=len(jobs), unit="file", desc=command, disable=None)
    try:
        for (source, destination), result in progress:
            try:
                outcome = result()
            except UserError as error:
                reason = str(error).removeprefix(f"{source} ")
                tqdm.write(f"toulon {command}: {source}: {reason}", file=sys.stderr)
                continue
            for note in outcome.notes:
                tqdm.write(f"toulon {command}: {source}: {note}", file=sys.stderr)
            tqdm.write(f"{destination}: {outcome.text}", file=sys.stdout)
            done.append(outcome.amounts)
    finally:
        pool.shutdown(cancel_futures=True)
    print(f"{len(done)} of {len(jobs)} files{summarize(done)}")
    return 0 if len(done) == len(jobs) else 1
