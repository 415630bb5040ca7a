import io
import os
import pathlib

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from zoo.codec import anchors
from zoo.codec.rate_distortion import average, measure
from zoo.images.files import read_rgb
from zoo.metrics.psnr import psnr

AVAILABLE = anchors.available()
by_anchor = pytest.mark.parametrize("anchor", AVAILABLE, ids=lambda a: a.name)


def get(name):
    return next(a for a in AVAILABLE if a.name == name)


@pytest.fixture(scope="module")
def image():
    noise = np.random.default_rng(0).normal(size=(176, 208, 3))
    smooth = sum(gaussian_filter(noise, (s, s, 0)) * s for s in (1, 4, 16))
    return (255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


def test_every_pillow_has_jpeg():
    assert {"jpeg-420", "jpeg-444"} <= {a.name for a in AVAILABLE}


def test_what_this_pillow_lacks_is_left_out(monkeypatch):
    monkeypatch.setattr(anchors.features, "check", lambda feature: feature == "webp")
    assert [a.name for a in anchors.available()] == ["webp"]


@by_anchor
def test_there_and_back(anchor, image):
    data = anchor.encode(image, anchor.settings[-1])
    decoded = anchor.decode(data)
    assert isinstance(data, bytes)
    assert decoded.shape == image.shape
    assert decoded.dtype == np.uint8
    assert psnr(decoded, image) > 31
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.format == anchor.format


@by_anchor
def test_ladder_grows_in_bytes_and_quality(anchor, image):
    files = [anchor.encode(image, s) for s in anchors.ladder(anchor.settings, 6)]
    qualities = [psnr(anchor.decode(data), image) for data in files]
    assert (np.diff([len(data) for data in files]) > 0).all()
    assert (np.diff(qualities) > 0).all()


@by_anchor
def test_another_format_is_not_decoded(anchor, image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    with pytest.raises(OSError, match="cannot identify"):
        anchor.decode(buffer.getvalue())


@pytest.mark.parametrize(("name", "blocks"), [("jpeg-420", (2, 2)), ("jpeg-444", (1, 1))])
def test_jpeg_subsampling_and_tables(name, blocks, image):
    data = get(name).encode(image, 30)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.layer[0][1:3] == blocks
    plain = io.BytesIO()
    subsampling = name[-3] + ":" + name[-2] + ":" + name[-1]
    Image.fromarray(image).save(plain, "JPEG", quality=30, subsampling=subsampling)
    assert len(data) < len(plain.getvalue())


@pytest.mark.skipif("jpeg2000" not in {a.name for a in AVAILABLE}, reason="this Pillow has no JPEG 2000")
def test_jpeg2000_header(image):
    data = get("jpeg2000").encode(image, 40)
    start = data.index(b"\xff\x52")  # COD: coding style
    color_transform, irreversible_wavelet = data[start + 8], data[start + 13]
    assert color_transform == 1
    assert irreversible_wavelet == 0
    large = np.tile(image, (3, 3, 1))
    assert len(get("jpeg2000").encode(large, 40)) == pytest.approx(large.size / 40, rel=0.03)


def test_ladder():
    settings = tuple(range(0, 100, 5))
    assert anchors.ladder(settings, 3) == (0, 50, 95)
    assert anchors.ladder(settings, 1) == (0,)
    assert anchors.ladder(settings, 20) == anchors.ladder(settings, 99) == settings
    assert len(set(anchors.ladder(settings, 8))) == 8


@by_anchor
def test_fit_bytes_is_the_largest_below_the_limit(anchor, image):
    sizes = [len(anchor.encode(image, s)) for s in (anchor.all_settings[0], anchor.settings[10])]
    limit = sum(sizes) // 2
    setting, data = anchors.fit_bytes(anchor, image, limit)
    assert data == anchor.encode(image, setting)
    assert len(data) <= limit
    following = anchor.all_settings[anchor.all_settings.index(setting) + 1]
    assert len(anchor.encode(image, following)) > limit


def test_fit_bytes_at_both_ends(image):
    jpeg = get("jpeg-420")
    smallest = len(jpeg.encode(image, 1))
    assert anchors.fit_bytes(jpeg, image, smallest - 1) is None
    assert len(anchors.fit_bytes(jpeg, image, smallest)[1]) == smallest
    assert anchors.fit_bytes(jpeg, image, 10**9)[0] == 100


# Kodak, all 24 pictures: the settings around the rate, the rate, PSNR in dB and MS-SSIM there, as measured with
# Pillow 13.0.0 by another program.
KODAK = [
    ("jpeg-420", (8, 10), 0.25, 26.54, 0.8911),
    ("jpeg-420", (20, 25), 0.5, 29.57, 0.9519),
    ("jpeg2000", (96, 80), 0.25, 29.23, 0.9301),
    ("webp", (26, 33), 0.5, 31.43, 0.9648),
]


@pytest.mark.slow
@pytest.mark.skipif("TOULON_KODAK" not in os.environ, reason="TOULON_KODAK, the folder of Kodak, is not set")
@pytest.mark.parametrize(("name", "settings", "bpp", "expected_psnr", "expected_ms_ssim"), KODAK)
def test_on_kodak(name, settings, bpp, expected_psnr, expected_ms_ssim):
    paths = sorted(pathlib.Path(os.environ["TOULON_KODAK"]).glob("kodim*.png"))
    assert len(paths) == 24
    anchor = get(name)
    rows = [
        measure(name, str(s), path.stem, image, lambda i, s=s: anchor.encode(i, s), anchor.decode)
        for path in paths
        for image in [read_rgb(str(path))]
        for s in settings
    ]
    curve = average(rows, name, name, "anchor")
    assert curve.at(bpp, "psnr") == pytest.approx(expected_psnr, abs=0.1)
    assert curve.at(bpp, "ms_ssim") == pytest.approx(-10 * np.log10(1 - expected_ms_ssim), abs=0.1)
