"""`toulon serve` as a process: started, asked, told to stop."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

from tests.conftest import ROOT
from tests.serving.conftest import install
from zoo.serving.client import Client


@pytest.fixture
def toulon_serve(saved_models, tmp_path):
    """Starts `toulon serve`: (*words) -> (process, first line printed)."""
    install(saved_models[0], tmp_path, 1)
    processes = []

    def start(*words):
        command = [sys.executable, "-m", "zoo.cli", "serve", "--models", str(tmp_path), "--embedded", *words]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            env=os.environ | {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"},
        )  # fmt: skip
        processes.append(process)
        watchdog = threading.Timer(120, process.kill)
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        return process, line

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_started_asked_and_stopped(toulon_serve, in_background):
    process, line = toulon_serve("--grpc_port=0", "--rest_port=0")
    grpc_port, rest_port = re.fullmatch(
        r"toulon serve: gRPC 127\.0\.0\.1:(\d+), REST http://127\.0\.0\.1:(\d+), models: small 1\n", line
    ).groups()
    for address in (f"http://127.0.0.1:{rest_port}", f"grpc://127.0.0.1:{grpc_port}"):
        client = Client(address)
        assert client.predict("small", "", {"x": [[1.0, 2.0]]})["y"].tolist() == [[2.0, 4.0]]
    second, line = toulon_serve(f"--grpc_port={grpc_port}", "--rest_port=0")
    assert line == ""
    _, error = our_lines(second.communicate()[1])
    assert second.returncode == 1
    assert error.startswith(f"toulon serve: gRPC cannot listen at 127.0.0.1:{grpc_port}; it is in use")
    client.metadata("small")
    slow = in_background(client.predict, "small", "spin", {"turns": [30000]})
    wait_until_under_way(rest_port)
    process.send_signal(signal.SIGTERM)
    assert slow.result()["turned"].tolist() == [30000]
    _, complained = process.communicate(timeout=60)
    assert process.returncode == 0
    assert our_lines(complained) == ["toulon serve: small version 1 is served"]


def our_lines(complained):
    """What a process wrote to stderr, without what TensorFlow says of the machine."""
    assert "Traceback" not in complained
    return [line for line in complained.splitlines() if line.startswith("toulon")]


def wait_until_under_way(rest_port):
    """Returns once the server is answering a request."""
    url = f"http://127.0.0.1:{rest_port}/monitoring/prometheus/metrics"
    while b"toulon_requests_under_way 1.0" not in urllib.request.urlopen(url).read():
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once(toulon_serve, in_background, number):
    process, line = toulon_serve("--grpc_port=0", "--rest_port=0")
    rest_port = re.search(r"http://127\.0\.0\.1:(\d+)", line)[1]
    client = Client(f"http://127.0.0.1:{rest_port}")
    client.metadata("small")
    slow = in_background(client.predict, "small", "spin", {"turns": [10**8]})
    wait_until_under_way(rest_port)
    process.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(number)
    process.wait(30)
    assert process.returncode != 0
    assert slow.exception()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--models", "/nowhere"], "is no folder of exports"),
        (["--timeout", "0"], "--timeout is 0"),
        (["--threads", "-1"], "--threads is -1"),
        (["--grpc_port", "x"], "invalid int value"),
    ],
)
def test_mistakes_take_one_line(capsys, words, message):
    from zoo.cli import main

    try:
        status = main(["serve", "--embedded", *words])
    except SystemExit as stop:
        status = stop.code
    assert status in (1, 2)
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_real_binary_is_preferred(tmp_path, saved_models, monkeypatch, capfd):
    """What stands for one here answers the status and notes how it was started."""
    from zoo.cli import main

    binary = tmp_path / "bin" / "tensorflow_model_server"
    binary.parent.mkdir()
    binary.write_text(STAND_IN.format(python=sys.executable, log=str(tmp_path / "log")))
    binary.chmod(0o755)
    install(saved_models[0], tmp_path / "models", 1)
    monkeypatch.setenv("PATH", str(binary.parent), prepend=os.pathsep)
    status = main(["serve", "--models", str(tmp_path / "models"), "--grpc_port=0", "--rest_port=0"])
    assert status == 7
    arguments = json.loads((tmp_path / "log").read_text())
    assert "--enable_grpc_healthcheck_service=true" in arguments
    assert "on every address of this machine, models: small" in capfd.readouterr().out


STAND_IN = """#!{python}
import http.server, json, sys
open({log!r}, "w").write(json.dumps(sys.argv[1:]))
port = int(next(a for a in sys.argv if a.startswith("--rest_api_port=")).split("=")[1])

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{{"model_version_status": [{{"version": "1", "state": "AVAILABLE", "status": {{"error_message": ""}}}}]}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a):
        pass

http.server.HTTPServer(("127.0.0.1", port), Handler).handle_request()
sys.exit(7)
"""
