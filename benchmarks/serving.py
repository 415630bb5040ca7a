"""How fast `toulon serve` answers, over gRPC and REST, alone and with many clients, batched and not.

    python -m benchmarks.serving                                # bls2017-vr and two dense models, ten minutes
    python -m benchmarks.serving --seconds=1 --clients=1,8      # a quick look

A server is started as a process of its own, a real TensorFlow Serving where there is one; the clients are threads of this
one and share its cores. Requests are made once and sent again and again. Pictures are crops of 256 x 256 pixels of the
shipped photographs.
"""

import concurrent.futures
import contextlib
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np
from absl import app, flags, logging

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FLAGS = flags.FLAGS
flags.DEFINE_string("model", "bls2017-vr", "Name of a codec's export.")
flags.DEFINE_float("seconds", 10.0, "Time of each measurement.", lower_bound=0.1)
flags.DEFINE_list("clients", ["1", "8", "64"], "Numbers of clients.")
flags.DEFINE_list(
    "workloads", None, "Some of compress_bytes, decompress_bytes, dense and large_dense; all unless told."
)
flags.DEFINE_integer("memory_requests", 10000, "Requests between two looks at the server's memory.")
flags.DEFINE_integer("crop", 256, "Side of the pictures in pixels.", lower_bound=16)
flags.DEFINE_bool("embedded", False, "The embedded server even where a real one is on the PATH.")
flags.DEFINE_string("out", "benchmarks/results/serving.json", "JSON file to write the figures to.")

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOORS = ("grpc", "rest")


def write_dense(directory, *widths):
    """A SavedModel of dense layers, of 256 inputs, so many hidden units, and 10 outputs."""
    import tensorflow as tf

    from zoo.export.saved_model import save_signatures

    shapes = itertools.pairwise([256, *widths, 10])
    weights = [tf.Variable(0.02 * tf.random.stateless_normal(shape, [0, 0])) for shape in shapes]

    @tf.function(input_signature=[tf.TensorSpec([None, 256], tf.float32, "x")])
    def classify(x):
        for matrix in weights[:-1]:
            x = tf.nn.relu(x @ matrix)
        return {"scores": tf.nn.softmax(x @ weights[-1])}

    save_signatures(directory, {"classify": classify}, "classify")


@contextlib.contextmanager
def running_server(folder, batching):
    """Starts `toulon serve` on a folder: (process, {"grpc": port, "rest": port})."""
    command = [sys.executable, "-m", "zoo.cli", "serve", "--models", folder, "--grpc_port=0", "--rest_port=0"]
    command += ["--enable_batching"] * batching + ["--embedded"] * FLAGS.embedded
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        line = process.stdout.readline()
        found = re.search(r"gRPC (?:port |\S+:)(\d+), REST (?:port |\S+:)(\d+)", line)
        if not found:
            sys.exit(f"the server did not start: {line}")
        yield process, dict(zip(DOORS, found.groups(), strict=True))
    finally:
        process.terminate()
        process.wait()


def make_requests():
    """The inputs of each workload: dict of name to (model, signature, list of inputs)."""
    import tensorflow as tf

    import zoo
    from zoo.images.files import read_rgb

    signatures = zoo.load_export(FLAGS.model)
    quality = "quality" in signatures["compress_bytes"].structured_input_signature[1]
    pictures, files = [], []
    for path in sorted((ROOT / "zoo/data/samples/kodak").glob("*.png")):
        image = read_rgb(str(path))
        for top, left in itertools.product((0, 200), (0, 300)):
            crop = image[top : top + FLAGS.crop, left : left + FLAGS.crop]
            inputs = {"image_bytes": np.array([tf.io.encode_png(crop).numpy()], object)}
            inputs |= {"quality": np.array([50], np.int32)} if quality else {}
            pictures.append(inputs)
            answer = signatures["compress_bytes"](**{k: tf.constant(v) for k, v in inputs.items()})
            files.append({"file_bytes": answer["file_bytes"].numpy()})
    rows = np.random.default_rng(0).random([16, 1, 256], np.float32)
    return {
        "compress_bytes": (FLAGS.model, "compress_bytes", pictures),
        "decompress_bytes": (FLAGS.model, "decompress_bytes", files),
        "dense": ("dense", "classify", [{"x": row} for row in rows]),
        "large_dense": ("large_dense", "classify", [{"x": row} for row in rows]),
    }


def grpc_sender(port, model, signature, inputs):
    """A function that sends the n-th request over gRPC and returns whether it was answered."""
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    messages = []
    for one in inputs:
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = model, signature
        for name, value in one.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        messages.append(request.SerializeToString())
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.max_receive_message_length", -1)])
    predict = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")

    def send(number):
        try:
            return bool(predict(messages[number % len(messages)], timeout=300))
        except grpc.RpcError:
            return False

    return send


