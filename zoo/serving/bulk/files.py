"""Files on whatever file system Beam knows: finding, reading, writing whole or not at all."""

import contextlib
import os
import posixpath
import re
import shutil
import tempfile
import uuid

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from zoo.errors import UserError
from zoo.serving.bulk.records import is_records

PARTIAL = ".partial"  # folder of files that are being written
_AS_IT_IS = {"compression_type": CompressionTypes.UNCOMPRESSED}
_WILDCARD = re.compile(r"[*?[]")


def sources(words):
    """Where to look for inputs.

    Args:
      words: list of str: files, folders, patterns, and "@" before the name of a text file of such, one a line.

    Returns:
      list of (what to look for, the folder that its files' places are relative to).

    Raises:
      UserError: a list cannot be read, or holds nothing.
    """
    found = []
    for word in words:
        if not word.startswith("@"):
            found.append((absolute(word), _folder_of(absolute(word))))
            continue
        try:
            lines = read(absolute(word[1:])).decode().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"the list {word[1:]} cannot be read: {reason}.") from None
        paths = [absolute(line.strip()) for line in lines if line.strip()]
        if not paths:
            raise UserError(f"the list {word[1:]} is empty; expected a path a line.")
        base = _common_folder([_folder_of(path) for path in paths])
        found += [(path, base) for path in paths]
    return found


def find(pattern, extensions):
    """The files that a file's name, a folder or a pattern means; those of wrong extensions only where they are named.

    Raises:
      UserError: there are none.
    """
    if os.path.isdir(pattern):
        paths = [os.path.join(folder, name) for folder, _, names in os.walk(pattern) for name in names]
    elif _WILDCARD.search(pattern) and not os.path.exists(pattern):
        paths = _match(pattern)
    else:
        exact = _match(pattern) if is_remote(pattern) else [pattern] * os.path.exists(pattern)
        if exact:
            return exact
        if not is_remote(pattern):
            raise UserError(f"{pattern} does not exist.")
        paths = _match(pattern.rstrip("/") + "/**")
    paths = sorted(path for path in paths if path.lower().endswith(tuple(extensions)) or is_records(path))
    if not paths:
        raise UserError(f"{pattern} has no {', '.join(extensions)} or TFRecord files.")
    return paths


def is_remote(path):
    """Whether a path is on no file system of this machine."""
    return "://" in path


def relative(path, base):
    """A path below a folder, with forward slashes."""
    return path[len(base) :].lstrip("/" + os.sep).replace(os.sep, "/")


def open_file(path):
    """Opens a file for reading, as it is; `OSError` if there is none to be had."""
    return FileSystems.open(path, **_AS_IT_IS)


def read(path):
    """A file's bytes; `OSError` if there are none to be had."""
    with open_file(path) as file:
        return file.read()


@contextlib.contextmanager
def local(path):
    """A context with the path of a file on this machine: the file's own, or a copy's.

    Raises:
      OSError: the file cannot be read.
    """
    with open_file(path) as file:
        if not is_remote(path):
            yield path
            return
        with tempfile.NamedTemporaryFile() as copy:
            shutil.copyfileobj(file, copy)
            copy.flush()
            yield copy.name


def exists(path):
    """Whether there is such a file."""
    return FileSystems.exists(path)


def below(folder, name):
    """The path of `name`, which has forward slashes, in a folder.

    Raises:
      UserError: it leads out of the folder.
    """
    name = posixpath.normpath(name)
    if name in (".", "..") or name.startswith(("../", "/")) or "\0" in name:
        raise UserError(f"its name {name!r} is no path below the output folder.")
    return FileSystems.join(folder, *name.split("/"))


def write(path, data, folder):
    """Writes a file below an output folder; it gets its name when it is complete.

    Raises:
      UserError: it cannot be written.
    """
    partial = FileSystems.join(folder, PARTIAL, uuid.uuid4().hex)
    try:
        with FileSystems.create(partial, **_AS_IT_IS) as file:
            file.write(data)
        with contextlib.suppress(OSError):  # it is there, or renaming says what is wrong
            FileSystems.mkdirs(FileSystems.split(path)[0])
        FileSystems.rename([partial], [path])
    except OSError as error:
        remove(partial)
        reason = error.strerror or "; ".join(map(str, getattr(error, "exception_details", {}).values()))
        raise UserError(f"{path} cannot be written: {reason or error}.") from None


def remove(*paths):
    """Removes files and folders that are there."""
    for path in paths:
        with contextlib.suppress(OSError):
            FileSystems.delete([path])


def _match(pattern):
    return [found.path for found in FileSystems.match([pattern])[0].metadata_list]


def absolute(path):
    """Paths of local files as every worker understands them, whatever folder it runs in."""
    return path if is_remote(path) else os.path.abspath(path)


def _folder_of(path):
    """The folder that what a name means is relative to."""
    wildcard = _WILDCARD.search(path)
    if wildcard and not os.path.exists(path):
        return path[: wildcard.start()].rpartition("/")[0]
    has_extension = "." in path.rstrip("/").rpartition("/")[2]  # there are no folders to ask for in the cloud
    is_folder = not has_extension if is_remote(path) else os.path.isdir(path)
    return path.rstrip("/") if is_folder else path.rpartition("/")[0]


def _common_folder(folders):
    """The longest path that all folders begin with."""
    split = [folder.split("/") for folder in folders]
    same = 0
    for parts in zip(*split, strict=False):
        if len(set(parts)) > 1:
            break
        same += 1
    return "/".join(split[0][:same])
