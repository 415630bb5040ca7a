import numpy as np
import pytest
from PIL import Image, ImageCms

from zoo.images.files import write_image
from zoo.images.picture import from_pillow, read_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "LA", "PA", "RGBA"])
def test_what_goes_in_comes_out(photograph, mode):
    image = Image.fromarray(photograph)
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(photograph[..., 1]))
    image = image.convert(mode)
    picture = from_pillow(image)
    back = picture.to_pillow()
    assert back.mode == {"1": "L", "P": "RGB", "PA": "RGBA"}.get(mode, mode)
    np.testing.assert_array_equal(np.asarray(back), np.asarray(image.convert(back.mode)))
    assert picture.notes == ()


def test_opaque_alpha_is_left_out(photograph):
    image = Image.fromarray(photograph).convert("RGBA")
    assert from_pillow(image).to_pillow().mode == "RGB"


def test_a_transparent_palette_colour(photograph):
    image = Image.fromarray(photograph).convert("P")
    image.info["transparency"] = image.getpixel((3, 4))
    picture = from_pillow(image)
    np.testing.assert_array_equal(
        picture.alpha, np.where(np.asarray(image) == image.getpixel((3, 4)), 0, 255)
    )


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_profiles_are_kept_where_they_fit(tmp_path, photograph, mode):
    image = Image.fromarray(photograph).convert(mode)
    image.save(tmp_path / "a.png", icc_profile=SRGB)
    picture = read_picture(str(tmp_path / "a.png"))
    assert picture.profile == (SRGB if mode == "RGB" else b"")  # that of colours says nothing of grey
    write_image(str(tmp_path / "b.png"), picture.to_pillow())
    assert Image.open(tmp_path / "b.png").info.get("icc_profile", b"") == picture.profile


def test_other_colour_spaces_are_converted_and_it_is_said(photograph):
    image = Image.fromarray(photograph).convert("CMYK")
    picture = from_pillow(image)
    np.testing.assert_array_equal(picture.rgb, np.asarray(image.convert("RGB")))
    assert picture.notes == ("its CMYK colours are converted to RGB",)
    lab = ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), lab, "RGB", "LAB")
    image = ImageCms.applyTransform(Image.fromarray(photograph), transform)
    image.info["icc_profile"] = ImageCms.ImageCmsProfile(lab).tobytes()
    picture = from_pillow(image)
    assert np.abs(picture.rgb.astype(int) - photograph).mean() < 3  # by the profile, not by numbers
    assert picture.profile == b""
    image.info["icc_profile"] = b"damaged"
    damaged = from_pillow(image)
    np.testing.assert_array_equal(damaged.rgb, np.asarray(image.convert("RGB")))
    assert "without its colour profile, which is damaged" in damaged.notes[0]


def test_sixteen_bits_and_animations_are_said(tmp_path, photograph):
    wide = np.array([[0, 128, 129, 257 * 100, 65535]], np.uint16)
    Image.fromarray(wide).save(tmp_path / "a.png")
    picture = read_picture(str(tmp_path / "a.png"))
    assert picture.notes == ("its 16 bits a channel are reduced to 8",)
    assert picture.grey
    np.testing.assert_array_equal(picture.rgb[0, :, 1], [0, 0, 1, 100, 255])
    frames = [Image.fromarray(photograph), Image.fromarray(photograph[::-1])]
    frames[0].save(tmp_path / "b.gif", save_all=True, append_images=frames[1:])
    assert read_picture(str(tmp_path / "b.gif")).notes == ("only the first of its 2 pictures is taken",)


def test_colour_of_sixteen_bits_is_said(tmp_path):
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + struct.pack(">6H", 65535, 0, 32768, 256, 257, 40000)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0))
    png += chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(png)
    picture = read_picture(str(tmp_path / "a.png"))
    assert picture.notes == ("its 16 bits a channel are reduced to 8",)
    np.testing.assert_allclose(picture.rgb[0], [[255, 0, 127.5], [1, 1, 155.6]], atol=1)
