"""Pictures beside each other in one PNG. Imports matplotlib; no global state, no window."""

import numpy as np
from matplotlib.figure import Figure

DPI = 160


def center_crop(image, size):
    """The middle of a picture, [height, width, 3], at most `size` pixels each way."""
    top, left = (max(0, (n - size) // 2) for n in image.shape[:2])
    return image[top : top + size, left : left + size]


def show_side_by_side(panels, title, path, size=256, zoom=2, columns=3):
    """Draws the middles of pictures beside each other, every pixel enlarged to a square.

    Args:
      panels: list of (caption of two lines, picture [height, width, 3] uint8), pictures of one shape.
      title: str, one line.
      path: str or Path of a PNG.
      size: int, pixels of a crop each way.
      zoom: int, enlargement.
      columns: int, crops in a row.
    """
    crops = [(caption, center_crop(image, size)) for caption, image in panels]
    height, width = (n * zoom for n in crops[0][1].shape[:2])
    gap, head, top = 12, 58, 48  # pixels between crops, for a caption, for the title
    rows = -(-len(crops) // columns)
    total_width = columns * (width + gap) + gap
    total_height = top + rows * (head + height) + gap
    figure = Figure(figsize=(total_width / DPI, total_height / DPI), dpi=DPI)
    for i, (caption, crop) in enumerate(crops):
        row, column = divmod(i, columns)
        left, bottom = gap + column * (width + gap), gap + (rows - 1 - row) * (head + height)
        axes = figure.add_axes(
            [left / total_width, bottom / total_height, width / total_width, height / total_height]
        )
        axes.imshow(np.kron(crop, np.ones((zoom, zoom, 1), np.uint8)), interpolation="none")
        axes.set_title(caption, fontsize=9, pad=4)
        axes.set_axis_off()
    figure.text(0.5, 1 - top / 2 / total_height, title, ha="center", va="center", fontsize=11)
    figure.savefig(path)
