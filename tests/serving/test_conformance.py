"""What any server of TF Serving's APIs must do; asked of the embedded one, and of the real one where it is.

The expected texts and codes are those of TF Serving's sources.
"""

import base64
import json

import grpc
import numpy as np
import pytest
import tensorflow as tf
import urllib3
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tests.serving.conftest import PREFIX, needs_real, predict_request, shaped

http = urllib3.PoolManager(retries=False, timeout=60)
X = [[1.0, 2.0], [3.0, 4.0]]


@pytest.fixture
def rest(server):
    """Asks over REST: (method, path, body) -> (status, document). A dict is sent as JSON."""

    def ask(method, path, body=None):
        body = json.dumps(body) if isinstance(body, dict) else body
        answer = http.request(method, f"http://127.0.0.1:{server.rest_port}{path}", body=body)
        return answer.status, json.loads(answer.data) if answer.data else None

    return ask


@pytest.fixture
def predict_rest(rest):
    """Asks for a prediction: (body, where) -> (status, document)."""
    return lambda body, where="small": rest("POST", f"/v1/models/{where}:predict", body)


@pytest.fixture(scope="session")
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        yield channel


@pytest.fixture
def predict_grpc(channel):
    """Asks for a prediction: (request) -> response."""
    return prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict


@pytest.fixture(autouse=True)
def alive(server):
    """Whatever a test asked, the server answers afterwards."""
    yield
    url = f"http://127.0.0.1:{server.rest_port}/v1/models/small:predict"
    answer = http.request("POST", url, body=json.dumps({"instances": X}))
    assert json.loads(answer.data) == {"predictions": [[3.0, 6.0], [9.0, 12.0]]}


def arrays(response):
    return {name: tf.make_ndarray(proto).tolist() for name, proto in response.outputs.items()}


@needs_real
def test_the_real_server_is_asked_too(server):
    assert server.grpc_port  # one line tells where all tests below meet only the embedded one


# What works.


@pytest.mark.parametrize(
    ("where", "factor"),
    [
        ("small", 3),
        ("small/versions/1", 2),
        ("small/versions/2", 3),
        ("small/labels/stable", 2),
        ("sm%61ll", 3),
    ],
)
def test_rest_versions_and_labels(predict_rest, where, factor):
    expected = (factor * np.array(X)).tolist()
    assert predict_rest({"instances": X}, where) == (200, {"predictions": expected})
    assert predict_rest({"inputs": X}, where) == (200, {"outputs": expected})


def test_rest_paths_have_no_case(rest):
    assert rest("POST", "/V1/Models/small:predict", {"inputs": X})[0] == 200


@pytest.mark.parametrize(
    ("spec", "version", "factor"), [({}, 2, 3), ({"version": 1}, 1, 2), ({"label": "stable"}, 1, 2)]
)
def test_grpc_versions_and_labels(predict_grpc, spec, version, factor):
    response = predict_grpc(predict_request(**spec))
    assert arrays(response) == {"y": (factor * np.array(X)).tolist()}
    assert response.model_spec.name == "small"
    assert response.model_spec.version.value == version
    assert response.model_spec.signature_name == "serving_default"
    assert list(response.outputs["y"].float_val) == (factor * np.ravel(X)).tolist()


def test_rows_and_columns_of_several_tensors(predict_rest):
    rows = [{"a": [1.0, 2.0], "b": 3}, {"a": [4.0, 5.0], "b": 6}]
    status, answer = predict_rest({"signature_name": "two", "instances": rows})
    assert status == 200
    assert answer == {"predictions": [{"double": 6, "sum": 6.0}, {"double": 12, "sum": 15.0}]}
    columns = {"a": [[1.0, 2.0], [4.0, 5.0]], "b": [3, 6]}
    status, answer = predict_rest({"signature_name": "two", "inputs": columns})
    assert answer == {"outputs": {"double": [6, 12], "sum": [6.0, 15.0]}}


