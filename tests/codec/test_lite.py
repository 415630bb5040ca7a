"""The codec in LiteRT, against the SavedModel."""

import dataclasses

import numpy as np
import pytest

from zoo.codec.files import load_codec
from zoo.codec.lite import LiteCodec
from zoo.coding.container import unpack
from zoo.images.picture import Picture


@pytest.fixture(scope="module")
def codecs(tiny_variable_export):
    return load_codec(str(tiny_variable_export)), LiteCodec(tiny_variable_export, threads=1)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (33, 50), (100, 17)])
def test_each_reads_the_others_files(codecs, photograph, size):
    whole, lite = codecs
    image = photograph[: size[0], : size[1]]
    for quality in (10, 90):
        for data in (whole.encode(image, quality), lite.compress(image, quality)):
            one, other = whole.decode(data), lite.decompress(data)
            assert one.shape == other.shape == image.shape
            assert np.abs(one.astype(int) - other).max() <= 2  # weights of half precision


def test_files_are_nearly_the_same(codecs, photograph):
    whole, lite = codecs
    mine, theirs = (unpack(d) for d in (whole.encode(photograph, 50), lite.compress(photograph, 50)))
    assert dataclasses.replace(mine, payload=b"") == dataclasses.replace(theirs, payload=b"")
    a, b = (whole.decode_latents(c.payload, 50, 8, 12) for c in (mine, theirs))
    assert np.mean(a != b) < 0.01


def test_what_files_hold_beside_is_passed_over(codecs, photograph):
    from zoo.codec.search import compress

    whole, lite = codecs
    picture = Picture(photograph[:30, :30], alpha=photograph[:30, :30, 0], profile=b"profile")
    data = compress(whole, picture, 50).data
    assert np.abs(lite.decompress(data).astype(int) - whole.decode(data)).max() <= 2


def test_wrong_files_are_refused(codecs, photograph, noise):
    whole, lite = codecs
    data = whole.encode(photograph[:33, :50], 50)
    for wrong in (b"", b"TLN", data[:-1], data + b"\0", noise.bytes(100)):
        with pytest.raises(ValueError, match="damaged"):
            lite.decompress(wrong)
    assert lite.decompress(data).shape == (33, 50, 3)  # and it goes on


def test_wrong_pictures_are_refused(codecs):
    for wrong in (np.zeros([4, 4], np.uint8), np.zeros([4, 4, 3]), np.zeros([0, 4, 3], np.uint8)):
        with pytest.raises(ValueError, match="expected uint8"):
            codecs[1].compress(wrong)
