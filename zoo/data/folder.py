"""Pictures in files: "folder:GLOB"."""

import glob
import os
import threading

from zoo.data.source import Source
from zoo.errors import UserError
from zoo.images.files import EXTENSIONS, read_rgb

CACHE_BYTES = 2 * 2**30  # decoded pictures kept in memory


def load_folder(pattern, split=None):
    """All pictures that match a glob (`**` included), or that lie in a directory, sorted by name.

    Files are read by Pillow as 8-bit RGB whatever their format and colour type (grey, palette and CMYK
    converted, 16 bits reduced, alpha dropped), and turned upright as EXIF says. Sizes may differ. The first
    2 GiB of decoded pictures stay in memory.

    Args:
      pattern: str, a glob, a directory or a file.
      split: ignored, a folder has no splits.

    Returns:
      A `Source` with feature "image", [height, width, 3] uint8. Its `get` raises `UserError` for a file
      that is damaged or no picture.

    Raises:
      UserError: nothing matches, or a file is empty.
    """
    paths = find_pictures(os.path.expanduser(pattern))
    read = Cache(lambda index: read_rgb(paths[index]), CACHE_BYTES)
    features = {"image": ("uint8", (None, None, 3))}
    return Source(f"folder:{pattern}", len(paths), lambda index: {"image": read(index)}, features)


def find_pictures(pattern):
    """Sorted paths of the pictures that a glob, a directory or a file stands for.

    Raises:
      UserError: there are none, or one is empty.
    """
    if os.path.isdir(pattern):
        found = [os.path.join(pattern, name) for name in os.listdir(pattern)]
    elif os.path.exists(pattern):  # a name as it is, though it may hold [ or ?
        found = [pattern]
    else:
        found = glob.glob(pattern, recursive=True)
    paths = [p for p in found if p.lower().endswith(EXTENSIONS) and os.path.isfile(p)]
    if not paths:
        raise UserError(
            f"folder:{pattern} matches {len(found)} paths, none of them a picture "
            f"({', '.join(EXTENSIONS)}); give a directory, or a glob such as 'folder:photos/*.png', in quotes."
        )
    for path in paths:
        if os.path.getsize(path) == 0:  # better now than in the middle of a pass
            raise UserError(f"{path} is empty; expected a picture; remove it or copy it again.")
    return sorted(paths)


class Cache:
    """A function of an index to an array that remembers its first results, up to so many bytes.

    Threads may call it.
    """

    def __init__(self, read, limit):
        self._read = read
        self._room = limit
        self._kept = {}
        self._lock = threading.Lock()

    def __call__(self, index):
        array = self._kept.get(index)
        if array is not None:
            return array
        array = self._read(index)
        array.setflags(write=False)  # later callers get the same array
        with self._lock:
            if index not in self._kept and array.nbytes <= self._room:
                self._kept[index] = array
                self._room -= array.nbytes
        return array