def test_every_type_comes_back_over_rest(predict_rest):
    inputs = {
        "bool": [True, False], "int8": [-128, 127], "uint8": [0, 255], "int16": [-(2**15), 2**15 - 1],
        "int32": [-(2**31), 2**31 - 1], "int64": [-(2**63), 2**63 - 1], "float32": [0.1, -1e30], "float64": [0.1, 1e300],
        "string": ["ünï", {"b64": base64.b64encode(b"plain").decode()}],
    }  # fmt: skip
    status, answer = predict_rest({"signature_name": "echo", "inputs": inputs})
    assert status == 200, answer
    expected = inputs | {"string": ["ünï", "plain"]}
    assert answer["outputs"] == {f"{name}_back": value for name, value in expected.items()}


def test_numbers_that_are_none(predict_rest):
    status, answer = predict_rest('{"instances": [[NaN, Infinity], [-Infinity, 1]]}')
    assert status == 200
    assert np.array_equal(answer["predictions"], [[np.nan, np.inf], [-np.inf, 3]], equal_nan=True)


def test_bytes_over_rest(predict_rest, photograph):
    png = tf.io.encode_png(photograph).numpy()
    inputs = {"image_bytes": [{"b64": base64.b64encode(png).decode()}], "quality": [50]}
    status, answer = predict_rest({"signature_name": "compress_bytes", "inputs": inputs})
    assert status == 200
    file = base64.b64decode(answer["outputs"][0]["b64"])
    assert file.startswith(PREFIX)
    body = {"signature_name": "decompress_bytes", "instances": [{"b64": base64.b64encode(file).decode()}]}
    status, answer = predict_rest(body)
    restored = tf.io.decode_png(base64.b64decode(answer["predictions"][0]["b64"])).numpy()
    np.testing.assert_array_equal(restored, photograph)


def test_bytes_over_grpc_keep_their_zeros(predict_grpc):
    file = np.array([PREFIX + b"a\0b\0\0"], object)
    response = predict_grpc(predict_request("decompress_bytes", {"file_bytes": file}))
    assert response.outputs["image_bytes"].string_val[0] == b"a\0b\0\0"


def test_output_filter(predict_grpc):
    inputs = {"a": np.ones([1, 2], np.float32), "b": np.ones([1], np.int32)}
    request = predict_request("two", inputs)
    request.output_filter.append("double")
    assert arrays(predict_grpc(request)) == {"double": [2]}


def test_messages_of_more_than_four_megabytes(server):
    image = np.ones([1, 900, 900, 3], np.float32)
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        response = stub.Predict(predict_request("convolve", {"image": image}))
    assert response.ByteSize() > 2**22
    assert tf.make_ndarray(response.outputs["filtered"])[0, 5, 5].tolist() == [81.0, 81.0]


def test_status(rest, channel):
    ok = {"error_code": "OK", "error_message": ""}
    one, two = ({"version": v, "state": "AVAILABLE", "status": ok} for v in ("1", "2"))
    assert rest("GET", "/v1/models/small") == (200, {"model_version_status": [two, one]})
    for where in ("versions/1", "labels/stable"):
        assert rest("GET", f"/v1/models/small/{where}") == (200, {"model_version_status": [one]})
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "small"
    answer = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request)
    assert {s.version: s.state for s in answer.model_version_status} == {1: 30, 2: 30}


def test_metadata(rest, channel):
    status, document = rest("GET", "/v1/models/small/versions/1/metadata")
    assert status == 200
    assert document["model_spec"] == {"name": "small", "signature_name": "", "version": "1"}
    over_rest = document["metadata"]["signature_def"]["signature_def"]
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "small"
    response = prediction_service_pb2_grpc.PredictionServiceStub(channel).GetModelMetadata(request)
    assert response.model_spec.version.value == 2
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    over_grpc = signatures.signature_def
    real_only = {"__saved_model_init_op"}
    assert set(over_rest) - real_only == set(over_grpc) - real_only >= {"serving_default", "two", "echo"}
    image = over_rest["convolve"]["inputs"]["image"]
    assert image["dtype"] == "DT_FLOAT"
    assert [dim["size"] for dim in image["tensor_shape"]["dim"]] == ["-1", "-1", "-1", "3"]
    assert image["tensor_shape"]["unknown_rank"] is False
    assert over_rest["two"]["method_name"] == "tensorflow/serving/predict"
    assert over_grpc["two"].outputs["double"].dtype == tf.int32.as_datatype_enum


def test_metrics(server, predict_rest):
    predict_rest({"instances": X})
    page = http.request("GET", f"http://127.0.0.1:{server.rest_port}/monitoring/prometheus/metrics")
    assert ':tensorflow:serving:request_count{model_name="small",status="OK"}' in page.data.decode()


