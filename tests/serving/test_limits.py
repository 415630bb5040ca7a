"""Limits of time, number and size; starting, stopping, health, metrics, the list and the page."""

import asyncio
import base64
import gzip
import json
import socket
import time

import grpc
import numpy as np
import pytest
import urllib3
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import prediction_service_pb2_grpc

from tests.serving.conftest import install, predict_request, shaped
from zoo.errors import UserError
from zoo.serving import rest
from zoo.serving.client import Client
from zoo.serving.status import ServingError

http = urllib3.PoolManager(retries=False, timeout=60)
X = [[1.0, 2.0]]


def address(server, scheme):
    return f"{scheme}://127.0.0.1:{server.rest_port if scheme == 'http' else server.grpc_port}"


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_time_limit(serve, scheme):
    server = serve(timeout=0.3)
    client = Client(address(server, scheme))
    client.metadata("small")
    with pytest.raises(ServingError, match="longer than it may") as caught:
        client.predict("small", "spin", {"turns": [30000]})
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert (
        metrics(server)[':tensorflow:serving:request_count{model_name="small",status="DEADLINE_EXCEEDED"}']
        == 1
    )
    end = time.monotonic() + 60
    while (
        time.monotonic() < end
    ):  # what was given up is computed to its end, and may hold up others for a while
        try:
            assert client.predict("small", "", {"x": X})["y"].tolist() == [[2.0, 4.0]]
            return
        except ServingError as error:
            assert error.code == "DEADLINE_EXCEEDED"
    pytest.fail("the server does not answer any more")


def test_the_callers_own_time_limit(serve):
    client = Client(address(serve(), "grpc"))
    client.predict("small", "", {"x": X})
    client._door._timeout = 0.2
    with pytest.raises(ServingError) as caught:
        client.predict("small", "spin", {"turns": [30000]})
    assert caught.value.code == "DEADLINE_EXCEEDED"


def test_requests_under_way(serve, in_background):
    server = serve(max_requests=2)
    clients = [Client(address(server, scheme)) for scheme in ("http", "grpc")]
    for client in clients:
        client.metadata("small")
    slow = [in_background(clients[0].predict, "small", "spin", {"turns": [20000]}) for _ in range(2)]
    while server._predictor._requests < 2:
        time.sleep(0.01)
    refused = []
    for client in clients:
        with pytest.raises(ServingError) as caught:
            client.predict("small", "", {"x": X})
        refused.append(caught.value.code)
    assert refused == ["RESOURCE_EXHAUSTED"] * 2
    assert clients[0].status("small") == {1: ("AVAILABLE", "")}  # that is not counted
    for future in slow:
        assert future.result()["turned"].tolist() == [20000]
    assert clients[1].predict("small", "", {"x": X})["y"].tolist() == [[2.0, 4.0]]


def test_size_of_requests(serve):
    server = serve(max_request_bytes=10**5)
    over_rest, over_grpc = (Client(address(server, scheme)) for scheme in ("http", "grpc"))
    inputs = {"image": np.ones([1, 100, 100, 3], np.float32)}
    with pytest.raises(ServingError, match="larger than 100000 bytes"):
        over_rest.predict("small", "convolve", inputs)
    with pytest.raises(ServingError, match="larger than max") as caught:
        over_grpc.predict("small", "convolve", inputs)
    assert caught.value.code == "RESOURCE_EXHAUSTED"
    assert over_rest.predict("small", "", {"x": X})["y"].tolist() == [[2.0, 4.0]]


def test_compressed_bodies(serve):
    url = f"{address(serve(max_request_bytes=10**5), 'http')}/v1/models/small:predict"
    headers = {"Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps({"instances": X}).encode())
    assert json.loads(http.request("POST", url, body=body, headers=headers).data) == {
        "predictions": [[2.0, 4.0]]
    }
    bomb = gzip.compress(b" " * 10**7)
    assert http.request("POST", url, body=bomb, headers=headers).status == 413
    broken = http.request("POST", url, body=b"no gzip", headers=headers)
    assert broken.status == 400


def test_values_that_a_proto_repeats_are_bounded(serve):
    with grpc.insecure_channel(f"127.0.0.1:{serve().grpc_port}") as channel:
        predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        assert predict(predict_request("total", {"x": shaped(100, 2, float_val=[1])})).outputs[
            "total"
        ].float_val == [200]
        with pytest.raises(grpc.RpcError, match="too few values"):
            predict(predict_request("total", {"x": shaped(2**24, 2, float_val=[1])}))


def test_a_slow_prediction_does_not_hold_up_the_rest(serve, in_background):
    server = serve(threads=1)
    client = Client(address(server, "http"))
    slow = in_background(client.predict, "small", "spin", {"turns": [20000]})
    while not server._predictor._requests:
        time.sleep(0.01)
    start = time.monotonic()
    client.status("small")
    client.metadata("small")
    quick = time.monotonic() - start
    slow.result()
    assert quick < time.monotonic() - start


def test_ports_in_use(serve, embedded):
    first = serve()
    with pytest.raises(UserError, match=f"gRPC cannot listen at 127.0.0.1:{first.grpc_port}"):
        serve(grpc_port=first.grpc_port)
    with pytest.raises(UserError, match=f"REST cannot listen at 127.0.0.1:{first.rest_port}"):
        serve(rest_port=first.rest_port)


def test_health(serve):
    with grpc.insecure_channel(f"127.0.0.1:{serve().grpc_port}") as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        for service in ("", "PredictionService", "tensorflow.serving.ModelService"):
            assert check(health_pb2.HealthCheckRequest(service=service)).status == 1
        with pytest.raises(grpc.RpcError):
            check(health_pb2.HealthCheckRequest(service="none"))


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_stopping_lets_requests_end(serve, embedded, in_background, scheme):
    server = serve()
    client = Client(address(server, scheme))
    client.metadata("small")
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == 1
        slow = in_background(client.predict, "small", "spin", {"turns": [20000]})
        while not server._predictor._requests:
            time.sleep(0.01)
        stopping = asyncio.run_coroutine_threadsafe(server.stop(), embedded.loop)
        assert next(watch).status == 2  # not serving
        watch.cancel()
    assert slow.result()["turned"].tolist() == [20000]
    stopping.result(30)
    for port in (server.grpc_port, server.rest_port):
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 1):
            pass


