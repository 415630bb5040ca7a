"""Wrong files: whatever the bytes, one clear line or a picture, never a crash."""

import dataclasses
import io
import resource
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from zoo.cli import main
from zoo.codec.files import load_codec, load_codec_of
from zoo.codec.search import compress
from zoo.coding.checksum import checksum
from zoo.coding.container import HEADER_BYTES, SEALED_FROM, unpack
from zoo.errors import UserError
from zoo.images.picture import Picture

QUALITY, FLAGS, SIZE = 16, 17, slice(18, 26)  # where they are in the header


@pytest.fixture(scope="module")
def codec(tiny_variable_export):
    return load_codec(str(tiny_variable_export))


@pytest.fixture(scope="module")
def files(codec, photograph):
    """Whole files of several kinds."""
    part = photograph[:33, :50]
    pictures = [
        Picture(part),
        Picture(part[:1, :1], grey=True),
        Picture(part, alpha=part[..., 0], profile=b"profile" * 40),
    ]
    return [compress(codec, p, quality).data for p, quality in zip(pictures, (20, 50, 100), strict=True)]


def sealed(data):
    """The same with the checksum that belongs to it."""
    return data[:4] + checksum(data[SEALED_FROM:]) + data[SEALED_FROM:]


def mutate(data, rng):
    """One wrong file made of a right one: (bytes, whether its checksum is right)."""
    kind = rng.integers(8)
    wrong = bytearray(data)
    place = rng.integers(len(wrong))
    if kind == 0:
        return data[:place], False
    if kind == 1:
        wrong[place] ^= 1 << rng.integers(8)
        return bytes(wrong), False
    if kind == 2:
        return data + rng.bytes(rng.integers(1, 40)), False
    if kind == 3:
        return data[:3] + rng.bytes(rng.integers(0, 200)), False
    # From here on as a forger would: with the right checksum.
    if kind == 4:  # bytes anywhere
        for place in rng.integers(QUALITY, len(wrong), rng.integers(1, 6)):
            wrong[place] = rng.integers(256)
    elif kind == 5:  # sizes, small ones and absurd ones
        limit = int(rng.choice([64, 2**13, 2**32]))
        wrong[SIZE] = struct.pack(">II", *(int(n) for n in rng.integers(0, limit, 2)))
    elif kind == 6:  # payload
        wrong = wrong[: len(wrong) - rng.integers(1, 30)] + rng.bytes(rng.integers(0, 20))
    else:  # quality and flags
        wrong[QUALITY], wrong[FLAGS] = rng.integers(256), rng.integers(8)
    return sealed(bytes(wrong)), True


@pytest.mark.parametrize("count", [400, pytest.param(12_000, marks=pytest.mark.slow)])
def test_mutations(codec, files, count):
    rng = np.random.default_rng(count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = pictures = 0
    for i in range(count):
        data, right_checksum = mutate(files[i % len(files)], rng)
        if data in files:
            continue
        try:
            container = unpack(data)
            picture = codec.unpack(container)
        except UserError as error:
            assert len(str(error).splitlines()) == 1
            told += 1
        else:
            assert right_checksum
            assert picture.rgb.shape == (container.height, container.width, 3)
            pictures += 1
    assert told > 0.6 * count
    assert told + pictures > 0.95 * count
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 2**20  # kilobytes


@pytest.mark.slow
@pytest.mark.parametrize("way", ["SavedModel", "LiteRT"])
def test_ten_thousand_mutations_in_the_graph(tiny_variable_export, files, way):
    """What has a wrong checksum is never taken for good; what a forger sealed is refused or decoded, in bounded memory."""
    import tensorflow as tf

    import zoo
    from zoo.codec.lite import LiteCodec

    signatures = zoo.load_export(str(tiny_variable_export))
    lite = LiteCodec(tiny_variable_export, threads=1)

    def decode(data):
        if way == "LiteRT":
            return lite.decompress(data)
        return signatures["decompress"](file_bytes=tf.constant([data]))["image"][0].numpy()

    rng = np.random.default_rng(9)
    whole = {data: decode(data) for data in files}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for i in range(10_000):
        data, right_checksum = mutate(files[i % len(files)], rng)
        if data in whole:
            continue
        try:
            decode(data)
        except (tf.errors.InvalidArgumentError, ValueError):
            pass
        else:
            assert right_checksum
    for data, picture in whole.items():  # and it goes on as before
        np.testing.assert_array_equal(decode(data), picture)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # kilobytes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"", "empty"),
        (lambda data: data[:20], "cut off"),
        (lambda data: data[:-1], "checksum"),
        (lambda data: b"GIF89a" + data, "not a .tln file"),
        (lambda data: data[:50] + bytes([data[50] ^ 4]) + data[51:], "checksum"),
        (lambda data: data[:3] + b"\7" + data[4:], "version 7"),
        (lambda data: sealed(data[:8] + b"stranger" + data[16:]), "made by model"),
        (lambda data: sealed(data[:16] + b"\xc8" + data[17:]), "its quality is 200"),
        (lambda data: sealed(data[:18] + b"\xff" * 8 + data[26:]), "claims 4294967295 x 4294967295"),
        (lambda data: sealed(data[:18] + struct.pack(">II", 2**13, 2**13) + data[26:]), "cannot be decoded"),
        (lambda data: sealed(data[: HEADER_BYTES + 3]), "cannot be decoded"),
    ],
)
def test_wrong_files_end_with_status_1_and_no_output(
    files, tiny_variable_export, tmp_path, monkeypatch, capsys, change, message
):
    monkeypatch.setenv("TOULON_EXPORTED", str(tiny_variable_export.parent.parent))
    (tmp_path / "a.tln").write_bytes(change(files[0]))
    assert main(["decompress", str(tmp_path / "a.tln"), str(tmp_path / "a.png")]) == 1
    complained = capsys.readouterr().err
    assert message in complained
    assert len(complained.splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.tln"]


def test_damaged_planes_are_told(codec, files, photograph):
    real = unpack(files[2])
    png = real.alpha
    with Image.open(io.BytesIO(png)) as image:
        assert image.size == (50, 33)
    for change in ({"alpha": png[:60]}, {"alpha": b"P5 1 1 255 ."}, {"profile": b"none"}, {"width": 49}):
        with pytest.raises(UserError, match="damaged"):
            codec.unpack(dataclasses.replace(real, **change))
    bomb = zlib.compress(b"\0" * 2**25, 9)
    with pytest.raises(UserError, match="profile"):
        codec.unpack(dataclasses.replace(real, profile=bomb))


def test_files_of_models_that_are_not_here(files, tmp_path, monkeypatch):
    monkeypatch.setenv("TOULON_EXPORTED", str(tmp_path))
    with pytest.raises(UserError, match="give its export with --model"):
        load_codec_of(unpack(files[0]))
