import numpy as np
import pytest

from zoo.codec.files import load_codec
from zoo.coding.container import HEADER_BYTES, Container, unpack
from zoo.errors import UserError


@pytest.fixture(scope="module")
def codec(tiny_export):
    return load_codec(str(tiny_export))


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 16), (33, 127)])
def test_any_size_decodes_to_what_the_model_says(codec, tiny_codec, noise, size):
    image = noise.integers(0, 256, (*size, 3), np.uint8)
    data = codec.encode(image)
    assert (unpack(data).height, unpack(data).width) == size
    decoded = codec.decode(data)
    expected = np.round(255 * tiny_codec(image[None] / np.float32(255)).numpy()[0])
    assert decoded.shape == image.shape
    assert np.mean(np.abs(decoded - expected) > 1) < 0.02  # a latent at .5 may round the other way


def test_same_picture_same_file(codec, photograph):
    assert codec.encode(photograph) == codec.encode(photograph)


def test_file_length_is_what_was_estimated(codec, photograph):
    real = 8 * (len(codec.encode(photograph)) - HEADER_BYTES)
    assert real == pytest.approx(
        codec.estimated_bits(photograph), rel=0.03, abs=8 * 40
    )  # tables of a random prior are coarse


def test_absurd_sizes_are_refused_before_any_work(codec, photograph):
    real = unpack(codec.encode(photograph))
    with pytest.raises(UserError, match="megapixels"):
        codec.decode(Container(real.model, 1, 2**26, real.payload).pack())
    with pytest.raises(UserError, match="megapixels"):
        codec.encode(np.broadcast_to(np.zeros([1, 1, 3], np.uint8), [1, 2**23, 3]))


def test_wrong_models_files_are_refused(codec, photograph):
    other = Container(b"another!", 16, 16, unpack(codec.encode(photograph)).payload).pack()
    with pytest.raises(UserError, match="made by model 616e6f7468657221"):
        codec.decode(other)


def test_nonsense_with_a_right_checksum_is_no_crash(codec, photograph):
    real = unpack(codec.encode(photograph))
    for payload in (b"", b"\xff" * 10, real.payload[:20], real.payload + b"\1\2\3\4\5"):
        forged = Container(real.model, real.height, real.width, payload).pack()
        try:
            assert codec.decode(forged).shape == photograph.shape
        except UserError as error:
            assert "damaged" in str(error)
