"""Published figures, on the field's test sets: TOULON_SR=DIR of Set5, Set14 and BSD100, as pairs NAME_HR….EXT and NAME_LRx4.png."""

import os

import numpy as np
import pytest

import zoo
from tests.superres import oracle
from zoo.superres.benchmark import psnr_y
from zoo.superres.experiments import interpolate, load_pairs
from zoo.superres.projection import Downsample

FOLDER = os.environ.get("TOULON_SR")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER, reason="needs the test sets of super-resolution, TOULON_SR=DIR"),
]


@pytest.mark.parametrize(("name", "expected"), [("Set5", 28.42), ("BSD100", 25.96)])
def test_bicubic_interpolation(name, expected):
    """Every paper's baseline (Wang et al. 2018, table 2) proves the protocol."""
    pairs = load_pairs(os.path.join(FOLDER, name), 4)
    psnrs = [psnr_y(interpolate(small).pixels, large, 4) for small, large in pairs]
    assert np.mean(psnrs) == pytest.approx(expected, abs=0.02)


def test_untrained_it_is_already_a_decibel_better():
    model = zoo.create("affmse")
    psnrs = []
    for small, large in load_pairs(os.path.join(FOLDER, "Set5"), 4):
        result = model(small[np.newaxis].astype(np.float32) / 255)[0].numpy()
        psnrs.append(psnr_y(np.round(255 * result.clip(0, 1)).astype(np.uint8), large, 4))
    assert np.mean(psnrs) == pytest.approx(29.34, abs=0.05)


@pytest.mark.parametrize("name", ["Set5", "Set14"])
def test_small_pictures_are_what_the_kernel_makes(name):
    """The published ones to the bit, with their borders and rounding; ours but for the outer two pixels nearly."""
    for small, large in load_pairs(os.path.join(FOLDER, name), 4):
        np.testing.assert_array_equal(oracle.downsample_as_old_matlab(large, 4), small)
        ours = np.asarray(Downsample()(large[np.newaxis].astype(np.float32)))[0]
        error = np.abs(ours.clip(0, 255) - small)[2:-2, 2:-2]
        assert error.max() < 3  # they are clipped and rounded twice
        assert error.mean() < 0.35