# What does not work, and how that is said.


def bad(name, body, status, text):
    return pytest.param(body, status, text, id=name)


PICTURE = {"image_bytes": [{"b64": "AAAA"}], "quality": [50]}


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        bad("empty", "", 400, "The document is empty"),
        bad("no JSON", "{", 400, "JSON Parse error"),
        bad("no text", b"\xff\xfe\x00", 400, "JSON Parse error"),
        bad("a list", "[1, 2]", 400, "Is not object"),
        bad("nothing", {}, 400, "Missing 'inputs' or 'instances' key"),
        bad("both", {"instances": X, "inputs": X}, 400, "one of 'inputs' or 'instances'"),
        bad("no rows", {"instances": []}, 400, "No values in 'instances' array"),
        bad("rows of nothing", {"instances": 1}, 400, "'instances' to be an list/array"),
        bad("signature's type", {"signature_name": 1, "inputs": X}, 400, "'signature_name' key must be a string"),
        bad("unknown signature", {"signature_name": "no", "inputs": X}, 400, '"no" not found in signature def'),
        bad("rank 1", {"inputs": [1.0, 2.0]}, 400, ""),
        bad("rank 3", {"inputs": [X]}, 400, ""),
        bad("width", {"inputs": [[1.0, 2.0, 3.0]]}, 400, ""),
        bad("ragged", {"inputs": [[1.0, 2.0], [3.0]]}, 400, ""),
        bad("empty batch", {"inputs": []}, 400, ""),
        bad("texts", {"inputs": [["1", "2"]]}, 400, "not of expected type: float"),
        bad("truths", {"inputs": [[True, False]]}, 400, "not of expected type: float"),
        bad("null", {"inputs": [[None, 1.0]]}, 400, "not of expected type: float"),
        bad("objects", {"inputs": [[{"b": 1}, 1.0]]}, 400, "not of expected type: float"),
        bad("too large", {"inputs": [[1e39, 1.0]]}, 400, "without loss of precision"),
        bad("too long", {"inputs": [[2**24 + 1, 1]]}, 400, "without loss of precision"),
        bad("beyond any", {"inputs": [[10**400, 1]]}, 400, ""),
        bad("missing", {"signature_name": "two", "inputs": {"a": X}}, 400, "Missing named input: b"),
        bad("missing in a row", {"signature_name": "two", "instances": [{"a": [1.0, 2.0]}]}, 400, "keys must be equal to: a,b"),
        bad("wrong name in a row", {"instances": [{"z": [1.0, 2.0]}]}, 400, ""),
        bad("bare", {"signature_name": "two", "inputs": X}, 400, "inputs is a plain value/list"),
        bad("bare rows", {"signature_name": "two", "instances": X}, 400, "instances is a plain list"),
        bad("uneven", {"signature_name": "two", "inputs": {"a": X, "b": [1]}}, 400, ""),
        bad("float for int", {"signature_name": "two", "inputs": {"a": X, "b": [1.5, 2.5]}}, 400, "expected type: int32"),
        bad("too large for int", {"signature_name": "two", "inputs": {"a": X, "b": [2**31, 1]}}, 400, "expected type: int32"),
        bad("rank 2 for an image", {"signature_name": "convolve", "inputs": X}, 400, ""),
        bad("base64", {"signature_name": "decompress_bytes", "inputs": [{"b64": "?!"}]}, 400, "base64"),
        bad("base64 of a number", {"signature_name": "decompress_bytes", "inputs": [{"b64": 1}]}, 400, ""),
        bad("damaged file", {"signature_name": "decompress_bytes", "inputs": [{"b64": "AAAA"}]}, 400, "The file is damaged."),
        bad("no picture", {"signature_name": "compress_bytes", "inputs": PICTURE}, 400, "neither PNG nor JPEG"),
        bad("deep", '{"instances": ' + "[" * 10**5 + "]" * 10**5 + "}", 400, ""),
        bad("deep rows", '{"instances": ' + "[" * 500 + "1" + "]" * 500 + "}", 400, ""),
        bad("huge", '{"instances": [[' + "1," * 10**6 + "1]]}", 400, ""),
    ],
)  # fmt: skip
def test_bad_bodies(predict_rest, server, body, status, text):
    if server.name != "embedded" and body.__class__ is str and len(body) > 10**4 and "[[[" in body:
        pytest.skip("TF Serving's parser recurses without a limit")
    answered, document = predict_rest(body)
    assert (answered, text in document["error"]) == (status, True), document


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("POST", "/v1/models/none:predict", 404, "Servable not found for request: Latest(none)"),
        ("POST", "/v1/models/small/versions/9:predict", 404, "Servable not found for request: Specific(small, 9)"),
        ("POST", "/v1/models/small/versions/99999999999999999999:predict", 400, "Failed to convert version"),
        ("POST", "/v1/models/small/labels/none:predict", 400, "Unrecognized servable version label: none"),
        ("POST", "/v1/models/small:fly", 400, "Malformed request: POST /v1/models/small:fly"),
        ("POST", "/v1/models/small", 400, "Malformed request"),
        ("GET", "/v1/models/small:predict", 400, "Malformed request"),
        ("PUT", "/v1/models/small:predict", 400, "Malformed request"),
        ("DELETE", "/v1/models/small", 400, "Malformed request"),
        ("GET", "/v1/models/small/versions/x", 400, "Malformed request"),
        ("GET", "/v1/models/none", 404, "Could not find any versions of model none"),
        ("GET", "/v1/models/small/versions/9", 404, "Could not find version 9 of model small"),
        ("GET", "/v1/models/none/metadata", 404, "Servable not found for request: Latest(none)"),
        ("POST", "/v1/models/small:classify", 400, "Expected classification signature method_name"),
        ("POST", "/v1/models/small:regress", 400, ""),
    ],
)  # fmt: skip
def test_bad_paths(rest, server, method, path, status, text):
    body = {"examples": [{"x": 1.0}]} if path.endswith(("classify", "regress")) else {"instances": X}
    answered, document = rest(method, path, body if method == "POST" else None)
    if server.name == "embedded" or answered != 405:  # the real one refuses some methods before it looks
        assert (answered, text in document["error"]) == (status, True), document


