"""What a paper gives to be run over many files."""

import abc
import dataclasses
import posixpath


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of a file.

    Attributes:
      data: bytes of the output file.
      pixels: int, how many were worked on.
    """

    data: bytes
    pixels: int = 0


class Job(abc.ABC):
    """Work on one file after the other; it is made from the command's arguments and then sent to every worker.

    It is pickled, so it holds values only; models are loaded by `setup`, which, unlike the rest, may import
    TensorFlow.

    Attributes:
      inputs: tuple of str, extensions of the files that are looked for in folders, ".png".
      output: str, the extension of what is written, ".tln".
    """

    inputs = ()
    output = ""

    @staticmethod
    def add_arguments(parser):
        """Adds the job's own options to an `argparse` parser."""

    def __init__(self, args):
        """Keeps what it needs of the parsed options.

        Raises:
          UserError: an option is wrong.
        """

    def settings(self):
        """What decides the outputs, a dict of JSON values: a folder holds files of one kind.

        Raises:
          UserError: what the job needs is missing, a model for instance.
        """
        return {}

    def setup(self):
        """Loads what is needed, once in each process."""

    @abc.abstractmethod
    def process(self, data):
        """Does the work.

        Args:
          data: bytes of the input file.

        Returns:
          A `Result`.

        Raises:
          UserError: the file is at fault; it is listed, and the run goes on. Anything else stops the run.
        """

    def rename(self, name):
        """The output's path below the output folder, from the input's path below its own."""
        return posixpath.splitext(name)[0] + self.output


class SummarizingJob(Job):
    """A job whose outputs are records that are put together at the end.

    Attributes:
      table: str, name of the file they are put into.
    """

    table = ""

    @abc.abstractmethod
    def summarize(self, records):
        """Puts the records of all pictures together.

        Args:
          records: list of (output's path below the output folder, its bytes), sorted.

        Returns:
          bytes of the table, and a dict of averages, name to number.
        """