def rest_sender(port, model, signature, inputs):
    """The same over REST."""
    import urllib3

    from zoo.serving.client import _to_json

    bodies = [
        json.dumps({"signature_name": signature, "inputs": {k: _to_json(v) for k, v in one.items()}}).encode()
        for one in inputs
    ]
    pool = urllib3.PoolManager(maxsize=64, retries=False, timeout=300)
    url = f"http://127.0.0.1:{port}/v1/models/{model}:predict"

    def send(number):
        try:
            return pool.request("POST", url, body=bodies[number % len(bodies)]).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    return send


SENDERS = {"grpc": grpc_sender, "rest": rest_sender}


def measure(send, clients, seconds=None, count=None):
    """Sends from so many clients for so long, or so often.

    Returns:
      dict: requests, errors, requests_per_second, p50_ms, p99_ms.
    """
    numbers, times, lock = itertools.count(), [], threading.Lock()
    start = time.perf_counter()

    def client():
        mine = []
        while True:
            number = next(numbers)
            begun = time.perf_counter()
            if number >= count if count else begun - start >= seconds:
                break
            answered = send(number)
            mine.append((time.perf_counter() - begun, answered))
        with lock:
            times.extend(mine)

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        for future in [pool.submit(client) for _ in range(clients)]:
            future.result()
    elapsed = time.perf_counter() - start
    answered = [seconds for seconds, right in times if right] or [float("nan")]
    return {
        "requests": len(times),
        "errors": sum(not right for _, right in times),
        "requests_per_second": round(sum(right for _, right in times) / elapsed, 2),
        "p50_ms": round(1e3 * float(np.percentile(answered, 50)), 2),
        "p99_ms": round(1e3 * float(np.percentile(answered, 99)), 2),
    }


def measure_memory(process, ports, requests):
    """The server's resident memory in MiB before and after many requests, of all kinds in turn, from 8 clients."""
    import psutil

    senders = [
        SENDERS[door](ports[door], *requests[name])
        for door in DOORS
        for name in ("dense", "decompress_bytes")
    ]
    mixed = [senders[0]] * 48 + [senders[2]] * 48 + [senders[1], senders[3]]  # mostly the quick ones

    def resident():
        return round(psutil.Process(process.pid).memory_info().rss / 2**20, 1)

    measure(lambda number: mixed[number % len(mixed)](number), 8, count=200)
    before = resident()
    found = measure(lambda number: mixed[number % len(mixed)](number), 8, count=FLAGS.memory_requests)
    return {
        "requests": found["requests"],
        "errors": found["errors"],
        "before_mib": before,
        "after_mib": resident(),
    }


def main(_):
    """Measures, prints and writes."""
    from zoo import registry
    from zoo.files import write_text
    from zoo.serving import find

    requests = make_requests()
    rows, memory = [], {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write_dense(folder / "dense" / "1", 256)
        write_dense(
            folder / "large_dense" / "1", 4096, 4096
        )  # reading its weights takes longer than a row's products
        (folder / FLAGS.model).symlink_to(registry.find_export(FLAGS.model).parent.resolve())
        (folder / "batching.config").write_text((ROOT / "exported" / "batching.config").read_text())
        print(
            f"{'':<9}{'':<6}{'':<18}{'clients':>8}{'a second':>10}{'p50, ms':>10}{'p99, ms':>10}{'errors':>8}"
        )
        for batching in (False, True):
            with running_server(folder, batching) as (process, ports):
                for door, name, clients in itertools.product(
                    DOORS, FLAGS.workloads or requests, map(int, FLAGS.clients)
                ):
                    send = SENDERS[door](ports[door], *requests[name])
                    measure(send, clients, count=2 * clients)
                    row = measure(send, clients, FLAGS.seconds)
                    rows.append(
                        {"batching": batching, "door": door, "workload": name, "clients": clients} | row
                    )
                    print(
                        f"{'batched' if batching else 'single':<9}{door:<6}{name:<18}{clients:>8}"
                        f"{row['requests_per_second']:>10.1f}{row['p50_ms']:>10.1f}{row['p99_ms']:>10.1f}{row['errors']:>8}",
                        flush=True,
                    )
                memory["batched" if batching else "single"] = measure_memory(process, ports, requests)
    for name, found in memory.items():
        print(
            f"{name}: {found['before_mib']} MiB, after {found['requests']} requests {found['after_mib']} MiB"
        )
    server = "embedded" if FLAGS.embedded or not find.find_binary() else find.BINARY
    figures = {
        "server": server, "model": FLAGS.model, "crop": FLAGS.crop, "cores": os.cpu_count(), "seconds": FLAGS.seconds,
        "results": rows, "memory": memory,
    }  # fmt: skip
    write_text(FLAGS.out, json.dumps(figures, indent=1) + "\n")


def parse(argv):
    """Parses flags, then imports TensorFlow, which must come before absl runs `main`."""
    rest = FLAGS(argv)
    logging.set_verbosity(logging.WARNING)
    import tensorflow  # noqa: F401

    return rest


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
