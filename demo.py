"""The zoo's main jobs in a few minutes: train, export, compress a photograph, enlarge one, report.

make demo
"""

import argparse
import html
import json
import pathlib
import shutil
import subprocess
import sys
import time

import zoo
from zoo.images.files import read_rgb
from zoo.metrics.psnr import psnr

PHOTOGRAPH = pathlib.Path(zoo.__file__).parent / "data" / "samples" / "kodak" / "kodim19.png"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Toulon demo</title>
<style>body{{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}}img{{max-width:100%}}
figure{{margin:1em 0}}pre{{background:#f4f4f4;padding:1em;overflow:auto}}</style>
<h1>Toulon demo</h1>
<h2>1. A codec trained here for a minute</h2>
<p>{training}</p>
<figure><img src="training.png" alt="Loss, rate and PSNR over the training steps"></figure>
<h2>2. A photograph through the shipped codec</h2>
<p>{compressed}</p>
<figure><img src="{original}" alt="The photograph"><figcaption>The original.</figcaption></figure>
<figure><img src="decompressed.png" alt="The photograph after the codec"><figcaption>From {bytes} bytes.</figcaption></figure>
<h2>3. Against other codecs at equal bytes</h2>
<figure><img src="rate-distortion/{crops}" alt="Crops of one picture from several codecs at equal bytes"></figure>
<figure><img src="rate-distortion/rd.png" alt="Quality over rate for each codec"></figure>
<pre>{table}</pre>
<h2>4. Photographs reduced to a quarter of their sides, and enlarged again</h2>
<figure><img src="super-resolution/crops-sample-kodak.png" alt="Crops of a photograph, enlarged in several ways"></figure>
<pre>{enlarged}</pre>
</html>
"""


def main():
    """Runs the demo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="runs/demo", help="folder of the report (default %(default)s)")
    parser.add_argument("--steps", type=int, default=400, help="training steps (default %(default)s)")
    args = parser.parse_args()
    out = pathlib.Path(args.out)
    if out.exists() and any(out.iterdir()) and not (out / "report.html").exists():
        sys.exit(f"{out} holds other things than a report of this demo; give an empty --out.")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / "report.html").touch()  # this folder is the demo's

    print("== 1/4  training a small codec on the photographs that come with the zoo")
    started = time.time()
    run(
        "-m", "trainers.codec", "--flagfile=trainers/presets/bls2017-tiny.flags", f"--steps={args.steps}",
        f"--workdir={out}/training", f"--export_dir={out}/exported/tiny-codec",
    )  # fmt: skip
    training = plot_training(out)
    training = f"{args.steps} steps in {time.time() - started:.0f} s with start-up: {training}"
    print(training)

    print("== 2/4  a photograph through the shipped codec")
    original, small, back = out / "original.png", out / "photograph.tln", out / "decompressed.png"
    shutil.copy(PHOTOGRAPH, original)
    run("-m", "zoo.cli", "compress", original, small)
    run("-m", "zoo.cli", "info", small)
    run("-m", "zoo.cli", "decompress", small, back)
    pixels, restored = read_rgb(str(original)), read_rgb(str(back))
    size = small.stat().st_size
    compressed = (
        f"{original.stat().st_size} bytes of PNG became {size} bytes, "
        f"{8 * size / (pixels.shape[0] * pixels.shape[1]):.3f} bits per pixel, at {psnr(pixels, restored):.2f} dB PSNR."
    )
    print(compressed)

    print("== 3/4  against JPEG, JPEG 2000, WebP and AVIF")
    table = run(
        "-m", "zoo.cli", "experiment", "codec/rate-distortion", "--scale", "smoke", "--out", out / "rate-distortion"
    )  # fmt: skip

    crops = next((out / "rate-distortion").glob("crops-*.png")).name

    print("== 4/4  small pictures enlarged four times, so that they are what they were when reduced again")
    enlarged = run(
        "-m", "zoo.cli", "experiment", "superres/benchmark", "--scale", "smoke", "--out", out / "super-resolution"
    )  # fmt: skip

    fields = {
        "crops": crops,
        "training": training,
        "compressed": compressed,
        "bytes": size,
        "table": table,
        "enlarged": enlarged,
    }
    fields = {name: html.escape(str(value)) for name, value in fields.items()}
    (out / "report.html").write_text(PAGE.format(original=original.name, **fields))
    print(f"\nThe report: {(out / 'report.html').resolve()}")


def run(*command):
    """Runs Python with these arguments, shows what it prints, and returns that; stops the demo if it fails."""
    printed = []
    process = subprocess.Popen(
        [sys.executable, *map(str, command)], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    for line in process.stdout:
        print("  " + line, end="", flush=True)
        printed.append(line)
    if process.wait():
        sys.exit(f"the demo stops: {' '.join(map(str, command))} failed")
    return "".join(printed)


def plot_training(out):
    """Draws the training log to training.png; returns a sentence on how it went."""
    from matplotlib.figure import Figure

    log = [json.loads(line) for line in (out / "training" / "log.jsonl").read_text().splitlines()]
    train = [entry for entry in log if entry["split"] == "train"]
    figure = Figure(figsize=(10, 3), layout="constrained")
    panels = figure.subplots(1, 3)
    names = [("loss", "rate + λ distortion"), ("bpp", "bits per pixel"), ("psnr", "PSNR (dB)")]
    for panel, (name, label) in zip(panels, names, strict=True):
        panel.plot([entry["step"] for entry in train], [entry[name] for entry in train])
        panel.set(xlabel="training steps", ylabel=label)
    panels[0].set_yscale("log")
    figure.savefig(out / "training.png", dpi=120)
    first, last = train[0], train[-1]
    return (
        f"the loss went from {first['loss']:.2f} to {last['loss']:.2f}, at {last['bpp']:.2f} bits per pixel "
        f"and {last['psnr']:.1f} dB."
    )


if __name__ == "__main__":
    main()
