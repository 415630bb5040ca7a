"""Figures of the codec's experiments. Imports matplotlib; no global state, no window."""

from matplotlib.figure import Figure

DPI = 160
MOST_BITS = 2.0  # a pixel: beyond, there is none of ours
# Okabe & Ito's colours, which can be told apart with any colour vision; a marker each, for print.
COLORS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
LINES = {"model": "-", "anchor": "-", "published": "--"}


def plot_rate_distortion(curves, title, path):
    """Draws PSNR and MS-SSIM, both in dB, over bits per pixel, side by side.

    Args:
      curves: list of `zoo.codec.rate_distortion.Curve`; the models first, so that they keep their colours.
      title: str.
      path: str or Path of a PNG, 2560 x 960 pixels.
    """
    figure = Figure(figsize=(16, 6), dpi=DPI, layout="constrained")
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
        axes.set_xlim(0, MOST_BITS)
        axes.grid(alpha=0.3)
    figure.legend(*panels[0].get_legend_handles_labels(), fontsize=12, loc="outside right upper")
    figure.suptitle(title, fontsize=14)
    figure.savefig(path)