def test_a_path_that_is_none(rest, server):
    answer = http.request("GET", f"http://127.0.0.1:{server.rest_port}/etc/passwd")
    assert answer.status == 404


def wrong(name, signature, inputs, code, text=""):
    return pytest.param(signature, inputs, code, text, id=name)


PAIR = np.ones([1, 2], np.float32)
STRINGS = np.array([b"a", b"b"], object)
MISSING = "input size does not match signature: 1!=2 len({a}) != len({a,b}). Sent extra: {}. Missing but required: {b}."


@pytest.mark.parametrize(
    ("signature", "inputs", "code", "text"),
    [
        wrong("signature", "no", {"x": PAIR}, "FAILED_PRECONDITION", 'Serving signature key "no" not found.'),
        wrong("missing", "two", {"a": PAIR}, "INVALID_ARGUMENT", MISSING),
        wrong("extra", "", {"x": PAIR, "z": PAIR}, "INVALID_ARGUMENT", "Sent extra: {z}"),
        wrong("name", "", {"z": PAIR}, "INVALID_ARGUMENT"),
        wrong("nothing", "", {}, "INVALID_ARGUMENT", "Missing but required: {x}"),
        wrong("rank 1", "", {"x": np.ones(2, np.float32)}, "INVALID_ARGUMENT"),
        wrong("rank 2 for an image", "convolve", {"image": PAIR}, "INVALID_ARGUMENT"),
        wrong("rank 5 for an image", "convolve", {"image": shaped(1, 1, 1, 1, 3)}, "INVALID_ARGUMENT"),
        wrong("scalar", "", {"x": np.array(1, np.float32)}, "INVALID_ARGUMENT"),
        wrong("width", "", {"x": np.ones([1, 3], np.float32)}, "INVALID_ARGUMENT"),
        wrong("dtype", "", {"x": np.ones([1, 2], np.float64)}, "INVALID_ARGUMENT"),
        wrong("texts", "", {"x": STRINGS[None]}, "INVALID_ARGUMENT"),
        wrong("unknown dtype", "", {"x": tensor_pb2.TensorProto()}, "INVALID_ARGUMENT"),
        wrong("negative", "", {"x": shaped(-1, 2, float_val=[1, 2])}, "INVALID_ARGUMENT"),
        wrong("huge", "convolve", {"image": shaped(2**20, 2**20, 2**20, 3, float_val=[1])}, "INVALID_ARGUMENT"),
        wrong("overflowing", "convolve", {"image": shaped(2**62, 4, 1, 3, float_val=[1])}, "INVALID_ARGUMENT"),
        wrong("many dims", "", {"x": shaped(*[1] * 300, float_val=[1])}, "INVALID_ARGUMENT"),
        wrong("short content", "", {"x": shaped(1, 2, tensor_content=b"123")}, "INVALID_ARGUMENT", "tensor parsing error: x"),
        wrong("long content", "", {"x": shaped(1, 2, tensor_content=bytes(9))}, "INVALID_ARGUMENT"),
        wrong("uneven", "two", {"a": PAIR, "b": np.ones(2, np.int32)}, "INVALID_ARGUMENT"),
        wrong("empty batch", "convolve", {"image": np.ones([0, 4, 4, 3], np.float32)}, "INVALID_ARGUMENT"),
        wrong("damaged file", "decompress_bytes", {"file_bytes": STRINGS}, "INVALID_ARGUMENT", "The file is damaged."),
    ],
)  # fmt: skip
def test_bad_requests(predict_grpc, signature, inputs, code, text):
    request = predict_request(signature, inputs)
    with pytest.raises(grpc.RpcError) as caught:
        predict_grpc(request)
    assert (caught.value.code().name, text in caught.value.details()) == (code, True), caught.value.details()


