"""The client, over both doors, and `toulon client`."""

import importlib
import io
import re
import socket
import threading

import numpy as np
import pytest
from PIL import Image

from zoo.cli import main
from zoo.coding.container import Container, unpack
from zoo.errors import UserError
from zoo.serving.client import Client
from zoo.serving.status import ServingError

X = [[1.0, 2.0], [3.0, 4.0]]
SCHEMES = pytest.mark.parametrize("scheme", ["http", "grpc"])


@pytest.fixture
def connect(serve):
    """Starts a server and connects: (scheme) -> Client."""

    def begin(scheme):
        server = serve()
        return Client(f"{scheme}://127.0.0.1:{server.rest_port if scheme == 'http' else server.grpc_port}")

    return begin


@SCHEMES
def test_arrays_have_the_types_of_the_signature(connect, scheme):
    client = connect(scheme)
    inputs = {
        "bool": [True, False], "int8": [1, -2], "uint8": [0, 255], "int16": [3, -4], "int32": [5, -6],
        "int64": [2**62, -1], "float32": [0.1, np.nan], "float64": [0.1, np.inf], "string": [b"a", "ü".encode()],
    }  # fmt: skip
    for given in (inputs, {k: np.array(v, object if k == "string" else k) for k, v in inputs.items()}):
        outputs = client.predict("small", "echo", given)
        assert len(outputs) == len(inputs)
        for name, value in inputs.items():
            back = outputs[f"{name}_back"]
            assert back.dtype == (object if name == "string" else name)
            np.testing.assert_array_equal(back, np.array(value, back.dtype))


@SCHEMES
def test_bytes(connect, scheme):
    client = connect(scheme)
    data = b"recoded:" + bytes(range(256)) + b"\0\0"
    for value in ([data], np.array([data], object), (data,)):
        answer = client.predict("small", "decompress_bytes", {"file_bytes": value})["image_bytes"]
        assert answer.tolist() == [data[8:]]


@SCHEMES
def test_versions_status_and_metadata(connect, scheme):
    client = connect(scheme)
    client.wait_until_ready("small", 5)
    assert client.status("small") == {1: ("AVAILABLE", "")}
    assert client.predict("small", "", {"x": X}, version=1)["y"].tolist() == [[2.0, 4.0], [6.0, 8.0]]
    signatures = client.metadata("small")
    assert signatures["two"] == {
        "inputs": {"a": ("float32", (None, 2)), "b": ("int32", (None,))},
        "outputs": {"sum": ("float32", (None,)), "double": ("int32", (None,))},
    }
    assert signatures["convolve"]["inputs"] == {"image": ("float32", (None, None, None, 3))}
    assert signatures["total"]["outputs"] == {"total": ("float32", ())}
    assert client.predict("small", "total", {"x": X})["total"] == 10


@SCHEMES
@pytest.mark.parametrize(
    ("ask", "code", "text"),
    [
        (lambda c: c.predict("none", "", {"x": X}), "NOT_FOUND", "Servable not found"),
        (lambda c: c.predict("small", "", {"x": X}, version=7), "NOT_FOUND", "Specific"),
        (lambda c: c.predict("small", "", {"x": X}, label="a/b"), "INVALID_ARGUMENT", "a/b"),
        (lambda c: c.predict("small", "", {"x": [1.0]}), "INVALID_ARGUMENT", "[?, 2] is expected"),
        (lambda c: c.predict("small", "", {"x": [["a", "b"]]}), "INVALID_ARGUMENT", ""),
        (lambda c: c.predict("small", "", {"z": X}), "INVALID_ARGUMENT", "x"),
        (lambda c: c.predict("small", "no", {"x": X}), None, '"no" not found'),
        (lambda c: c.predict("small", "decompress_bytes", {"file_bytes": [b"x"]}), "INVALID_ARGUMENT", "damaged"),
        (lambda c: c.status("none"), "NOT_FOUND", "Could not find any versions of model none"),
        (lambda c: c.metadata("none"), "NOT_FOUND", "Servable not found"),
        (lambda c: c.wait_until_ready("none", 0.2), "NOT_FOUND", "none"),
    ],
)  # fmt: skip
def test_errors(connect, scheme, ask, code, text):
    with pytest.raises(ServingError) as caught:
        ask(connect(scheme))
    assert text in str(caught.value)
    assert "Graph execution error" not in str(caught.value)  # where in the graph is no caller's business
    assert caught.value.code == (code or ("INVALID_ARGUMENT" if scheme == "http" else "FAILED_PRECONDITION"))
    assert "\n" not in str(caught.value)


@SCHEMES
def test_a_server_that_is_not_there(scheme):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = Client(f"{scheme}://127.0.0.1:{free.getsockname()[1]}", timeout=2)
        with pytest.raises(ServingError, match="does not answer; is `toulon serve` running") as caught:
            client.status("small")
    assert caught.value.code == "UNAVAILABLE"


