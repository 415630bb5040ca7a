"""Bulk work: 500 pictures of all kinds through a run that is killed, and what a second worker brings.

    python -m benchmarks.bulk                                   # some minutes
    python -m benchmarks.bulk --pictures=60 --timed_pictures=40 --rounds=1

First a run over pictures of which some are damaged is killed at about half and started again: every good picture must
be there, none done twice, none half, the damaged ones listed. Then one worker process of one thread, one of two
threads, and two of one thread take turns over the same pictures. What counts is the time from the first file that is
written to the last, so that starting TensorFlow is left out.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import app, flags
from PIL import Image

FLAGS = flags.FLAGS
flags.DEFINE_integer("pictures", 500, "Pictures of the run that is killed.", lower_bound=20)
flags.DEFINE_integer("damaged", 10, "How many of them are damaged.", lower_bound=1)
flags.DEFINE_integer("timed_pictures", 120, "Pictures of the timed runs.", lower_bound=4)
flags.DEFINE_integer("rounds", 3, "Timed rounds; each variant runs once in each.", lower_bound=1)
flags.DEFINE_string("model", "bls2017-vr", "The codec.")
flags.DEFINE_string("out", "benchmarks/results/bulk.json", "JSON file to write the figures to.")

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLES = sorted((ROOT / "zoo/data/samples").glob("*/*.*g"))
KINDS = [
    "RGB.png",
    "RGB.jpg",
    "L.png",
    "RGBA.png",
    "P.png",
    "I;16.png",
    "RGB.webp",
    "LA.png",
    "1.png",
    "CMYK.jpg",
]
VARIANTS = {
    "one worker, one thread": (1, 1),
    "one worker, two threads": (1, 2),
    "two workers, one thread each": (2, 1),
}
TWO_TO_ONE, TWO_TO_THREADS = 1.6, 0.9  # what is expected of two workers


def make_pictures(folder, number, damaged, sides, seed=0):
    """Writes crops of the samples as files of all kinds, some cut off or no pictures at all.

    Args:
      folder: where to; they go into four folders in it.
      number: int, how many.
      damaged: int, how many of them are damaged.
      sides: least and greatest side, pixels.
      seed: int.

    Returns:
      set of `pathlib.Path`, the damaged ones.
    """
    random = np.random.default_rng(seed)
    samples = [Image.open(path).convert("RGB") for path in SAMPLES]
    bad = set(random.choice(number, damaged, replace=False).tolist())
    broken = set()
    for index in range(number):
        mode, _, extension = KINDS[index % len(KINDS)].partition(".")
        path = folder / f"{index % 4}" / f"{index:04d}.{extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        _crop(samples[index % len(samples)], mode, sides, random).save(path)
        if index in bad:
            path.write_bytes(path.read_bytes()[:40] if index % 2 else b"no picture")
            broken.add(path)
    return broken


def _crop(sample, mode, sides, random):
    width, height = random.integers(sides[0], sides[1] + 1, 2)
    left, top = (
        int(random.integers(0, size - side + 1))
        for size, side in zip(sample.size, (width, height), strict=True)
    )
    crop = sample.crop((left, top, left + width, top + height))
    if mode == "I;16":
        return Image.fromarray(257 * np.asarray(crop.convert("L")).astype(np.uint16))
    if mode in ("LA", "RGBA"):
        crop = crop.convert(mode)
        crop.putalpha(Image.linear_gradient("L").resize(crop.size))
        return crop
    return crop.convert(mode)


def command(source, target, workers=2, threads=1):
    """The command line of a run."""
    return [
        sys.executable, "-m", "zoo.cli", "bulk", "compress", "--input", str(source), "--output", str(target),
        "--model", FLAGS.model, "--threads_per_worker", str(threads), "--direct_running_mode=multi_processing",
        f"--direct_num_workers={workers}",
    ]  # fmt: skip


def outputs(folder):
    """What is written already: dict of path to (inode, time of writing in nanoseconds)."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*.tln")}