@pytest.mark.parametrize(
    ("spec", "code", "text"),
    [
        ({"model": "none"}, "NOT_FOUND", "Servable not found for request: Latest(none)"),
        ({"model": ""}, "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        ({"version": 9}, "NOT_FOUND", "Servable not found for request: Specific(small, 9)"),
        ({"version": -1}, "NOT_FOUND", "Servable not found for request: Specific(small, -1)"),
        ({"label": "none"}, "INVALID_ARGUMENT", "Unrecognized servable version label: none"),
    ],
)
def test_models_that_are_not_there(predict_grpc, spec, code, text):
    with pytest.raises(grpc.RpcError) as caught:
        predict_grpc(predict_request(**spec))
    assert (caught.value.code().name, text in caught.value.details()) == (code, True), caught.value.details()


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["z"], "output tensor alias not found in signature: z Outputs expected to be in the set {y}."),
        (["y", "y"], "duplicate output tensor alias: y"),
    ],
)
def test_bad_output_filters(predict_grpc, names, text):
    request = predict_request()
    request.output_filter.extend(names)
    with pytest.raises(grpc.RpcError) as caught:
        predict_grpc(request)
    assert (caught.value.code().name, caught.value.details()) == ("INVALID_ARGUMENT", text)


def test_bad_metadata_requests(channel):
    ask = prediction_service_pb2_grpc.PredictionServiceStub(channel).GetModelMetadata
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    with pytest.raises(grpc.RpcError, match="Missing ModelSpec"):
        ask(request)
    request.model_spec.name = "small"
    with pytest.raises(grpc.RpcError, match="at least one metadata_field"):
        ask(request)
    request.metadata_field.append("other")
    with pytest.raises(grpc.RpcError, match="is not supported"):
        ask(request)


def test_no_model_spec(predict_grpc):
    with pytest.raises(grpc.RpcError) as caught:
        predict_grpc(predict_pb2.PredictRequest())
    assert (caught.value.code().name, caught.value.details()) == ("INVALID_ARGUMENT", "Missing ModelSpec")


def test_methods_for_other_signatures(channel, server):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    classify, regress = classification_pb2.ClassificationRequest(), regression_pb2.RegressionRequest()
    for request, method in ((classify, stub.Classify), (regress, stub.Regress)):
        request.model_spec.name = "small"
        request.input.example_list.examples.add()
        with pytest.raises(grpc.RpcError) as caught:
            method(request)
        assert caught.value.code().name == "INVALID_ARGUMENT"
        assert "method_name" in caught.value.details()
    with pytest.raises(grpc.RpcError) as caught:
        stub.MultiInference(inference_pb2.MultiInferenceRequest())
    assert caught.value.code().name in ("UNIMPLEMENTED", "INVALID_ARGUMENT")
