import numpy as np
import pytest

from zoo.codec.files import load_codec
from zoo.codec.lite_transforms import LiteTransformsCodec
from zoo.errors import UserError
from zoo.metrics.psnr import psnr


@pytest.mark.parametrize(("weights", "loss", "more"), [("float16", 0.05, 0.002), ("int8", 1.5, 0.03)])
def test_nearly_the_same_files(photograph, weights, loss, more):
    whole, lite = load_codec("bls2017-vr"), LiteTransformsCodec("bls2017-vr", weights)
    image = photograph[:101, :150]
    data, small = whole.encode(image, 60), lite.encode(image, 60)
    assert len(small) == pytest.approx(len(data), rel=more)
    expected = psnr(whole.decode(data), image)
    assert psnr(lite.decode(small), image) > expected - loss
    assert psnr(whole.decode(small), image) > expected - loss  # one format, either decoder
    assert np.abs(lite.decode(data).astype(int) - whole.decode(data)).mean() < 6


def test_an_export_without_is_told():
    with pytest.raises(UserError, match=r"has no encoder\.tflite"):
        LiteTransformsCodec("bls2017-mse-0.01", "float16")
