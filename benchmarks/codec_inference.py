"""Speed of compressing and decompressing pictures of Kodak's size, beside tensorflow-compression and CompressAI.

    python -m benchmarks.codec_inference --make_peers    # once: CompressAI in .venv-compressai, 1.5 GB or more
    python -m benchmarks.codec_inference                 # some minutes, on a machine that does nothing else

Codecs take turns, in an order that changes, with the same two threads; CompressAI does so in a process of its own. What
is timed goes from pixels at hand to the bytes of a file at hand, and back. A figure is the median over turns for each
picture, then the mean over pictures.

- ours: the exported SavedModels' signatures, one at the quality nearest to half a bit per pixel.
- tensorflow-compression: the same network and variables in its layers as they come, see `peers.library`.
- CompressAI, our network: the same in its layers and entropy model, with its coder.
- CompressAI bmshj2018-factorized: its smallest codec, its latents scaled to half a bit per pixel. Its weights are random,
  as trained ones would have to be fetched; time hardly depends on them, and the PSNR means nothing.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from benchmarks.peers import worker
from benchmarks.peers.exported import exported
from benchmarks.peers.in_process import InProcess
from zoo.files import write_text
from zoo.images.files import read_rgb
from zoo.precision import cpu_flags
from zoo.registry import start_graphs_at_once

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURES = sorted((ROOT / "zoo" / "data" / "samples" / "kodak").glob("*.png"))
RESULT = ROOT / "benchmarks" / "results" / "codec_inference.json"
MODEL, VARIABLE_RATE = "bls2017-mse-0.01", "bls2017-vr"
LIBRARY = "tensorflow-compression, our network"
BITS_PER_PIXEL = 0.5
REST = 0.03  # seconds between calls, in which the threads of the last one stop waiting for more
BUSY = 0.5  # load average from which on figures mean little
WHOLE, CODER = ("compress", "decompress"), ("encode", "decode")
# What is expected of the others' time of WHOLE, divided by that of MODEL, and of milliseconds.
AT_LEAST = {LIBRARY: 1.5, worker.FACTORIZED: 4, worker.SAME_NETWORK: 1 / 1.05}
CODER_MS, START_MS = 25, 1000


def main():
    """Measures, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=15, help="timed turns, of which the median counts")
    parser.add_argument("--starts", type=int, default=5, help="fresh processes, of which the median counts")
    parser.add_argument("--threads", type=int, default=2, help="threads, and cores, of everybody")
    parser.add_argument("--torch", type=pathlib.Path, default=worker.PYTHON, help="Python with CompressAI")
    parser.add_argument("--make_peers", action="store_true", help="only make the default for --torch")
    parser.add_argument("--out", type=pathlib.Path, default=RESULT, help="JSON file to write the figures to")
    args = parser.parse_args()
    if args.make_peers:
        worker.make_environment()
        return
    figures = machine() | {key: getattr(args, key) for key in ("threads", "turns", "starts")}
    set_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        figures |= measure(args, pathlib.Path(folder), stack)
    figures["expected"] = compare(figures)
    report(figures)
    write_text(args.out, json.dumps(figures, indent=1) + "\n")


def machine():
    """What the figures depend on."""
    kinds = ("fma", "avx", "amx", "asimd", "sve", "bf16")
    features = sorted(flag for flag in cpu_flags() if flag.startswith(kinds))
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"The machine has other work, a load of {load:.1f}: these figures are not to be quoted.")
    return {"cores": os.cpu_count(), "cpu_features": features, "load_average_before": load}


