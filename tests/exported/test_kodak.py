"""What the README claims of the codec, on Kodak's 24 pictures: TOULON_KODAK=DIR."""

import os

import numpy as np
import pytest

import zoo.data
from zoo.codec import anchors
from zoo.codec import rate_distortion as rd
from zoo.codec.files import load_codec
from zoo.codec.search import TOLERANCE, Draft, Target, compress
from zoo.images.picture import Picture

KODAK = os.environ.get("TOULON_KODAK")
needs_kodak = pytest.mark.skipif(not KODAK, reason="needs Kodak's pictures, TOULON_KODAK=DIR")


def load_kodak():
    source = zoo.data.load(f"folder:{KODAK}/*.png", "test")
    assert len(source) == 24
    return [source[i]["image"] for i in range(24)]


@pytest.mark.slow
@needs_kodak
@pytest.mark.parametrize("name", ["bls2017-vr", "bls2017-vr-msssim"])
def test_bytes_and_psnr_rise_with_quality(name):
    codec, qualities = load_codec(name), range(1, 101, 3)
    drafts = [Draft(codec, Picture(image)) for image in load_kodak()]
    sizes = np.array([[len(draft.data(q)) for q in qualities] for draft in drafts])
    assert np.all(np.diff(sizes) > 0)
    psnrs = np.array([[draft.psnr(q) for q in qualities] for draft in drafts])
    assert np.all(np.diff(psnrs.mean(axis=0)) > 0)
    assert np.all(psnrs[:, 4:] > psnrs[:, :-4])  # of each picture, twelve qualities further


@pytest.mark.slow
@needs_kodak
def test_targets_are_met():
    codec = load_codec("bls2017-vr")
    for image in load_kodak():
        picture, pixels = Picture(image), image.shape[0] * image.shape[1]
        for bpp in (0.35, 0.5, 1.0):
            budget = int(bpp * pixels / 8)
            found = compress(codec, picture, target=Target("bytes", budget))
            assert len(found.data) <= budget
            assert len(found.data) > 0.9 * budget or found.quality == codec.qualities
            found = compress(codec, picture, target=Target("bpp", bpp))
            met = abs(8 * len(found.data) / pixels / bpp - 1) <= TOLERANCE
            assert met != any("nearest" in note for note in found.notes)


@pytest.mark.slow
@needs_kodak
def test_better_than_jpeg_in_psnr_and_than_all_three_in_ms_ssim():
    images = load_kodak()

    def curve(name, codec, settings):
        rows = [
            rd.measure(name, str(s), i, image, codec(s).encode, codec(s).decode)
            for s in settings
            for i, image in enumerate(images)
        ]
        return rd.average(rows, name, name, "anchor")

    class At:
        """An anchor at one setting."""

        def __init__(self, anchor, setting):
            self.encode, self.decode = lambda image: anchor.encode(image, setting), anchor.decode

    codec = load_codec("bls2017-mse-0.01")
    ours = curve("ours", lambda _: codec, [""])
    bpp = ours.bpp[0]
    assert 0.45 <= bpp <= 0.6
    near = {"jpeg-420": (20, 25, 30, 36), "jpeg2000": (64, 56, 48, 40), "webp": (14, 20, 26, 33)}
    by_name = {anchor.name: anchor for anchor in anchors.available()}
    for name, settings in near.items():
        theirs = curve(name, lambda s, a=by_name[name]: At(a, s), settings)
        assert ours.quality("ms_ssim")[0] > theirs.at(bpp, "ms_ssim"), name
        if name == "jpeg-420":
            assert ours.psnr[0] >= theirs.at(bpp, "psnr") + 1.5
