import numpy as np
import pytest
from scipy.integrate import quad
from scipy.interpolate import PchipInterpolator

from zoo.metrics.bd_rate import METHODS, bd_rate

# Kodak, RGB PSNR, as published in tensorflow/compression, results/image_compression/kodak/PSNR_sRGB_RGB:
# balle-2017-iclr-opt-mse.txt; every third line or so of jpeg420.txt; j2k-opj5.txt.
BALLE_2017 = np.array([
    (0.119752, 26.775134), (0.194591, 28.348719), (0.316000, 30.020793), (0.481060, 31.729556),
    (0.721303, 33.685797), (1.060841, 35.815864), (1.458681, 38.019954), (1.957564, 40.133996),
])  # fmt: skip
JPEG_420 = np.array([
    (0.177765, 21.666192), (0.215370, 23.838447), (0.256078, 25.333054), (0.296277, 26.228299),
    (0.316295, 26.655672), (0.336027, 26.991106), (0.391621, 27.865557), (0.444940, 28.576147),
    (0.510184, 29.309026), (0.584600, 29.989885), (0.667082, 30.670874), (0.746566, 31.251256),
    (0.841278, 31.891715), (0.937917, 32.485193), (1.041324, 33.045350), (1.158913, 33.649642),
    (1.281542, 34.235434), (1.416884, 34.851385), (1.588816, 35.544393), (1.757295, 36.174503),
    (1.963421, 36.949372), (2.154366, 37.597625), (2.415936, 38.371751), (2.755330, 39.305183),
    (3.016413, 39.882466), (3.326475, 40.504839),
])  # fmt: skip
OPENJPEG = np.array([
    (0.099912, 25.982922), (0.200165, 28.086964), (0.249945, 28.857731), (0.300170, 29.547604),
    (0.400012, 30.704949), (0.499803, 31.693025), (0.599782, 32.555796), (0.700121, 33.346483),
    (0.750070, 33.700536), (0.799270, 34.032933), (0.899998, 34.667195), (0.999610, 35.272757),
    (1.100226, 35.842500), (1.200713, 36.345132), (1.249957, 36.583754), (1.300304, 36.822312),
    (1.400688, 37.281795), (1.499341, 37.709303), (1.600190, 38.126748), (1.699513, 38.515899),
    (1.750212, 38.709807), (1.800014, 38.900367), (1.899858, 39.247226), (1.999802, 39.573599),
    (2.249946, 40.342620), (2.500251, 41.077143),
])  # fmt: skip

RATE = np.array([0.1, 0.22, 0.5, 0.9, 1.6])
QUALITY = np.array([26.0, 28.7, 32.1, 34.4, 38.0])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 1.37])
def test_a_curve_at_a_constant_factor_of_the_rate(method, factor):
    result = bd_rate(RATE, QUALITY, factor * RATE, QUALITY, method)
    assert result.percent == pytest.approx(100 * (factor - 1), abs=1e-9)
    assert (result.low, result.high) == (26.0, 38.0)


@pytest.mark.parametrize("method", METHODS)
def test_both_directions_multiply_to_one(method):
    there = bd_rate(RATE, QUALITY, RATE * [0.7, 0.8, 0.8, 0.9, 1.1], QUALITY + 0.3, method).percent
    back = bd_rate(RATE * [0.7, 0.8, 0.8, 0.9, 1.1], QUALITY + 0.3, RATE, QUALITY, method).percent
    assert (1 + there / 100) * (1 + back / 100) == pytest.approx(1, abs=1e-9)


def test_straight_lines_over_the_overlap_only():
    # Log rates 0.1 q and 0.1 q + 0.02 (q - 30): the mean of the difference over [30, 40] is 0.1.
    anchor_q, q = np.linspace(20, 40, 5), np.linspace(30, 50, 6)
    result = bd_rate(np.exp(0.1 * anchor_q), anchor_q, np.exp(0.1 * q + 0.02 * (q - 30)), q)
    assert result.percent == pytest.approx(100 * (np.exp(0.1) - 1), abs=1e-9)
    assert (result.low, result.high) == pytest.approx((30, 40))


def test_pchip_as_integrated_numerically():
    other_rate, other_quality = RATE * [0.7, 0.8, 0.8, 0.9, 1.1], QUALITY + 0.5
    p, q = PchipInterpolator(QUALITY, np.log(RATE)), PchipInterpolator(other_quality, np.log(other_rate))
    mean = quad(lambda x: q(x) - p(x), 26.5, 38.0, limit=200)[0] / 11.5
    result = bd_rate(RATE, QUALITY, other_rate, other_quality)
    assert result.percent == pytest.approx(100 * (np.exp(mean) - 1), abs=1e-6)


def test_order_of_points_does_not_matter():
    shuffled = [3, 0, 4, 1, 2]
    assert bd_rate(RATE, QUALITY, RATE[shuffled], QUALITY[shuffled]).percent == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("anchor", "percent"), [(JPEG_420, -43), (OPENJPEG, -6.5)])
def test_published_curves(anchor, percent):
    for method in METHODS:
        result = bd_rate(*anchor.T, *BALLE_2017.T, method)
        assert result.percent == pytest.approx(percent, abs=0.6)
        assert (result.low, result.high) == pytest.approx((26.775, 40.134), abs=1e-3)


def test_mistakes():
    with pytest.raises(ValueError, match="share no quality"):
        bd_rate(RATE, QUALITY, RATE, QUALITY + 20)
    with pytest.raises(ValueError, match="the curve does not grow"):
        bd_rate(RATE, QUALITY, RATE, [26, 29, 28, 34, 38])
    with pytest.raises(ValueError, match="the anchor does not grow"):
        bd_rate([0.1, 0.1, 0.5, 0.9, 1.6], QUALITY, RATE, QUALITY)
    with pytest.raises(ValueError, match="has 3 points; a BD-rate needs at least 4"):
        bd_rate(RATE, QUALITY, RATE[:3], QUALITY[:3])
    with pytest.raises(ValueError, match="two equal lists"):
        bd_rate(RATE, QUALITY, RATE, QUALITY[:4])
    with pytest.raises(ValueError, match="not finite"):
        bd_rate(RATE, QUALITY, RATE, [*QUALITY[:4], float("inf")])
    with pytest.raises(ValueError, match="pchip, akima, linear"):
        bd_rate(RATE, QUALITY, RATE, QUALITY, "cubic")