def test_a_server_of_another_kind_and_one_that_is_slow():
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")

        threading.Thread(target=answer, daemon=True).start()
        client = Client(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=0.5)
        with pytest.raises(ServingError, match="is no TensorFlow Serving"):
            client.status("small")
        with pytest.raises(ServingError, match="took too long") as caught:
            client.status("small")
    assert caught.value.code == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize("address", ["localhost:8501", "ftp://x", "http://", ""])
def test_wrong_addresses(address):
    with pytest.raises(UserError, match="HOST:PORT is expected"):
        Client(address)


def test_rest_needs_no_tensorflow(run_python):
    code = """
import sys
from zoo.serving.client import Client
from zoo.serving.status import ServingError
from zoo.cli import main
try: Client("http://127.0.0.1:9", 1).predict("m", "", {"x": [1.0]})
except ServingError: pass
main(["client", "compress", "setup.py", "a.tln", "--server", "http://127.0.0.1:9"])
print(sorted({"tensorflow", "grpc", "aiohttp"} & set(sys.modules)))"""
    done = run_python("-c", code)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    assert done.stderr.startswith("toulon client: http://127.0.0.1:9 does not answer")
    assert len(done.stderr.splitlines()) == 1


class CodecServer:
    """Stands for a client whose server keeps the PNG it is sent as the payload of a .tln file."""

    def __init__(self, rates=True):
        self.asked = []
        self.threads = set()
        self._inputs = {"image_bytes": ("string", (None,))} | (
            {"quality": ("int32", (None,))} if rates else {}
        )

    def metadata(self, model):
        if model != "codec":
            raise ServingError("NOT_FOUND", f"Servable not found for request: Latest({model})")
        return {"compress_bytes": {"inputs": self._inputs}, "decompress_bytes": {"inputs": {}}}

    def predict(self, model, signature, inputs):
        self.asked.append(inputs.get("quality"))
        self.threads.add(threading.get_ident())
        if signature == "decompress_bytes":
            return {"image_bytes": [unpack(inputs["file_bytes"][0]).payload]}
        png = inputs["image_bytes"][0]
        image = Image.open(io.BytesIO(png))
        file = Container(bytes(8), image.height, image.width, png, 50, image.mode == "L")
        return {"file_bytes": [file.pack()]}


@pytest.fixture
def toulon(monkeypatch, capsys):
    """Runs `toulon client` against a `CodecServer`: (server, words) -> (status, printed, complained)."""

    def run(server, *words):
        monkeypatch.setattr("zoo.serving.client.Client", lambda address, timeout: server)
        status = main(["client", *map(str, words), "--model", "codec"])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_compress_and_decompress(toulon, photograph, tmp_path):
    image = Image.fromarray(photograph)
    image.putalpha(Image.fromarray(photograph[..., 0]))
    profile = Image.open(io.BytesIO(_png_with_profile())).info["icc_profile"]
    image.save(tmp_path / "a.png", icc_profile=profile)
    server, small = CodecServer(), tmp_path / "a.tln"
    status, out, err = toulon(server, "compress", tmp_path / "a.png", small)
    assert (status, err) == (0, "")
    size = small.stat().st_size
    assert out == f"{small}: quality 50, 192 x 128, {size} bytes, {8 * size / 24576:.3f} bits per pixel\n"
    np.testing.assert_array_equal(unpack(small.read_bytes()).read_alpha(), photograph[..., 0])
    assert toulon(server, "decompress", small, tmp_path / "b.png")[0] == 0
    back = Image.open(tmp_path / "b.png")
    np.testing.assert_array_equal(np.asarray(back)[..., :3], photograph)
    assert back.info["icc_profile"] == profile
    assert server.asked == [[50], None]


def _png_with_profile():
    from PIL import ImageCms

    file = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (1, 1)).save(file, "PNG", icc_profile=profile)
    return file.getvalue()


def test_folders(toulon, photograph, tmp_path):
    pictures = tmp_path / "pictures"
    (pictures / "more").mkdir(parents=True)
    for n in range(6):
        Image.fromarray(photograph[n:]).save(pictures / "more" / f"{n}.png")
    (pictures / "bad.png").write_bytes(b"no picture")
    server = CodecServer()
    status, out, err = toulon(
        server, "compress", pictures, tmp_path / "small", "--quality", 70, "--parallel", 3
    )
    assert status == 1
    assert "6 of 7 files" in out
    assert re.search(r"bad\.png: is not a picture", err)
    assert server.asked == [[70]] * 6
    assert 1 < len(server.threads) <= 3
    status, out, err = toulon(server, "decompress", tmp_path / "small", tmp_path / "back", "--format", "webp")
    assert (status, err) == (0, "")
    for n in range(6):
        image = np.asarray(Image.open(tmp_path / "back" / "more" / f"{n}.webp"))
        np.testing.assert_array_equal(image, photograph[n:])


