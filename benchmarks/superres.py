"""Speed and memory of super-resolution, beside a twin of its network in PyTorch.

    python -m benchmarks.codec_inference --make_peers    # once: PyTorch (and CompressAI) in an environment of its own
    python -m benchmarks.superres                        # some minutes, on a machine that does nothing else

Parts take turns, in an order that changes, with the same threads; PyTorch does so in a process of its own. Medians.

- network, skip, projection: of the Keras model in graphs, 512 x 512 pixels to four times as large.
- PyTorch: the same network with the same variables, channels last.
- tiled, whole: the network's part of `Upscaler`, in tiles of 256 with their margins, and at once.
- a picture of 50 megapixels by `toulon upscale`: seconds and peak memory of the process.
"""

import argparse
import json
import pathlib
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

from benchmarks.codec_inference import REST, machine, set_threads
from benchmarks.large_picture import compose
from benchmarks.peers import worker
from zoo.files import write_text

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "superres.json"
SIZE, TILE = 512, 256
LARGE = 1768, 1768  # pixels each way, a sixteenth of 50 megapixels
# What is expected: (what, the largest value).
PROJECTION, TILING, GIBIBYTES = 0.35, 1.10, 2.0


def main():
    """Measures, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="affmse-x4")
    parser.add_argument("--turns", type=int, default=15, help="timed turns, of which the median counts")
    parser.add_argument("--threads", type=int, default=2, help="threads, and cores, of everybody")
    parser.add_argument("--torch", type=pathlib.Path, default=worker.PYTHON, help="Python with PyTorch")
    args = parser.parse_args()
    figures = machine() | {"model": args.model, "threads": args.threads, "turns": args.turns}
    set_threads(args.threads)
    figures |= time_large(args.model)  # first, while it is the only child whose memory is counted
    figures |= time_parts(args)
    figures["expected"] = compare(figures)
    for name, value in figures.items():
        if name != "expected":
            print(f"{name}: {value}")
    for row in figures["expected"]:
        print(
            f"{row['what']:<60}{row['value']:>8.3f}  <= {row['at_most']:<6}{'met' if row['met'] else 'NOT met'}"
        )
    write_text(RESULT, json.dumps(figures, indent=1) + "\n")


def time_parts(args):
    """Milliseconds of each part, and the versions of what was measured."""
    import tensorflow as tf

    import zoo
    from zoo.images.tiles import by_tiles

    model = zoo.load(args.model)
    rng = np.random.default_rng(0)
    image = rng.random([1, SIZE, SIZE, 3], np.float32)
    small = tf.constant(image)
    candidate = model.candidate(small)
    network, skip, whole = (tf.function(f) for f in (model.network, model.skip, model))
    project = tf.function(lambda x, f: model.projection([x, f]))
    parts = {
        "network": lambda: network(small).numpy(),
        "skip": lambda: skip(small).numpy(),
        "projection": lambda: project(small, candidate).numpy(),
        "all": lambda: whole(small).numpy(),
    }
    # Sizes of tiles differ at the borders, so the graphs take any.
    any_size = tf.function(model.candidate, input_signature=[tf.TensorSpec([1, None, None, 3], tf.float32)])
    out = np.empty([SIZE * model.config.scale] * 2 + [3], np.float32)

    def run(part):
        return any_size(tf.constant(part[np.newaxis]))[0].numpy()

    for name, tile in (("tiled", TILE), ("whole", SIZE)):
        parts[name] = lambda tile=tile: by_tiles(
            run, image[0], out, model.config.scale, tile, model.network.reach
        )
    timers = {name: lambda part=part: clock(part) for name, part in parts.items()}
    versions = {"tensorflow": tf.__version__}
    with tempfile.TemporaryDirectory() as folder:
        twin = start_twin(args, model, image, pathlib.Path(folder)) if args.torch.exists() else None
        if twin:
            process, about = twin
            versions |= about["versions"]
            assert about["error"] < 1e-4, f"the twin's result differs by {about['error']}"
            timers["pytorch"] = lambda: ask(process)["seconds"]
        else:
            print(f"PyTorch is left out: there is no {args.torch}; see --help of benchmarks.codec_inference.")
        seconds = {name: [] for name in timers}
        for turn in range(args.turns + 2):
            names = list(timers)
            random.Random(turn).shuffle(names)
            for name in names:
                time.sleep(REST)
                seconds[name].append(timers[name]())
        if twin:
            process.stdin.close()
            process.wait()
    medians = {f"{name}_ms": round(1000 * statistics.median(s[2:]), 2) for name, s in seconds.items()}
    return {"versions": versions} | medians


def clock(part):
    """Seconds of a call."""
    start = time.perf_counter()
    part()
    return time.perf_counter() - start


def start_twin(args, model, image, folder):
    """Starts `peers.superres_worker`: (process, its first answer)."""
    network = model.network
    layers = {"first": network.first, "last": network.last}
    for i, block in enumerate(network.blocks):
        layers |= {f"block_{i}/expand": block.expand, f"block_{i}/contract": block.contract}
    arrays = {f"{name}/kernel": layer.kernel.numpy() for name, layer in layers.items()}
    arrays |= {f"{name}/bias": layer.bias.numpy() for name, layer in layers.items()}
    np.savez(folder / "weights.npz", **arrays, input=image, output=network(image).numpy())
    script = pathlib.Path(worker.__file__).with_name("superres_worker.py")
    command = [args.torch, script, str(args.threads), folder / "weights.npz"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())


def ask(process):
    """One timed run of the twin."""
    process.stdin.write("\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def time_large(model):
    """Seconds and peak memory, GiB, of `toulon upscale` to 50 megapixels."""
    with tempfile.TemporaryDirectory() as folder:
        source, destination = pathlib.Path(folder, "in.png"), pathlib.Path(folder, "out.bmp")
        Image.fromarray(compose()[: LARGE[0], : LARGE[1]]).save(source)
        command = [sys.executable, "-m", "zoo.cli", "upscale", source, destination, "--model", model]
        start = time.perf_counter()
        subprocess.run(command, check=True, cwd=ROOT)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return {"large_megapixels": 50, "large_s": round(seconds, 1), "large_peak_gib": round(peak, 2)}


def compare(figures):
    """What is expected of the figures: list of dicts with what, value, at_most and met."""
    rows = [
        ("projection and skip / network", (figures["projection_ms"] + figures["skip_ms"]) / figures["network_ms"], PROJECTION),
        ("tiled / whole", figures["tiled_ms"] / figures["whole_ms"], TILING),
        ("peak memory for 50 megapixels, GiB", figures["large_peak_gib"], GIBIBYTES),
    ]  # fmt: skip
    if "pytorch_ms" in figures:
        rows.insert(0, ("network / the same in PyTorch", figures["network_ms"] / figures["pytorch_ms"], 1.0))
    return [
        {"what": what, "value": round(value, 3), "at_most": limit, "met": value <= limit}
        for what, value, limit in rows
    ]


if __name__ == "__main__":
    main()
