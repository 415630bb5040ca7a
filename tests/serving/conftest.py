"""A small model, and servers that serve it."""

import asyncio
import concurrent.futures
import dataclasses
import pathlib
import shutil
import signal
import subprocess
import threading

import pytest

pytest.importorskip("aiohttp")

PREFIX = b"recoded:"


def write_model(directory, scale=2.0):
    """Writes a SavedModel with small signatures of all kinds."""
    import numpy as np
    import tensorflow as tf

    from zoo.images.graph import decode_picture

    def spec(name, shape, dtype=tf.float32):
        return tf.TensorSpec(shape, dtype, name)

    kernel = tf.Variable(np.full([3, 3, 3, 2], scale, np.float32))
    kinds = [tf.bool, tf.int8, tf.uint8, tf.int16, tf.int32, tf.int64, tf.float32, tf.float64, tf.string]

    @tf.function(input_signature=[spec("x", [None, 2])])
    def multiply(x):
        return {"y": scale * x}

    @tf.function(input_signature=[spec("a", [None, 2]), spec("b", [None], tf.int32)])
    def two(a, b):
        return {"sum": tf.reduce_sum(a, 1) + tf.cast(b, tf.float32), "double": 2 * b}

    @tf.function(input_signature=[spec("image", [None, None, None, 3])])
    def convolve(image):
        return {"filtered": tf.nn.conv2d(image, kernel, 1, "SAME")}

    @tf.function(input_signature=[spec(kind.name, [None], kind) for kind in kinds])
    def echo(*inputs):
        return {f"{kind.name}_back": tf.identity(x) for kind, x in zip(kinds, inputs, strict=True)}

    @tf.function(input_signature=[spec("image_bytes", [None], tf.string), spec("quality", [None], tf.int32)])
    def compress_bytes(image_bytes, quality):
        def one(data):
            return PREFIX + tf.io.encode_png(decode_picture(data))

        known = tf.Assert(tf.reduce_all((quality > 0) & (quality <= 100)), ["quality is 1 to 100"])
        with tf.control_dependencies([known]):
            return {"file_bytes": tf.map_fn(one, image_bytes)}

    @tf.function(input_signature=[spec("file_bytes", [None], tf.string)])
    def decompress_bytes(file_bytes):
        right = tf.reduce_all(tf.strings.substr(file_bytes, 0, len(PREFIX)) == PREFIX)
        with tf.control_dependencies([tf.Assert(right, ["The file is damaged."])]):
            return {"image_bytes": tf.strings.substr(file_bytes, len(PREFIX), 2**30)}

    @tf.function(input_signature=[spec("turns", [None], tf.int32)])
    def spin(turns):
        square = tf.zeros([100, 100])
        for _ in tf.range(tf.reduce_max(turns)):
            square = tf.matmul(square, square)
        return {"turned": turns + tf.cast(square[0, 0], tf.int32)}

    @tf.function(input_signature=[spec("x", [None, 2])])
    def total(x):
        return {"total": tf.reduce_sum(x)}

    functions = [multiply, two, convolve, echo, compress_bytes, decompress_bytes, spin, total]
    module = tf.Module()
    module.kernel, module.functions = kernel, functions
    signatures = {f.__name__: f.get_concrete_function() for f in functions}
    signatures["serving_default"] = signatures["multiply"]
    tf.saved_model.save(module, str(directory), signatures)


@pytest.fixture(scope="session")
def saved_models(tmp_path_factory):
    """Two versions of a model, to be copied: (directory that doubles, directory that triples)."""
    folder = tmp_path_factory.mktemp("saved")
    for scale in (2, 3):
        write_model(folder / str(scale), float(scale))
    return folder / "2", folder / "3"


def install(saved, folder, version, name="small"):
    """Copies a SavedModel to where a server looks, under its final name at once."""
    target = pathlib.Path(folder) / name / str(version)
    partial = target.with_name(f".partial-{version}")
    shutil.copytree(saved, partial)
    partial.rename(target)
    return target


