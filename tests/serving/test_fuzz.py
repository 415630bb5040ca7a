"""Thousands of damaged requests: each is answered, none ends the server."""

import base64
import json
import random

import grpc
import numpy as np
import pytest
import urllib3
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tests.conftest import ROOT
from tests.serving.conftest import predict_request
from zoo.serving.client import Client

COUNT = 2000
X = [[1.0, 2.0]]
EXPECTED = {"INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND"}


def damage(data, rng):
    """Bytes with a few changes: flipped bits, cut, repeated or foreign parts."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        position, length = rng.randrange(len(data) + 1), rng.randint(1, 8)
        kind = rng.randrange(4)
        if kind == 0 and position < len(data):
            data[position] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[position : position + length]
        elif kind == 2:
            data[position:position] = data[position : position + length]
        else:
            data[position:position] = rng.randbytes(length)
    return bytes(data)


def grpc_requests(photograph):
    import tensorflow as tf

    png = np.array([tf.io.encode_png(photograph[:16, :16]).numpy()], object)
    two = {"a": np.ones([2, 2], np.float32), "b": np.ones([2], np.int32)}
    return [
        predict_request("multiply"),
        predict_request("two", two),
        predict_request("convolve", {"image": np.ones([1, 4, 4, 3], np.float32)}),
        predict_request("compress_bytes", {"image_bytes": png, "quality": np.array([50], np.int32)}),
        predict_request("decompress_bytes", {"file_bytes": np.array([b"recoded:" + png[0]], object)}),
    ]


@pytest.mark.slow
def test_damaged_grpc_requests(serve, photograph):
    """The bytes of a message are damaged, those that are no message any more included."""
    server, rng = serve(), random.Random(0)
    sound = [request.SerializeToString() for request in grpc_requests(photograph)]
    codes = {}
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        predict = channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            request_serializer=bytes,
            response_deserializer=predict_pb2.PredictResponse.FromString,
        )
        for number in range(COUNT):
            try:
                predict(damage(rng.choice(sound), rng), timeout=60)
                code = "OK"
            except grpc.RpcError as error:
                code = error.code().name
                assert code in EXPECTED, (number, error)
            codes[code] = codes.get(code, 0) + 1
    assert codes["OK"] > 20
    assert codes["INVALID_ARGUMENT"] > 100
    assert Client(f"grpc://127.0.0.1:{server.grpc_port}").predict("small", "", {"x": X})["y"].tolist() == [
        [2, 4]
    ]


def wild_tensor(proto, rng):
    """Changes what a `TensorProto` says of itself."""
    sizes = [-1, 0, 1, 2, 3, 16, 2**31, 2**40, 2**62]
    kind = rng.randrange(5)
    if kind == 0 and proto.tensor_shape.dim:
        rng.choice(proto.tensor_shape.dim).size = rng.choice(sizes)
    elif kind == 1:
        proto.tensor_shape.dim.add(size=rng.choice(sizes))
    elif kind == 2 and proto.tensor_shape.dim:
        del proto.tensor_shape.dim[-1]
    elif kind == 3:
        proto.dtype = rng.randrange(0, 30)
    else:
        proto.tensor_content = proto.tensor_content[: rng.randrange(9)] + rng.randbytes(rng.randrange(9))


@pytest.mark.slow
@pytest.mark.parametrize("enable_batching", [False, True])
def test_wild_tensors(serve, photograph, enable_batching):
    server, rng = serve(enable_batching=enable_batching), random.Random(1)
    sound, codes = grpc_requests(photograph), {}
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        for number in range(COUNT):
            request = predict_pb2.PredictRequest()
            request.CopyFrom(rng.choice(sound))
            for _ in range(rng.randint(1, 3)):
                wild_tensor(request.inputs[rng.choice(list(request.inputs))], rng)
            try:
                predict(request, timeout=60)
                code = "OK"
            except grpc.RpcError as error:
                code = error.code().name
                assert code in EXPECTED, (number, error)
            codes[code] = codes.get(code, 0) + 1
    assert codes["INVALID_ARGUMENT"] > COUNT // 2


@pytest.mark.slow
def test_damaged_bodies(serve, photograph):
    import tensorflow as tf

    server, rng = serve(), random.Random(2)
    png = base64.b64encode(tf.io.encode_png(photograph[:16, :16]).numpy()).decode()
    bodies = [
        {"instances": X},
        {"signature_name": "two", "instances": [{"a": [1, 2], "b": 3}]},
        {"signature_name": "two", "inputs": {"a": X, "b": [3]}},
        {"signature_name": "convolve", "inputs": [[[[1, 2, 3]]]]},
        {"signature_name": "compress_bytes", "inputs": {"image_bytes": [{"b64": png}], "quality": [50]}},
    ]
    http, statuses = urllib3.PoolManager(retries=False, timeout=60), {}
    url = f"http://127.0.0.1:{server.rest_port}/v1/models/small:predict"
    for number in range(COUNT):
        answer = http.request("POST", url, body=damage(json.dumps(rng.choice(bodies)).encode(), rng))
        document = json.loads(answer.data)
        assert answer.status in (200, 400), (number, document)
        assert answer.status == 200 or document["error"], number
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
    assert statuses[200] > 5  # most are no JSON any more


@pytest.mark.slow
def test_damaged_files_for_the_shipped_codec(embedded):
    from zoo.serving.options import Options

    server = embedded.start(Options(str(ROOT / "exported"), grpc_port=0, rest_port=0))
    rng, codes = random.Random(3), {}
    client = Client(f"grpc://127.0.0.1:{server.grpc_port}")
    try:
        data = next(iter((ROOT / "tests" / "expected").glob("bls2017-vr-*.tln"))).read_bytes()
        for number in range(200):
            try:
                client.predict("bls2017-vr", "decompress_bytes", {"file_bytes": [damage(data, rng)]})
                code = "OK"
            except Exception as error:
                code = error.code
            codes[code] = codes.get(code, 0) + 1
            assert set(codes) <= {"INVALID_ARGUMENT", "OK"}, number
        assert codes["INVALID_ARGUMENT"] >= 190
        empty = np.zeros([1, 0, 0, 3], np.uint8)
        for signature in ("transform", "compress", "reconstruct"):
            inputs = {"image": empty} | ({} if signature == "transform" else {"quality": [50]})
            try:
                client.predict("bls2017-vr", signature, inputs)
            except Exception as error:
                assert error.code == "INVALID_ARGUMENT", (signature, error)
        assert client.status("bls2017-vr")[1][0] == "AVAILABLE"
    finally:
        embedded.stop(server)
