import numpy as np
import pytest
from PIL import Image

from zoo.images.files import read_rgb
from zoo.superres.projection import Downsample


@pytest.fixture
def picture(tmp_path):
    """A small photograph's file."""
    import zoo

    path = tmp_path / "in.png"
    Image.open(zoo.__path__[0] + "/data/samples/kodak/kodim23.png").crop((300, 200, 340, 230)).save(path)
    return path


@pytest.fixture
def upscale(toulon, tiny_superres_export):
    return lambda *words: toulon("upscale", *words, "--model", tiny_superres_export)


def reduced(path):
    large = read_rgb(str(path))[np.newaxis].astype(np.float32)
    return np.asarray(Downsample()(large))[0]


def test_a_picture(upscale, picture, tmp_path):
    status, out, err = upscale(picture, tmp_path / "out.png")
    assert (status, err) == (0, "")
    assert out.startswith(f"{tmp_path}/out.png: 160 x 120, off by 0.")
    error = reduced(tmp_path / "out.png") - read_rgb(str(picture))
    rms, worst = float(out.split("off by ")[1].split()[0]), float(out.split("RMS, ")[1].split()[0])
    assert np.sqrt(np.mean(error**2)) == pytest.approx(rms, abs=0.006)
    assert np.abs(error).max() == pytest.approx(worst, abs=0.06)


@pytest.mark.parametrize(("mode", "name"), [("L", "out.png"), ("RGB", "out.jpg"), ("L", "out.webp")])
def test_what_is_told_is_of_the_file(upscale, picture, tmp_path, mode, name):
    Image.open(picture).convert(mode).save(tmp_path / "source.png")
    status, out, err = upscale(tmp_path / "source.png", tmp_path / name)
    assert (status, err) == (0, "")
    error = reduced(tmp_path / name) - read_rgb(str(tmp_path / "source.png"))
    assert float(out.split("off by ")[1].split()[0]) == pytest.approx(np.sqrt(np.mean(error**2)), abs=0.006)


def test_strength_0_leaves_the_input(upscale, picture, tmp_path):
    for strength in ("0", "1"):
        assert upscale(picture, tmp_path / f"{strength}.png", "--strength", strength)[0] == 0
    errors = [np.abs(reduced(tmp_path / f"{s}.png") - read_rgb(str(picture))).mean() for s in ("0", "1")]
    assert errors[0] > 3 * errors[1]


def test_grey_alpha_and_turned(upscale, picture, tmp_path):
    image = Image.open(picture)
    image.convert("L").save(tmp_path / "grey.png")
    alpha = image.copy()
    alpha.putalpha(image.convert("L"))
    alpha.save(tmp_path / "alpha.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    image.quantize(16).save(tmp_path / "palette.png")
    image.crop((0, 0, 1, 30)).save(tmp_path / "thin.png")
    for name, mode, size in [
        ("grey.png", "L", (160, 120)),
        ("alpha.png", "RGBA", (160, 120)),
        ("turned.jpg", "RGB", (120, 160)),
        ("palette.png", "RGB", (160, 120)),
        ("thin.png", "RGB", (4, 120)),
    ]:
        status, _, err = upscale(tmp_path / name, tmp_path / f"out-{name}.png")
        assert status == 0, err
        result = Image.open(tmp_path / f"out-{name}.png")
        assert (result.mode, result.size) == (mode, size)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_are_kept(upscale, picture, tmp_path, channels):
    import tensorflow as tf

    rgb = np.asarray(Image.open(picture), np.float64)
    planes = {1: [1], 2: [1, 0], 3: [0, 1, 2], 4: [0, 1, 2, 1]}[channels]
    # Levels between those of 8 bits, and none near the ends, where clipping would show.
    deep = np.round(20000 + 100 * rgb[..., planes] + np.arange(40)[:, np.newaxis]).astype(np.uint16)
    (tmp_path / "deep.png").write_bytes(tf.io.encode_png(deep).numpy())
    status, out, err = upscale(tmp_path / "deep.png", tmp_path / "out.png")
    assert (status, err) == (0, "")
    assert "off by 0.00 levels RMS" in out
    found = tf.io.decode_png((tmp_path / "out.png").read_bytes(), dtype=tf.uint16).numpy()
    assert found.shape == (120, 160, channels)
    colours = 1 if channels < 3 else 3
    error = np.asarray(Downsample()(found[np.newaxis].astype(np.float32)))[0] - deep
    assert np.abs(error[..., :colours]).max() < 1  # of 65,536 levels
    if channels != colours:
        assert np.abs(found[2::4, 2::4, -1].astype(float) - deep[..., -1]).mean() < 500


@pytest.mark.parametrize("orientation", range(1, 9))
def test_16_bits_are_turned_upright(noise, tmp_path, orientation):
    from zoo.images.deep import is_deep, read_deep

    pixels = noise.integers(0, 65536, [5, 7], np.uint16)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "deep.png", exif=exif)
    assert is_deep(tmp_path / "deep.png")
    eight = Image.fromarray((pixels >> 8).astype(np.uint8))
    eight.save(tmp_path / "eight.png", exif=exif)
    found = read_deep(tmp_path / "deep.png")
    assert found.grey
    np.testing.assert_array_equal(found.rgb >> 8, read_rgb(str(tmp_path / "eight.png")))


