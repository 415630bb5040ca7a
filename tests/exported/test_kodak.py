"""What the README claims of the codec, on Kodak's 24 pictures: TOULON_KODAK=DIR."""

import os

import pytest

import zoo.data
from zoo.codec import anchors
from zoo.codec import rate_distortion as rd
from zoo.codec.files import load_codec

KODAK = os.environ.get("TOULON_KODAK")


@pytest.mark.slow
@pytest.mark.skipif(not KODAK, reason="needs Kodak's pictures, TOULON_KODAK=DIR")
def test_better_than_jpeg_in_psnr_and_than_all_three_in_ms_ssim():
    source = zoo.data.load(f"folder:{KODAK}/*.png", "test")
    assert len(source) == 24
    images = [source[i]["image"] for i in range(24)]

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