def test_mistakes_take_one_line(toulon, photograph, tmp_path):
    Image.fromarray(photograph).save(tmp_path / "a.png")
    Image.fromarray(photograph).save(tmp_path / "b.png")
    folder, out = tmp_path / "small", tmp_path / "a.tln"
    for server, words, text in [
        (CodecServer(), ("compress", tmp_path / "none.png", out), "does not exist"),
        (CodecServer(rates=False), ("compress", tmp_path, folder, "--quality", 5), "has one rate"),
        (CodecServer(), ("decompress", tmp_path / "a.png", tmp_path / "c.png"), "not a .tln file"),
        (CodecServer(), ("decompress", tmp_path / "a.tln", tmp_path / "c.xyz"), "xyz"),
    ]:
        status, _, err = toulon(server, *words)
        assert (status, len(err.splitlines())) == (1, 1), err
        assert text in err
    assert not folder.exists()
    assert not out.exists()


def test_a_model_that_the_server_has_not(monkeypatch, photograph, tmp_path, capsys):
    monkeypatch.setattr("zoo.serving.client.Client", lambda address, timeout: CodecServer())
    for name in ("a.png", "b.png"):
        Image.fromarray(photograph).save(tmp_path / name)
    assert main(["client", "compress", str(tmp_path), str(tmp_path / "small"), "--model", "none"]) == 1
    assert capsys.readouterr().err == "toulon client: Servable not found for request: Latest(none)\n"


@pytest.mark.slow
@SCHEMES
def test_a_server_makes_the_same_files_as_this_machine(
    embedded, tiny_variable_export, photograph, tmp_path, scheme
):
    from zoo.serving.options import Options

    image = Image.fromarray(photograph)
    image.putalpha(Image.fromarray(photograph[..., 0]))
    image.save(tmp_path / "a.png")
    name = tiny_variable_export.parent.name
    server = embedded.start(Options(str(tiny_variable_export.parent.parent), grpc_port=0, rest_port=0))
    try:
        port = server.rest_port if scheme == "http" else server.grpc_port
        address = ["--server", f"{scheme}://127.0.0.1:{port}", "--model", name]
        here, there, back = tmp_path / "here.tln", tmp_path / "there.tln", tmp_path / "back.png"
        local = ["--model", str(tiny_variable_export), "--quality", "70"]
        assert main(["compress", str(tmp_path / "a.png"), str(here), *local]) == 0
        assert (
            main(["client", "compress", str(tmp_path / "a.png"), str(there), "--quality", "70", *address])
            == 0
        )
        assert there.read_bytes() == here.read_bytes()
        assert main(["client", "decompress", str(there), str(back), *address]) == 0
        np.testing.assert_array_equal(np.asarray(Image.open(back))[..., 3], photograph[..., 0])
    finally:
        embedded.stop(server)


@pytest.mark.slow
@SCHEMES
def test_a_server_enlarges_as_this_machine_does(
    embedded, tiny_superres_export, photograph, tmp_path, capsys, scheme
):
    from zoo.serving.options import Options

    image = Image.fromarray(photograph[:30, :40])
    image.convert("L").save(tmp_path / "grey.png")
    image.putalpha(Image.fromarray(photograph[:30, :40, 0]))
    image.save(tmp_path / "alpha.png")
    server = embedded.start(Options(str(tiny_superres_export.parent.parent), grpc_port=0, rest_port=0))
    try:
        port = server.rest_port if scheme == "http" else server.grpc_port
        address = ["--server", f"{scheme}://127.0.0.1:{port}", "--model", tiny_superres_export.parent.name]
        for name, mode in (("grey", "L"), ("alpha", "RGBA")):
            source, here, there = (str(tmp_path / f"{name}{end}.png") for end in ("", "-here", "-there"))
            assert main(["upscale", source, here, "--model", str(tiny_superres_export)]) == 0
            assert main(["client", "upscale", source, there, *address]) == 0
            pair = [Image.open(path) for path in (here, there)]
            assert [p.mode for p in pair] == [mode, mode]
            difference = np.subtract(*(np.asarray(p, np.int16) for p in pair))
            assert np.abs(difference).max() <= 1
        capsys.readouterr()
        assert main(["client", "decompress", source, there, *address]) == 1
        assert "is no codec; its signatures are candidate, " in capsys.readouterr().err
    finally:
        embedded.stop(server)


def test_the_client_commands_are_known_by_name():
    from zoo.serving.commands import CLIENT_COMMANDS

    for name, (module, _) in CLIENT_COMMANDS.items():
        assert callable(getattr(importlib.import_module(module), f"run_{name}"))