def metrics(server, path="/monitoring/prometheus/metrics"):
    """The samples of a server's metrics page: dict of name with labels to value."""
    answer = http.request("GET", address(server, "http") + path)
    lines = [line.rsplit(" ", 1) for line in answer.data.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_metrics_count_what_happened(serve):
    server = serve()
    over_rest, over_grpc = (Client(address(server, scheme)) for scheme in ("http", "grpc"))
    for _ in range(3):
        over_rest.predict("small", "", {"x": X})
    over_grpc.predict("small", "", {"x": X})
    for client in (over_rest, over_grpc):
        for wrong in ({"x": [1.0]}, {}):
            with pytest.raises(ServingError):
                client.predict("small", "", wrong)
        with pytest.raises(ServingError):
            client.predict("any name at all", "", {"x": X})
    counted = metrics(server)
    count = ':tensorflow:serving:request_count{model_name="small",status="%s"}'
    assert counted[count % "OK"] == 4
    assert counted[count % "INVALID_ARGUMENT"] == 4
    assert not any("any name" in name for name in counted)
    latency = ':tensorflow:serving:request_latency_%s{API="Predict",entrypoint="%s",model_name="small"}'
    assert counted[latency % ("count", "REST")] == 5
    assert counted[latency % ("count", "GRPC")] == 3
    runtime = ':tensorflow:serving:runtime_latency_count{API="Predict",model_name="small",runtime="TF2"}'
    assert counted[runtime] == 4
    assert 0 < counted[latency % ("sum", "GRPC")] < 60e6


def test_metrics_where_the_configuration_wants_them(serve, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "monitoring.config").write_text('prometheus_config { enable: true path: "/elsewhere" }')
    assert "process_open_fds" in metrics(serve(), "/elsewhere")
    (folder / "monitoring.config").write_text("prometheus_config { enable: false }")
    answer = http.request("GET", f"{address(serve(), 'http')}/monitoring/prometheus/metrics")
    assert answer.status == 404


def test_the_list_of_models(serve, saved_models, tmp_path):
    folder = tmp_path / "models"
    card = {"title": "A codec", "identity": "ab", "training": [1, 2], "config": {"distortion": "mse"}}
    (install(saved_models[0], folder, 3) / "card.json").write_text(json.dumps(card))
    install(saved_models[0], folder, 1, "without-card")
    answer = http.request("GET", f"{address(serve(), 'http')}/v1/models")
    one, other = json.loads(answer.data)["models"]
    assert (one["name"], one["versions"]) == ("small", [3])
    assert "compress_bytes" in one["signatures"]
    assert one["card"] == {"title": "A codec", "identity": "ab", "distortion": "mse"}
    assert (other["name"], other["card"]) == ("without-card", {})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_page(serve, tmp_path, monkeypatch):
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<title>Hello</title>")
    (page / "app.js").write_text("1")
    (tmp_path / "secret").write_text("secret")
    monkeypatch.setattr(rest, "PAGE", page)
    server = serve()
    assert http.request("GET", address(server, "http") + "/").data == b"<title>Hello</title>"
    answer = http.request("GET", address(server, "http") + "/page/app.js")
    assert answer.data == b"1"
    assert "javascript" in answer.headers["Content-Type"]
    for path in ("/page/none.js", "/page/../secret", "/page/%2e%2e/secret", "/page//secret", "/secret"):
        with socket.create_connection(("127.0.0.1", server.rest_port)) as raw:  # urllib3 would tidy the path
            raw.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answer = raw.makefile("rb").read()
        assert b" 404 " in answer.split(b"\r\n")[0], path
        assert b"secret\n" not in answer.split(b"\r\n\r\n")[1]


def test_connections_that_say_nothing(serve):
    server = serve()
    silent = [socket.create_connection(("127.0.0.1", server.rest_port)) for _ in range(20)]
    for connection in silent[:10]:
        connection.sendall(
            b"POST /v1/models/small:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
        )
    assert Client(address(server, "http")).predict("small", "", {"x": X})["y"].tolist() == [[2.0, 4.0]]
    for connection in silent:
        connection.close()


def test_texts_that_are_no_base64_of_bytes(serve):
    body = {"signature_name": "decompress_bytes", "inputs": [base64.b64encode(b"recoded:x").decode()]}
    answer = http.request(
        "POST", f"{address(serve(), 'http')}/v1/models/small:predict", body=json.dumps(body)
    )
    assert "The file is damaged" in json.loads(answer.data)["error"]  # taken as text, as TF Serving does
