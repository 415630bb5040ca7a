"""CompressAI in a side environment: making it, and asking its worker."""

import json
import pathlib
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-compressai"
PYTHON = ENVIRONMENT / "bin" / "python"
PACKAGES = ["compressai==1.2.8", "torch==2.13.0", "torchvision==0.28.0"]
FACTORIZED, SAME_NETWORK = "CompressAI bmshj2018-factorized (random weights)", "CompressAI, our network"


def make_environment():
    """Makes the side environment. Of an index that has torch for CPUs, as 2.13.0+cpu, pip takes that."""
    subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "--disable-pip-version-check", *PACKAGES], check=True)


def write_weights(path, model):
    """Writes a trained `zoo.codec.model.BLS2017` for the worker.

    Arrays "analysis/I/X" and "synthesis/I/X", I from 0, X kernel [k, k, in, out], bias [out], beta [C] and gamma
    [C, C]; those of `zoo.coding.tables.Tables`; medians [C], input_mean and input_scale.
    """
    import tensorflow_compression as tfc

    from zoo.coding.tables import make_tables

    arrays = make_tables(model.cdf.numpy(), model.cdf_offset.numpy()[np.newaxis]).arrays()
    arrays["medians"] = model.quantization_offset.numpy()
    arrays |= {key: getattr(model.config, key) for key in ("input_mean", "input_scale")}
    for transform in (model.analysis, model.synthesis):
        convolutions = [layer for layer in transform.layers if isinstance(layer, tfc.SignalConv2D)]
        nested = [(layer, getattr(layer, "activation", None)) for layer in transform.layers]
        gdns = [layer for pair in nested for layer in pair if isinstance(layer, tfc.GDN)]
        for i, (convolution, gdn) in enumerate(zip(convolutions, gdns, strict=True)):
            for layer, keys in ((convolution, ("kernel", "bias")), (gdn, ("beta", "gamma"))):
                arrays |= {f"{transform.name}/{i}/{key}": getattr(layer, key).numpy() for key in keys}
    np.savez(path, **arrays)


class Worker:
    """The process of `compressai_worker.py`. A context, which ends it.

    Args:
      python: path of the side environment's Python.
      threads: int.
      bits_per_pixel: float, the rate to which a codec without trained weights is brought.
      weights: path, see `write_weights`.
      pictures: paths.

    Attributes:
      codecs: list of str.
      versions: dict.

    Raises:
      RuntimeError: it ended; what it wrote to the standard error says why.
    """

    def __init__(self, python, threads, bits_per_pixel, weights, pictures):
        script = pathlib.Path(__file__).with_name("compressai_worker.py")
        command = [python, script, threads, bits_per_pixel, weights, *pictures]
        self._process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        ready = self._reply()
        self.codecs, self.versions = ready["codecs"], ready["versions"]

    def ask(self, codec, part, picture):
        """Asks for one timed call, or a check: a dict."""
        question = {"codec": codec, "part": part, "picture": picture}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._reply()

    def _reply(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker ended with status {self._process.wait()}.")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.stdin.close()
        self._process.wait()


class Peer:
    """A codec of the worker's; the interface of `benchmarks.peers.in_process.InProcess`, times by the worker's clock."""

    parts = ("compress", "decompress")
    about = {}  # noqa: RUF012

    def __init__(self, process, name):
        self._process, self._name = process, name

    def seconds(self, part, i):
        """Time of one call."""
        return self._process.ask(self._name, part, i)["seconds"]

    def check(self, i):
        """What picture i costs, and how good it is: dict of bytes and psnr."""
        return self._process.ask(self._name, "check", i)
