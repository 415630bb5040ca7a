"""Many small pictures as one."""

import math

import numpy as np

GAP = 2  # pixels between pictures


def make_sheet(images, columns=None):
    """Pictures in rows, with white lines between.

    Args:
      images: [n, h, w, C] float in [-1, 1], C 1 or 3.
      columns: int; about as many as rows unless told.

    Returns:
      [H, W, 3] uint8.
    """
    images = np.asarray(images)
    count, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    pixels = np.clip(np.round((images + 1) * 127.5), 0, 255).astype(np.uint8)
    sheet = np.full([rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels], 255, np.uint8)
    for i, picture in enumerate(pixels):
        top, left = i // columns * (height + GAP), i % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = picture
    return np.broadcast_to(sheet, [*sheet.shape[:2], 3]).copy()
