import numpy as np
import pytest
import tensorflow as tf
import tensorflow_compression as tfc

from zoo.coding.rans import HEADER, RansCoder
from zoo.coding.table_bits import TableBits
from zoo.coding.tables import TOTAL, make_tables

# One channel that is nearly always zero, two others; of 12 bits, the escape last.
ROWS = {0: [2, TOTAL - 4, 1, 1], 1: [1000, 2000, 1000, 96], 2: [3000, 1000, 96]}
OFFSETS = np.array([[-1, -1, 0]])
CDF = np.concatenate([np.concatenate([[-12, 0], np.cumsum(row)]) for row in ROWS.values()])


def test_tables_are_sorted_and_silent_ones_come_first():
    tables = make_tables(CDF, OFFSETS)
    assert tables.channels.tolist() == [[0, 2, 1]]
    assert tables.offsets.tolist() == [[-1, 0, -1]]
    assert tables.silent.tolist() == [1]
    assert tables.bounds.tolist() == [[0, 4, 7, 11]]
    assert tables.frequencies.tolist() == [*ROWS[0], *ROWS[2], *ROWS[1]]
    assert tables.least_bits()[0] == pytest.approx(np.log2(TOTAL / 3000) + np.log2(TOTAL / 2000))


def test_each_quality_has_an_order_of_its_own():
    tables = make_tables(np.concatenate([CDF, CDF]), np.array([[-1, -1, 0], [-1, -1, 5]]))
    assert tables.silent.tolist() == [1, 1]
    assert tables.bounds.tolist() == [[0, 4, 7, 11], [11, 15, 18, 22]]
    assert tables.offsets.tolist() == [[-1, 0, -1], [-1, 5, -1]]


@pytest.mark.parametrize(
    "cdf",
    [CDF[:-1], np.append(CDF, [-12, 0, 4096]), np.where(CDF == -12, -11, CDF), np.append(CDF[:-1], 4000)],
)
def test_other_tables_are_refused(cdf):
    with pytest.raises(ValueError, match="cdf"):
        make_tables(cdf, OFFSETS)


def test_bits_by_hand():
    bits = TableBits(make_tables(CDF, OFFSETS))
    escape = np.log2(TOTAL / 96)
    for symbol, expected in [
        (-1, np.log2(TOTAL / 1000)),
        (0, np.log2(TOTAL / 2000)),
        (2, escape + 8),
        (-2, escape + 8),
        (65, escape + 8),
        (66, escape + 16),
        (-66, escape + 16),
        (9000, escape + 24),
    ]:
        latents = tf.constant([0, symbol, 0], tf.int32)[None, None, None]
        of_others = np.log2(TOTAL / (TOTAL - 4)) + np.log2(TOTAL / 3000)
        assert float(bits(latents)[0]) == pytest.approx(expected + of_others), symbol


@pytest.mark.parametrize("spread", [1, 30, 1000])
def test_bits_are_those_that_the_coder_spends(tiny_codec, noise, spread):
    """Escapes included; the coder adds its header, the states of lanes, and less than a hundredth."""
    latents = np.round(noise.normal(size=(64, 48, 8)) * spread).astype(np.int32)
    tables = make_tables(tiny_codec.cdf.numpy(), tiny_codec.cdf_offset.numpy()[np.newaxis])
    bits = float(TableBits(tables)(latents[np.newaxis])[0])
    size = 8 * len(RansCoder(tables).encode(latents.reshape(-1, 8), 1)) - 8 * HEADER
    assert bits < size < 1.01 * bits + 200


def test_tables_are_as_good_as_those_of_the_range_coder(tiny_codec, noise):
    """tensorflow-compression's coder with the tables it made takes what `TableBits` says, where nothing is escaped."""
    latents = np.round(noise.normal(size=(1, 64, 48, 8))).astype(np.float32)
    coder = tfc.ContinuousBatchedEntropyModel(
        prior_shape=(8,), coding_rank=3, compression=True, stateless=True, cdf=tiny_codec.cdf.value(),
        cdf_offset=tiny_codec.cdf_offset.value(), offset_heuristic=False, bottleneck_dtype=tf.float32,
    )  # fmt: skip
    length = 8 * len(coder.compress(latents)[0].numpy())
    tables = make_tables(tiny_codec.cdf.numpy(), tiny_codec.cdf_offset.numpy()[np.newaxis])
    assert float(TableBits(tables)(latents.astype(np.int32))[0]) == pytest.approx(length, rel=0.002, abs=32)
