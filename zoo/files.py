"""Writing files that are there whole or not at all."""

import contextlib
import csv
import io
import os
import pathlib

from zoo.errors import UserError


@contextlib.contextmanager
def writing(path):
    """A context in which to write a file under a temporary name; it gets its own at the end.

    Args:
      path: where the file goes.

    Yields:
      `pathlib.Path` of the temporary file, of the same extension.

    Raises:
      UserError: it cannot be written; what was there before stays.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_bytes(path, data):
    """Writes bytes to a file; `UserError` if it cannot be."""
    with writing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path, text):
    """Writes text to a file; `UserError` if it cannot be."""
    write_bytes(path, text.encode())


def read_bytes(path):
    """A file's bytes; `UserError` if there is none."""
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None


def to_csv(rows, columns=None):
    """A table as CSV text, a header and a line for each row; what a row lacks is left empty.

    Args:
      rows: list of dicts.
      columns: names in their order; those of the first row unless told. Other keys of a row are left out.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, columns or list(rows[0]), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
