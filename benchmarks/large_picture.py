"""A picture of 50 megapixels through the codec, beside one of Kodak's: time for a pixel, peak memory.

python -m benchmarks.large_picture
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

from zoo.files import write_text
from zoo.images.files import read_rgb

SAMPLES = pathlib.Path(__file__).parent.parent / "zoo" / "data" / "samples" / "kodak"
RESULT = pathlib.Path(__file__).parent / "results" / "large_picture.json"
HEIGHT, WIDTH = 6144, 8192


def main():
    """Measures, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="bls2017-vr")
    parser.add_argument("--turns", type=int, default=3, help="turns of which the median counts")
    args = parser.parse_args()
    small = read_rgb(str(SAMPLES / "kodim23.png"))
    large = compose()
    figures = {"model": args.model, "megapixels": round(HEIGHT * WIDTH / 1e6, 1)}
    figures |= time_both(args.model, small, large, args.turns)
    figures |= peak_memory(args.model, large)
    for name, value in figures.items():
        print(f"{name}: {value}")
    write_text(RESULT, json.dumps(figures, indent=1) + "\n")


def compose():
    """A large picture: the sample photographs, turned and mirrored, side by side; [6144, 8192, 3] uint8."""
    photographs = [read_rgb(str(path)) for path in sorted(SAMPLES.glob("*.png"))]
    photographs = [p if p.shape[0] < p.shape[1] else np.rot90(p) for p in photographs]
    height, width = photographs[0].shape[:2]
    rows = []
    for row in range(-(-HEIGHT // height)):
        parts = [photographs[(row + column) % 3] for column in range(-(-WIDTH // width))]
        rows.append(
            np.concatenate([p[:, ::-1] if i % 2 else p for i, p in enumerate(parts)], axis=1)[:, :WIDTH]
        )
    return np.concatenate(rows)[:HEIGHT]


def time_both(model, small, large, turns):
    """Seconds for a megapixel, both pictures in turns in one process, files included: medians and their ratios."""
    from zoo.codec.files import load_codec

    codec = load_codec(model)
    codec.decode(codec.encode(small))  # the first call is slow, and should not count
    seconds = {(size, what): [] for size in ("small", "large") for what in ("encode", "decode")}
    for _ in range(turns):
        for size, image, repeats in (("small", small, 10), ("large", large, 1)):
            megapixels = repeats * image[..., 0].size / 1e6
            start = time.perf_counter()
            files = [codec.encode(image) for _ in range(repeats)]
            encoded = time.perf_counter()
            for data in files:
                codec.decode(data)
            seconds[size, "encode"].append((encoded - start) / megapixels)
            seconds[size, "decode"].append((time.perf_counter() - encoded) / megapixels)
    median = {key: statistics.median(values) for key, values in seconds.items()}
    figures = {f"{size}_{what}_s_per_megapixel": round(v, 4) for (size, what), v in median.items()}
    for what in ("encode", "decode"):
        figures[f"{what}_ratio"] = round(median["large", what] / median["small", what], 3)
    return figures


def peak_memory(model, large):
    """Peak resident memory of `toulon compress` and `decompress` on the large picture, MB."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        Image.fromarray(large).save(folder / "large.png", compress_level=1)
        return {
            "compress_peak_mb": _peak(
                "compress", folder / "large.png", folder / "large.tln", f"--model={model}"
            ),
            "decompress_peak_mb": _peak("decompress", folder / "large.tln", folder / "back.png"),
        }


def _peak(*words):
    # A process of its own that reports on its only child.
    script = (
        "import resource, subprocess, sys; subprocess.run([sys.executable, '-m', 'zoo.cli', *sys.argv[1:]], check=True, "
        "stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)], check=True, capture_output=True, text=True
    )
    return round(int(done.stdout) * 1024 / 1e6)


if __name__ == "__main__":
    main()