def test_16_bits_keep_their_profile(upscale, noise, tmp_path):
    from PIL import ImageCms

    from zoo.images.deep import write_deep
    from zoo.images.picture import Picture

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = noise.integers(20000, 40000, [9, 8, 3], np.uint16)
    write_deep(tmp_path / "deep.png", Picture(pixels, profile=profile))
    assert upscale(tmp_path / "deep.png", tmp_path / "out.png")[0] == 0
    for name in ("deep.png", "out.png"):
        image = Image.open(tmp_path / name)
        image.load()
        assert image.info["icc_profile"] == profile


def test_damaged_16_bits(upscale, noise, tmp_path):
    import tensorflow as tf

    whole = tf.io.encode_png(noise.integers(0, 65536, [9, 9, 3], np.uint16)).numpy()
    (tmp_path / "deep.png").write_bytes(whole[:200])
    status, _, err = upscale(tmp_path / "deep.png", tmp_path / "out.png")
    assert status == 1
    assert "deep.png is damaged" in err
    assert not (tmp_path / "out.png").exists()


def test_bulk(toulon, upscale, picture, tiny_superres_export, tmp_path):
    pytest.importorskip("apache_beam")
    (tmp_path / "cut.png").write_bytes(picture.read_bytes()[:300])
    assert upscale(picture, tmp_path / "out.png", "--strength", 0.5)[0] == 0
    (tmp_path / "out.png").rename(tmp_path / "expected")
    words = ["--input", tmp_path, "--output", tmp_path / "large", "--model", tiny_superres_export]
    status, printed, _ = toulon("bulk", "upscale", *words, "--strength", "0.5", "--direct_num_workers=1")
    assert status == 1
    assert printed.startswith("1 done, 0 skipped, 1 failed: ")
    np.testing.assert_array_equal(
        read_rgb(str(tmp_path / "large" / "in.png")), np.asarray(Image.open(tmp_path / "expected"))
    )


def test_folders(upscale, picture, tmp_path):
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.png", "deep/b.bmp"):
        Image.open(picture).save(folder / name)
    (folder / "c.png").write_bytes(picture.read_bytes()[:-100])
    status, out, err = upscale(folder, tmp_path / "out")
    assert status == 1
    assert "2 of 3 files" in out
    assert "c.png: cannot be read" in err
    assert sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.*")) == [
        "a.png",
        "deep/b.png",
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["in.png", "there.png"], "there.png is there already; --force writes over it"),
        (["missing.png", "out.png"], "missing.png does not exist"),
        (["damaged.png", "out.png"], "damaged.png cannot be read"),
        (["in.png", "out.xyz"], "cannot tell the format"),
        (["in.png", "nowhere/out.png"], "nowhere does not exist"),
        (["in.png", "out.png", "--scale", "3"], "enlarges 4 times, not 3 times"),
        (["in.png", "out.png", "--samples", "2"], "gives one result"),
        (["alpha.png", "out.jpg"], "no transparency"),
    ],
)
def test_mistakes_are_told_in_a_line(upscale, picture, tmp_path, monkeypatch, words, complaint):
    monkeypatch.chdir(tmp_path)
    image = Image.open("in.png")
    image.save("there.png")
    (tmp_path / "damaged.png").write_bytes(picture.read_bytes()[:200])
    image.putalpha(100)
    image.save("alpha.png")
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    status, out, err = upscale(*words)
    assert (status, out) == (1, "")
    assert complaint in err
    assert len(err.splitlines()) == 1
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_full_disk_leaves_nothing(upscale, picture, tmp_path, monkeypatch):
    from zoo import files

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    status, _, err = upscale(picture, tmp_path / "out.png")
    assert status == 1
    assert "out.png cannot be written: No space left on device" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.png"]


def test_force_writes_over(upscale, picture, tmp_path):
    (tmp_path / "out.png").write_bytes(b"old")
    assert upscale(picture, tmp_path / "out.png", "--force")[0] == 0
    assert Image.open(tmp_path / "out.png").size == (160, 120)
