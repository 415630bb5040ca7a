import numpy as np
import pytest
from PIL import Image, ImageCms

import zoo.codec.pillow_plugin  # noqa: F401, registers the format
from zoo.codec.files import load_codec

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture(autouse=True)
def exports(tiny_variable_export, monkeypatch):
    monkeypatch.setenv("TOULON_EXPORTED", str(tiny_variable_export.parent.parent))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P"])
def test_saves_and_opens(tmp_path, photograph, tiny_variable_export, mode):
    image = Image.fromarray(photograph)
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(photograph[..., 1]))
    image = image.convert(mode)
    image.save(tmp_path / "a.tln", model="tiny-vr", quality=70, icc_profile=SRGB)
    with Image.open(tmp_path / "a.tln") as opened:
        assert (opened.format, opened.size) == ("TLN", image.size)
        assert opened.mode == {"P": "RGB"}.get(mode, mode)
        assert opened.info == {"quality": 70} | ({"icc_profile": SRGB} if opened.mode[:3] == "RGB" else {})
        pixels = np.asarray(opened.convert("RGB"))
        alpha = np.asarray(opened.getchannel("A")) if mode.endswith("A") else None
    decoded = load_codec(str(tiny_variable_export)).decode((tmp_path / "a.tln").read_bytes())
    if mode == "RGB":
        np.testing.assert_array_equal(pixels, decoded)
    assert np.abs(pixels.astype(int) - decoded).mean() < 12  # grey is the mean of three channels
    if alpha is not None:
        np.testing.assert_array_equal(alpha, photograph[..., 1])


def test_targets_and_mistakes(tmp_path, photograph):
    image = Image.fromarray(photograph)
    image.save(tmp_path / "a.tln", model="tiny-vr", target_bytes=3000, effort=1)
    assert (tmp_path / "a.tln").stat().st_size <= 3000
    for wrong in ({"quality": 0}, {"quality": 5, "target_bpp": 1}, {"effort": 10}, {"model": "none"}):
        with pytest.raises(ValueError, match=r"expected|give one|neither"):
            image.save(tmp_path / "b.tln", **({"model": "tiny-vr"} | wrong))


def test_wrong_files_are_no_pictures(tmp_path, photograph):
    path = tmp_path / "a.tln"
    Image.fromarray(photograph).save(path, model="tiny-vr")
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(OSError, match=r"damaged|cannot identify"):
        Image.open(path)
    path.write_bytes(data)
    with Image.open(path, formats=["PNG", "TLN"]) as image:
        assert image.format == "TLN"


def test_a_picture_with_an_orientation_is_saved_upright(tmp_path, photograph):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    Image.fromarray(photograph).save(tmp_path / "a.jpg", exif=exif, quality=95)
    Image.open(tmp_path / "a.jpg").save(tmp_path / "a.tln", model="tiny-vr")
    assert Image.open(tmp_path / "a.tln").size == (128, 192)