def predict_request(signature="", inputs=None, model="small", version=None, label=""):
    """A `PredictRequest`; inputs are arrays or `TensorProto`s, by default x of shape [2, 2]."""
    import numpy as np
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label:
        request.model_spec.version_label = label
    inputs = {"x": np.array([[1, 2], [3, 4]], np.float32)} if inputs is None else inputs
    for name, value in inputs.items():
        proto = tf.make_tensor_proto(value) if isinstance(value, np.ndarray) else value
        request.inputs[name].CopyFrom(proto)
    return request


def shaped(*shape, **values):
    """A float `TensorProto` that claims a shape."""
    from tensorflow.core.framework import tensor_pb2

    proto = tensor_pb2.TensorProto(dtype=1, **values)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


class EmbeddedServers:
    """Starts embedded servers in this process, on an event loop in a thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(120)

    def start(self, options):
        from zoo.serving.server import Server

        async def make():
            server = Server(options)
            try:
                await server.start()
            except BaseException:
                await server.stop()
                raise
            return server

        return self.call(make())

    def stop(self, server):
        self.call(server.stop())

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)


@pytest.fixture(scope="session")
def embedded():
    servers = EmbeddedServers()
    yield servers
    servers.close()


@pytest.fixture
def serve(embedded, tmp_path, saved_models):
    """Starts an embedded server: (**options) -> Server. `tmp_path / "models"` has version 1 unless it has a model."""
    started = []

    def start(**options):
        from zoo.serving.options import Options

        folder = tmp_path / "models"
        if not list(folder.glob("*/*/saved_model.pb")):
            install(saved_models[0], folder, 1)
        defaults = {"grpc_port": 0, "rest_port": 0, "poll_seconds": 0.05, "threads": 2, "retry_seconds": 0.05}
        server = embedded.start(Options(str(folder), **(defaults | options)))
        started.append(server)
        return server

    yield start
    for server in started:
        embedded.stop(server)


@dataclasses.dataclass
class Address:
    """Where a server listens."""

    name: str
    grpc_port: int
    rest_port: int


REAL = "tensorflow_model_server"
needs_real = pytest.mark.skipif(not shutil.which(REAL), reason=f"{REAL} is not on the PATH")


@pytest.fixture(scope="session", params=["embedded", *([REAL] if shutil.which(REAL) else [])])
def server(request, embedded, saved_models, tmp_path_factory):
    """Each kind of server with the model `small`, versions 1 and 2, and the label `stable` for 1."""
    from zoo.serving import find
    from zoo.serving.client import Client
    from zoo.serving.options import Options

    folder = tmp_path_factory.mktemp("models")
    for version, saved in enumerate(saved_models, 1):
        install(saved, folder, version)
    (folder / "models.config").write_text("""
        model_config_list { config {
          name: "small" base_path: "/models/small" model_platform: "tensorflow"
          model_version_policy { specific { versions: 1 versions: 2 } }
          version_labels { key: "stable" value: 1 }
        } }""")
    (folder / "monitoring.config").write_text(
        'prometheus_config { enable: true path: "/monitoring/prometheus/metrics" }'
    )
    if request.param == "embedded":
        server = embedded.start(Options(str(folder), grpc_port=0, rest_port=0, threads=2))
        yield Address("embedded", server.grpc_port, server.rest_port)
        embedded.stop(server)
        return
    options = Options(str(folder), grpc_port=find.free_port(), rest_port=find.free_port())
    with find.command_line(find.find_binary(), options) as command:
        process = subprocess.Popen(command)
        try:
            Client(f"http://127.0.0.1:{options.rest_port}").wait_until_ready("small")
            yield Address(REAL, options.grpc_port, options.rest_port)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


@pytest.fixture
def in_background():
    """Runs functions in threads: (function, *arguments) -> future."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        yield pool.submit
