import numpy as np
import pytest
from PIL import Image

from zoo.errors import UserError
from zoo.images.files import open_image, read_rgb, write_image


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK"])
def test_colour_types_become_rgb(tmp_path, photograph, mode):
    image = Image.fromarray(photograph).convert(mode)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    image.save(path)
    np.testing.assert_array_equal(read_rgb(str(path)), np.asarray(image.convert("RGB")))


def test_sixteen_bits_are_rounded(tmp_path):
    wide = np.array([[0, 128, 129, 257 * 100, 65535]], np.uint16)
    Image.fromarray(wide).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_rgb(str(tmp_path / "a.png"))[0, :, 0], [0, 0, 1, 100, 255])


def test_pictures_are_turned_upright(tmp_path, photograph):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    Image.fromarray(photograph).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_rgb(str(tmp_path / "a.png")), np.rot90(photograph, -1))


def test_round_trip(tmp_path, photograph):
    write_image(str(tmp_path / "a.png"), photograph)
    np.testing.assert_array_equal(read_rgb(str(tmp_path / "a.png")), photograph)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_absurd_sizes_are_refused(tmp_path, monkeypatch, photograph):
    write_image(str(tmp_path / "a.png"), photograph)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UserError, match="too large"):
        open_image(str(tmp_path / "a.png"))


def test_unknown_formats_are_refused(tmp_path, photograph):
    with pytest.raises(UserError, match="cannot tell the format"):
        write_image(str(tmp_path / "a.xyz"), photograph)
    with pytest.raises(UserError, match="cannot be written"):
        write_image(str(tmp_path / "none" / "a.png"), photograph)
