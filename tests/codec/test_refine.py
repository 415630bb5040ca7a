import numpy as np
import pytest

from zoo.codec import refine as module
from zoo.codec.files import load_codec
from zoo.codec.refine import refine


@pytest.fixture(scope="module", params=["bls2017-mse-0.01", "bls2017-vr"])
def codec(request):
    return load_codec(request.param)


def cost(codec, image, symbols, quality):
    """Bits + λ · distortion, of the file as it is and of the picture as it is decoded."""
    bits = 8 * len(codec.encode_latents(symbols, quality))
    error = np.square(codec.restore(symbols, quality, *image.shape[:2]).astype(float) - image).mean()
    return bits + codec.weights[quality - 1] * error * image[..., 0].size


@pytest.mark.parametrize("crop", [(128, 192), (77, 35), (1, 1)])
def test_the_cost_falls(codec, photograph, crop):
    image = photograph[: crop[0], : crop[1]]
    quality = min(60, codec.qualities)
    coefficients = codec.transform(image)
    plain = codec.quantize(coefficients, quality)
    refined = refine(codec, image, coefficients, plain, quality, 4)
    assert refined.dtype == plain.dtype
    before, after = (cost(codec, image, symbols, quality) for symbols in (plain, refined))
    assert after <= before + 16  # bits that the coder rounds up at its end
    if crop == (128, 192):
        assert after < 0.99 * before
        assert np.any(refined != plain)


def test_tiles_do_not_change_their_surroundings(codec, photograph, monkeypatch):
    monkeypatch.setattr(module, "TILE", 4)
    quality = min(60, codec.qualities)
    coefficients = codec.transform(photograph)
    plain = codec.quantize(coefficients, quality)
    refined = refine(codec, photograph, coefficients, plain, quality, 3)
    assert cost(codec, photograph, refined, quality) < 0.995 * cost(codec, photograph, plain, quality)
    silent = ~np.any(plain, axis=(0, 1))
    assert not np.any(refined[..., silent])


def test_the_same_twice(codec, photograph):
    coefficients = codec.transform(photograph)
    plain = codec.quantize(coefficients, 1)
    first, second = (refine(codec, photograph, coefficients, plain, 1, 2) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_tiles_cover_everything_once():
    for size in (1, 47, 48, 49, 200):
        tiles = module._tiles(size)
        assert [i for tile in tiles for i in range(tile.start, tile.stop)] == list(range(size))
        assert max(tile.stop - tile.start for tile in tiles) <= module.TILE
