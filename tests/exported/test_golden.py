"""Files that were written once decode to the same pixels, but for one grey level, whatever computes them."""

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.exported.test_exports import of_paper
from zoo.codec.files import load_codec
from zoo.codec.search import compress
from zoo.coding.container import unpack
from zoo.files import write_bytes
from zoo.images.files import read_rgb, write_image
from zoo.images.picture import Picture

SETTINGS = [
    {},
    {"TF_ENABLE_ONEDNN_OPTS": "0"},
    {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"},
]


@pytest.fixture
def golden(request, photograph):
    """The .tln file and the .png of what it decodes to, of an export; `--remake-expected` writes them anew."""
    directory = request.param
    small, picture = (
        ROOT / "tests" / "expected" / f"{directory.parent.name}-{directory.name}{suffix}"
        for suffix in (".tln", ".png")
    )
    if request.config.getoption("--remake-expected"):
        codec = load_codec(directory)
        alpha = photograph[..., 0] if codec.qualities > 1 else None
        data = compress(codec, Picture(photograph, alpha=alpha)).data
        write_bytes(small, data)
        write_image(str(picture), codec.unpack(unpack(data)).to_pillow())
    return small, picture


@of_paper("codec", "golden", indirect=True)
@pytest.mark.parametrize(
    "environment",
    [pytest.param(s, marks=pytest.mark.slow if s else [], id="-".join(s) or "plain") for s in SETTINGS],
)
def test_golden_files_decode_to_the_same_pixels(golden, environment, run_python, tmp_path):
    small, expected = golden
    done = run_python("-m", "zoo.cli", "decompress", small, tmp_path / "back.png", **environment)
    assert done.returncode == 0, done.stderr
    error = read_rgb(str(tmp_path / "back.png")).astype(int) - read_rgb(str(expected))
    assert np.abs(error).max() <= 1
