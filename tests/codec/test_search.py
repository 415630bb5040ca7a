import math

import numpy as np
import pytest

from zoo.codec.files import load_codec
from zoo.codec.search import Draft, Target, compress, meet
from zoo.coding.container import unpack
from zoo.errors import UserError
from zoo.images.picture import Picture
from zoo.metrics.psnr import psnr


@pytest.fixture(scope="module")
def codec():
    """The shipped one: with random variables, more bytes would not make better pictures."""
    return load_codec("bls2017-vr")


@pytest.fixture(scope="module")
def picture(photograph):
    return Picture(photograph)


@pytest.fixture(scope="module")
def sizes(codec, picture):
    draft = Draft(codec, picture)
    return {quality: len(draft.data(quality)) for quality in range(1, 101)}


def test_sizes_rise_with_quality(sizes):
    # (The entropy coder's lanes are whole numbers, and rounding may favour either of two steps nearly the same.)
    assert all(sizes[q] <= 1.02 * sizes[q + 1] + 8 for q in range(1, 100))
    assert all(sizes[q] < sizes[q + 10] for q in range(1, 90))
    assert sizes[100] > 5 * sizes[1]


@pytest.mark.parametrize("effort", [0, 1])
@pytest.mark.parametrize("part", [0.02, 0.4, 0.9])
def test_bytes_are_never_exceeded(codec, picture, sizes, effort, part):
    budget = int(sizes[1] + part * (sizes[100] - sizes[1]))
    found = compress(codec, picture, target=Target("bytes", budget), effort=effort)
    assert len(found.data) <= budget
    assert unpack(found.data).quality == found.quality
    if not effort:
        assert sizes[min(found.quality + 2, 100)] > budget


def test_a_budget_that_nothing_meets_is_told(codec, picture, sizes):
    with pytest.raises(UserError, match=f"even quality 1 takes {sizes[1]} bytes"):
        compress(codec, picture, target=Target("bytes", min(sizes.values()) - 1))


def test_bits_per_pixel_are_the_nearest(codec, picture, sizes):
    pixels = 128 * 192
    bpp = 8 * math.sqrt(sizes[30] * sizes[90]) / pixels
    found = compress(codec, picture, target=Target("bpp", bpp))
    ratios = {q: abs(math.log(8 * size / pixels / bpp)) for q, size in sizes.items()}
    assert ratios[found.quality] == min(ratios.values())
    far = compress(codec, picture, target=Target("bpp", 50.0))
    assert far.quality == 100
    assert far.notes == (
        f"{8 * sizes[100] / pixels:.3f} bits per pixel are the nearest to 50 that can be had",
    )


@pytest.mark.parametrize("effort", [0, 1])
def test_psnr_is_reached_with_the_lowest_quality(codec, picture, effort):
    draft = Draft(codec, picture)
    goal = draft.psnr(60) - 1e-9
    found = compress(codec, picture, target=Target("psnr", goal), effort=effort)
    assert psnr(codec.decode(found.data), picture.rgb) >= goal
    if not effort:
        assert found.quality == min(q for q in range(1, 101) if draft.psnr(q) >= goal)


def test_a_psnr_out_of_reach_is_said(codec, picture):
    found = compress(codec, picture, target=Target("psnr", 90.0))
    assert "the highest that bls2017-vr reaches" in found.notes[0]


def test_qualities_that_do_not_exist(codec, picture, tiny_export):
    for quality in (0, 101):
        with pytest.raises(UserError, match="expected 1 to 100"):
            compress(codec, picture, quality)
    fixed = load_codec(str(tiny_export))
    with pytest.raises(UserError, match="no quality"):
        compress(fixed, picture, 50)
    with pytest.raises(UserError, match="one rate"):
        compress(fixed, picture, target=Target("bytes", 1000))
    assert fixed.decode(compress(fixed, picture).data).shape == picture.rgb.shape


def test_what_is_not_colour_comes_back(codec, photograph):
    grey = np.repeat(photograph[..., 1:2], 3, axis=2)
    alpha = photograph[..., 0]
    original = Picture(grey, grey=True, alpha=alpha, profile=b"profile" * 99)
    restored = codec.unpack(unpack(compress(codec, original).data))
    np.testing.assert_array_equal(restored.alpha, alpha)
    assert (restored.grey, restored.profile) == (True, original.profile)
    assert restored.to_pillow().mode == "LA"


def test_further_qualities_are_tried_where_refinement_moves_the_goal(codec, picture, monkeypatch):
    """Refinement that costs more than its neighbours' says: the budget still holds, the PSNR is still reached."""
    real = Draft.data
    draft = Draft(codec, picture)

    def unsteady(quality, refined=False):
        return real(draft, quality) + b"." * (500 if refined and quality % 3 else 0)

    monkeypatch.setattr(draft, "data", unsteady)
    budget = len(unsteady(40)) + 100
    assert len(meet(draft, Target("bytes", budget)).data) <= budget
    monkeypatch.setattr(
        draft, "psnr_of", lambda data: draft.psnr(unpack(data).quality) - (unpack(data).quality % 7 > 0)
    )
    monkeypatch.setattr(draft, "data", lambda quality, refined=False: real(draft, quality))
    goal = draft.psnr(44)
    found = meet(draft, Target("psnr", goal))
    assert draft.psnr_of(found.data) >= goal
    assert found.notes == ()