def killed_run(folder):
    """Kills a run at half, starts it again, and checks what is there: dict of figures."""
    source, target = folder / "in", folder / "out"
    broken = make_pictures(source, FLAGS.pictures, FLAGS.damaged, (1, 192))
    started = time.perf_counter()
    process = subprocess.Popen(command(source, target), cwd=ROOT, start_new_session=True)
    while len(outputs(target)) < FLAGS.pictures // 2 and process.poll() is None:
        time.sleep(0.05)
    process.kill()  # the workers find out themselves
    process.wait()
    time.sleep(1)
    first = outputs(target)
    again = subprocess.run(command(source, target), cwd=ROOT, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    second = outputs(target)
    lists = list(target.glob("failed-*.jsonl"))
    listed = {json.loads(line)["path"] for path in lists for line in path.read_text().splitlines()}
    strays = [
        path for path in target.rglob("*") if path.is_file() and path not in second and path not in lists
    ]
    good = {path for path in source.rglob("*.*") if path not in broken}
    wanted = {target / path.relative_to(source).with_suffix(".tln") for path in good}
    checks = {
        "killed in the middle": 0 < len(first) < len(wanted),
        "every good picture is there": set(second) == wanted,
        "none was done twice": all(second[path] == when for path, when in first.items()),
        "the damaged are listed": listed == {str(path) for path in broken} and len(lists) == 1,
        "exit status 1": again.returncode == 1,
        "nothing else is there": [path.name for path in strays] == [".bulk.json"],
        "files are those of FileCodec": _same_files(good, source, target),
    }
    print(again.stdout.strip())
    return {"pictures": FLAGS.pictures, "damaged": FLAGS.damaged, "written when killed": len(first)} | {
        "seconds, both runs": round(seconds, 1), "checks": checks,
    }  # fmt: skip


def _same_files(good, source, target, every=20):
    """Whether a share of the files is byte for byte what the library makes of the pictures."""
    from zoo.codec.files import load_codec
    from zoo.images.picture import read_picture

    codec = load_codec(FLAGS.model)
    quality = codec.check_quality(None)

    def expected(path):
        picture = read_picture(str(path))
        return codec.pack(picture, codec.quantize(codec.transform(picture.rgb), quality), quality)

    return all(
        (target / path.relative_to(source).with_suffix(".tln")).read_bytes() == expected(path)
        for path in sorted(good)[::every]
    )


def timed_runs(folder):
    """Pictures a second of each variant, the median of rounds: dict of figures."""
    make_pictures(folder / "timed", FLAGS.timed_pictures, 0, (192, 288), seed=1)
    rates = {name: [] for name in VARIANTS}
    for turn in range(FLAGS.rounds):
        for index, (name, (workers, threads)) in enumerate(VARIANTS.items()):
            target = folder / f"timed-{turn}-{index}"
            subprocess.run(command(folder / "timed", target, workers, threads), cwd=ROOT, check=True)
            times = sorted(when for _, when in outputs(target).values())
            rates[name].append((len(times) - 1) / (times[-1] - times[0]) * 1e9)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    one, threads, two = medians.values()
    return {
        "pictures": FLAGS.timed_pictures,
        "rounds": FLAGS.rounds,
        "pictures a second": {name: round(rate, 3) for name, rate in medians.items()},
        "two workers to one": round(two / one, 3),
        "two workers to two threads": round(two / threads, 3),
        "as expected": bool(two >= TWO_TO_ONE * one and two >= TWO_TO_THREADS * threads),
    }


def main(_):
    """Measures, prints and writes."""
    with tempfile.TemporaryDirectory() as folder:
        figures = {"cores": os.cpu_count(), "killed run": killed_run(pathlib.Path(folder))}
        figures["timing"] = timed_runs(pathlib.Path(folder))
    text = json.dumps(figures, indent=1)
    print(text)
    pathlib.Path(FLAGS.out).write_text(text + "\n")
    return 0 if all(figures["killed run"]["checks"].values()) and figures["timing"]["as expected"] else 1


if __name__ == "__main__":
    app.run(main)
