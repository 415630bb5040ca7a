"""Pictures in files: "folder:GLOB"."""

import glob
import os

from zoo.data.source import Source
from zoo.errors import UserError
from zoo.images.files import EXTENSIONS, read_rgb

CACHE_BYTES = 2 * 2**30  # decoded pictures kept in memory


def load_folder(pattern, channels=3):
    """All pictures that match a glob (`**` included), or that lie in a directory, sorted by name.

    Files are read by Pillow as 8-bit RGB whatever their colour type (palette and CMYK converted, 16 bits
    rounded, alpha dropped), and turned upright as EXIF says. Sizes may differ. The first 2 GiB of decoded
    pictures stay in memory.

    Args:
      pattern: str, a glob, a directory or a file.

    Returns:
      A `Source` with feature "image", [height, width, 3] uint8.

    Raises:
      UserError: nothing matches.
    """
    if os.path.isdir(pattern):
        pattern = os.path.join(pattern, "*")
    found = sorted(glob.glob(os.path.expanduser(pattern), recursive=True))
    paths = [p for p in found if p.lower().endswith(EXTENSIONS) and os.path.isfile(p)]
    if not paths:
        raise UserError(
            f"folder:{pattern} matches {len(found)} paths, none of them a picture "
            f"({', '.join(EXTENSIONS)}); give a glob such as folder:photos/*.png, in quotes."
        )
    cache = {}

    def get(index):
        if index in cache:
            return {"image": cache[index]}
        image = read_rgb(paths[index])
        if sum(c.nbytes for c in cache.values()) + image.nbytes <= CACHE_BYTES:
            cache[index] = image
        return {"image": image}

    return Source(f"folder:{pattern}", len(paths), get, {"image": ("uint8", (None, None, 3))})
