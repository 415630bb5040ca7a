import numpy as np
import pytest
import tensorflow_compression as tfc

from zoo.coding import range_coder
from zoo.coding.range_coder import RangeCoder
from zoo.errors import UserError


@pytest.fixture
def coder():
    """Three channels with symbols -1, 0, 1 and an escape; the first is nearly always 0."""
    cdf = [-6, 0, 1, 62, 63, 64, -6, 0, 20, 40, 60, 64, -6, 0, 8, 40, 56, 64]
    return RangeCoder(cdf, [-1, -1, -1])


@pytest.mark.parametrize("spread", [0, 1, 300])
def test_round_trip_in_strips(coder, noise, monkeypatch, spread):
    symbols = np.round(spread * noise.normal(size=(23, 7, 3))).astype(np.int16)
    whole = coder.encode(symbols)
    monkeypatch.setattr(range_coder, "STRIP", 5 * 7 * 3)
    assert coder.encode(symbols) == whole
    np.testing.assert_array_equal(coder.decode(whole, 23, 7), symbols)


def test_bytes_are_those_of_the_library(coder, noise):
    symbols = np.round(2 * noise.normal(size=(9, 7, 3))).astype(np.int16)
    library = tfc.ContinuousBatchedEntropyModel(
        prior_shape=(3,), coding_rank=3, compression=True, stateless=True, cdf=coder._cdf,
        cdf_offset=coder._offset, offset_heuristic=False,
    )  # fmt: skip
    assert coder.encode(symbols) == library.compress(symbols.astype(np.float32)).numpy()


def test_a_stream_too_short_for_its_size_is_refused_before_work(coder):
    # At least 0.05, 1.7 and 1 bits a place.
    with pytest.raises(UserError, match="damaged"):
        coder.decode(b"0" * 100, 2**16, 2**16)


def test_absurd_numbers_are_refused(noise):
    coder = RangeCoder([-4, 0, 1, 16], [0])  # an escape nearly always
    told = 0
    for _ in range(50):
        try:
            assert coder.decode(noise.bytes(40), 2, 2).dtype == np.int16
        except UserError:
            told += 1
    assert told
