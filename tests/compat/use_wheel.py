"""Uses an installed Toulon from another folder: use_wheel.py PICTURES OUT. Only what a base installation has."""

import importlib.util
import pathlib
import re
import subprocess
import sys

pictures, out = map(pathlib.Path, sys.argv[1:])
toulon = pathlib.Path(sys.executable).parent / "toulon"
assert importlib.util.find_spec("tensorflow_compression") is None


def run(*arguments):
    """Runs a command; returns what it printed."""
    done = subprocess.run([toulon, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


assert "bls2017-vr" in run("list")
assert "Kodak" in run("card", "bls2017-vr")
out.mkdir(parents=True, exist_ok=True)
run("compress", pictures, out / "commands", "--quality", 50)
run("decompress", out / "commands", out / "back")
first = sorted((out / "commands").glob("*.tln"))[0]
assert "bls2017-vr" in run("info", first)
run("compress", pictures / f"{first.stem}.png", out / "effort.tln", "--quality", 50, "--effort", 2)
assert (out / "effort.tln").stat().st_size < 1.05 * first.stat().st_size
run("compress", pictures / f"{first.stem}.png", out / "target.tln", "--target-bytes", 20000)
assert (out / "target.tln").stat().st_size <= 20000

ports = ["--embedded", "--grpc_port", "0", "--rest_port", "0"]
server = subprocess.Popen([toulon, "serve", *ports], stdout=subprocess.PIPE, text=True)
try:
    addresses = ""
    while not re.search(r"http://\S+", addresses):
        line = server.stdout.readline()
        assert line, "the server ended"
        addresses += line
    rest = re.search(r"http://[^\s,;]+", addresses)[0]
    grpc = "grpc://" + re.search(r"gRPC ([^\s,]+)", addresses)[1]
    run("client", "compress", pictures, out / "client", "--server", grpc, "--quality", 50)
    run("client", "decompress", out / "client", out / "client-back", "--server", rest)
finally:
    server.terminate()
    assert server.wait(60) == 0
for path in sorted((out / "back").glob("*.png")):
    assert (out / "client-back" / path.name).exists()
print(f"commands, server and client work with {sys.executable}")