def set_threads(threads):
    """TensorFlow's threads, and as many cores for this process and its children where the system lets choose."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def measure(args, folder, stack):
    """All figures but those of the machine; the worker ends with `stack`."""
    import zoo
    from benchmarks.peers.library import make_library

    images = [read_rgb(str(path)) for path in PICTURES]
    codecs = {name: exported(name, images, BITS_PER_PIXEL) for name in (MODEL, VARIABLE_RATE)}
    starts = {name: time_starts(name, codec, folder, args) for name, codec in codecs.items()}
    model = zoo.load(MODEL)
    codecs[LIBRARY] = InProcess(*make_library(model), images)
    versions = {name: importlib.metadata.version(name) for name in ("tensorflow", "tensorflow-compression")}
    if args.torch.exists():
        worker.write_weights(folder / "weights.npz", model)
        peers = stack.enter_context(
            worker.Worker(args.torch, args.threads, BITS_PER_PIXEL, folder / "weights.npz", PICTURES)
        )
        codecs |= {name: worker.Peer(peers, name) for name in peers.codecs}
        versions |= peers.versions
    else:
        print(f"CompressAI is left out: there is no {args.torch}; make it with --make_peers.")
    times = time_in_turns(codecs, args.turns)
    pixels = sum(image[..., 0].size for image in images)
    return {
        "versions": versions,
        "pictures": [path.name for path in PICTURES],
        "codecs": {name: check(codec, pixels) | times[name] for name, codec in codecs.items()},
        "starts_ms": starts,
    }


def time_in_turns(codecs, turns):
    """Times every part of every codec on every picture.

    Args:
      codecs: dict of name to codec, see `InProcess`.
      turns: int; one more comes first, to warm up.

    Returns:
      dict of name to dict of part, with "_ms", to milliseconds.
    """
    pictures = range(len(PICTURES))
    calls = [(name, part, i) for name, codec in codecs.items() for part in codec.parts for i in pictures]
    seconds = {call: [] for call in calls}
    for turn in range(turns + 1):
        random.Random(turn).shuffle(calls)
        for name, part, i in calls:
            time.sleep(REST)
            seconds[name, part, i].append(codecs[name].seconds(part, i))
    median = {call: 1000 * statistics.median(values[1:]) for call, values in seconds.items()}
    return {
        name: {
            f"{part}_ms": round(statistics.mean(median[name, part, i] for i in pictures), 2)
            for part in codec.parts
        }
        for name, codec in codecs.items()
    }


def check(codec, pixels):
    """The quality it works at, if there is one, and its rate and mean PSNR over all pictures: dict."""
    checks = [codec.check(i) for i in range(len(PICTURES))]
    return codec.about | {
        "bits_per_pixel": round(8 * sum(c["bytes"] for c in checks) / pixels, 4),
        "psnr": round(statistics.mean(c["psnr"] for c in checks), 3),
    }


def time_starts(name, codec, folder, args):
    """Milliseconds of loading, of the first picture and of both, in fresh processes: dict of part to medians."""
    file = folder / f"{name}.tln"
    file.write_bytes(codec.files[0])
    words = {"compress": [PICTURES[0], *codec.about.values()], "decompress": [file]}
    script = "import sys; from benchmarks.codec_inference import first_picture; first_picture(*sys.argv[1:])"
    figures = {}
    for part in WHOLE:
        command = [sys.executable, "-c", script, args.threads, name, part, *words[part]]
        turns = []
        for _ in range(args.starts):
            done = subprocess.run(list(map(str, command)), cwd=ROOT, check=True, stdout=subprocess.PIPE)
            load, first = json.loads(done.stdout)
            turns.append((load, first, load + first))
        medians = (round(statistics.median(values), 1) for values in zip(*turns, strict=True))
        figures[part] = dict(zip(("load", "first", "together"), medians, strict=True))
    return figures


def first_picture(threads, name, part, path, *quality):
    """Prints milliseconds of loading an export and of its first picture or file, once TensorFlow is imported."""
    import zoo

    set_threads(int(threads))
    start_graphs_at_once()  # as commands do
    if part == "compress":
        inputs = {"image": read_rgb(path)[None]}
    else:
        inputs = {"file_bytes": np.array([pathlib.Path(path).read_bytes()], object)}
    if quality:
        inputs["quality"] = np.array(list(map(int, quality)), np.int32)
    start = time.perf_counter()
    signatures = zoo.load_export(name)
    loaded = time.perf_counter()
    for output in signatures[part](**inputs).values():
        output.numpy()
    print(json.dumps([1000 * (loaded - start), 1000 * (time.perf_counter() - loaded)]))


def together(row):
    """Milliseconds of compressing and decompressing."""
    return sum(row[f"{part}_ms"] for part in WHOLE)


def compare(figures):
    """What is expected of the figures: list of dicts with what, value, bound and whether it is met."""
    codecs, ours = figures["codecs"], together(figures["codecs"][MODEL])
    rows = [
        (f"{name}: time / {MODEL}'s", together(codecs[name]) / ours, ">=", bound)
        for name, bound in AT_LEAST.items()
        if name in codecs
    ]
    for name, starts in figures["starts_ms"].items():
        rows += [(f"{name}: {part}, ms", codecs[name][f"{part}_ms"], "<=", CODER_MS) for part in CODER]
        rows += [(f"{name}: load and first {part}, ms", s["together"], "<=", START_MS) for part, s in starts.items()]  # fmt: skip
    return [
        {
            "what": what,
            "value": round(value, 3),
            "bound": f"{sign} {bound:.4g}",
            "met": value >= bound if sign == ">=" else value <= bound,
        }
        for what, value, sign, bound in rows
    ]


def report(figures):
    """Prints the figures."""
    print(f"{'':<66}{'bpp':>7}{'PSNR':>7}{'compress':>11}{'decompress':>12}{'both':>9}{'/ ours':>8}")
    ours = together(figures["codecs"][MODEL])
    for name, row in figures["codecs"].items():
        print(
            f"{name:<66}{row['bits_per_pixel']:>7.3f}{row['psnr']:>7.2f}{row['compress_ms']:>8.1f} ms"
            f"{row['decompress_ms']:>9.1f} ms{together(row):>6.0f} ms{together(row) / ours:>8.2f}"
        )
    for name in figures["starts_ms"]:
        parts = {key: value for key, value in figures["codecs"][name].items() if key.endswith("_ms")}
        print(f"{name}: " + ", ".join(f"{key[:-3]} {value:.1f} ms" for key, value in parts.items()))
    for row in figures["expected"]:
        met = "met" if row["met"] else "NOT met"
        print(f"{row['what']:<74}{row['value']:>9.2f}  {row['bound']:>8}  {met}")


if __name__ == "__main__":
    main()
