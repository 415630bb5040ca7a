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


def mixed_tables():
    """Two channels at two qualities, of which either may take both: latents are small at one and large at the other."""
    rows = [[100, 3800, 100, 96], [100, 3800, 100, 96], [1300, 1300, 1300, 196], [1300, 1300, 1300, 196]]
    cdf = np.concatenate([np.concatenate([[-12, 0], np.cumsum(row)]) for row in rows])
    return make_tables(cdf, np.full([2, 2], -1), np.array([[1, 2], [1, 2]]))


def test_runs_of_four_take_the_best_tables(noise):
    tables = mixed_tables()
    bits = TableBits(tables)
    symbols = np.zeros([2, 3, 5, 2], np.int32)  # 15 positions: the last run has three
    flat = symbols.reshape(2, 15, 2)
    flat[0, 4:8], flat[1, 12:] = 1, -1
    quality = tf.constant([1, 2])
    chosen = bits.choose(symbols, quality).numpy().reshape(2, 15)
    assert chosen.tolist() == [[1] * 4 + [2] * 4 + [1] * 7, [1] * 12 + [2] * 3]
    small, large = np.log2(TOTAL / 3800), np.log2(TOTAL / 1300)
    expected = [4 + 22 * small + 8 * large, 4 + 24 * small + 6 * large]
    np.testing.assert_allclose(bits(symbols, quality), expected, rtol=1e-6)
    own = tf.reduce_sum(bits.of_symbols(symbols, quality), axis=(1, 2, 3)).numpy()
    assert np.all(bits(symbols, quality).numpy() < own)
    assert bits.of_symbols(symbols, tf.constant(chosen.reshape(2, 3, 5))).shape == [2, 3, 5, 2]


def test_the_coder_spends_what_its_choices_cost(noise):
    tables = mixed_tables()
    likely = np.where(np.arange(20000) // 100 % 2, 0.97, 0.33)[:, None]  # of zero, in stretches
    symbols = np.where(noise.random([20000, 2]) < likely, 0, noise.choice([-1, 1], [20000, 2])).astype(
        np.int32
    )
    size = 8 * len(RansCoder(tables).encode(symbols, 2)) - 8 * HEADER
    bits = float(TableBits(tables)(symbols[np.newaxis, np.newaxis], tf.constant([2]))[0])
    assert bits < size < 1.01 * bits + 200


@pytest.mark.parametrize("choices", [[[1, 2, 1]], [[1, 2], [2, 3]], [[1], [1]], [[0]]])
def test_other_choices_are_refused(choices):
    with pytest.raises(ValueError, match="choices has shape"):
        make_tables(CDF, OFFSETS, np.array(choices))
