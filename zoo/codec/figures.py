"""Figures of the codec's experiments. Imports matplotlib; no global state, no window."""

import numpy as np
from matplotlib.figure import Figure

DPI = 160
# Okabe & Ito's colours, which can be told apart with any colour vision; a marker each, for print.
COLORS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
LINES = {"model": "-", "anchor": "-", "published": "--"}


def plot_rate_distortion(curves, title, path):
    """Draws PSNR and MS-SSIM, both in dB, over bits per pixel, side by side.

    Args:
      curves: list of `zoo.codec.rate_distortion.Curve`; the models first, so that they keep their colours.
      title: str.
      path: str or Path of a PNG, 2080 x 960 pixels.
    """
    figure = Figure(figsize=(13, 6), dpi=DPI, layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, metric, name in zip(panels, ("psnr", "ms_ssim"), ("PSNR", "MS-SSIM"), strict=True):
        for i, curve in enumerate(curves):
            ours = curve.kind == "model"
            axes.plot(
                curve.bpp, curve.quality(metric), LINES[curve.kind],
                color=COLORS[i % len(COLORS)], marker=MARKERS[(i + i // len(COLORS)) % len(MARKERS)],
                markersize=11 if ours else 5, linewidth=2.5 if ours else 1.4,
                zorder=3 if ours else 2, label=curve.label,
            )  # fmt: skip
        axes.set_xlabel("bits per pixel, of whole files", fontsize=13)
        axes.set_ylabel(f"{name} of RGB, dB", fontsize=13)
        axes.tick_params(labelsize=12)
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
    panels[0].legend(fontsize=12, loc="lower right")
    figure.suptitle(title, fontsize=14)
    figure.savefig(path)


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
