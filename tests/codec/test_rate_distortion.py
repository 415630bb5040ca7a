import csv
import io
import json
import sys
import types

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from zoo import experiments as runner
from zoo.codec import anchors, contenders, experiments
from zoo.codec import rate_distortion as rd
from zoo.codec.files import load_codec
from zoo.codec.published import PUBLISHED
from zoo.errors import UserError


class FakeCodec:
    """JPEG under a model's name; counts what it does, and may be killed after some pictures."""

    def __init__(self, name, quality, kill_after=None):
        self.name, self.quality, self.kill_after = name, quality, kill_after
        self.directory, self.qualities = name, 1
        self.encoded = 0

    def encode(self, image):
        if min(image.shape[:2]) > 100:  # not the probe
            if self.encoded == self.kill_after:
                raise KeyboardInterrupt
            self.encoded += 1
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=self.quality)
        return buffer.getvalue()

    def decode(self, data):
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    def estimated_bits(self, image):
        return 0.5 * image.shape[0] * image.shape[1]


def curve(bpp, psnr, ms_ssim, name="c", kind="anchor"):
    return rd.Curve(name, name, kind, ("",) * len(bpp), tuple(bpp), tuple(psnr), tuple(ms_ssim))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, size in enumerate([(176, 208), (192, 176)]):
        noise = np.random.default_rng(i).normal(size=(*size, 3))
        smooth = sum(gaussian_filter(noise, (s, s, 0)) * s for s in (1, 4, 16))
        picture = (255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{i}.png")
    return f"folder:{folder}/*.png"


@pytest.fixture
def run(tmp_path, photos, monkeypatch):
    """Runs the experiment with fake codecs, a dict of name to codec, and two anchors of five points."""
    fast = tuple(a for a in anchors.ANCHORS if a.name in ("jpeg-420", "webp"))
    monkeypatch.setattr(anchors, "available", lambda: fast)
    monkeypatch.setattr(experiments, "SETTINGS", {"smoke": 3, "cpu": 5})
    monkeypatch.setattr(experiments, "RATES", (0.01, 50.0))  # these pictures are no photographs

    def go(codecs, scale="cpu", out="out", **options):
        fake = types.SimpleNamespace(load_codec=codecs.__getitem__)
        monkeypatch.setitem(sys.modules, "zoo.codec.files", fake)
        options = {
            "models": ",".join(codecs),
            "images": photos,
            "crops": None,
            "update_cards": False,
        } | options
        experiment = experiments.EXPERIMENTS["rate-distortion"]
        return runner.run_experiment(
            "codec/rate-distortion", experiment, scale, tmp_path / out, options, dict.fromkeys(options)
        )

    return go


def test_cards_get_what_was_measured(run, tmp_path):
    codec = FakeCodec("m-0.01", 50)
    codec.directory = tmp_path / "export"
    codec.directory.mkdir()
    (codec.directory / "card.json").write_text('{"name": "m-0.01", "metrics": {}}')
    result = run({"m-0.01": codec}, update_cards=True)["results"]
    curve = result["curves"][0]
    metrics = json.loads((codec.directory / "card.json").read_text())["metrics"]["rate-distortion"]
    assert metrics["bd_rates_percent"] == {}  # one point is no curve
    point = metrics["points"][0]
    assert point["setting"] == "0.01"
    assert point["bits_per_pixel"] == pytest.approx(curve["bpp"][0], abs=1e-4)
    assert point["psnr_db"] == pytest.approx(curve["psnr"][0], abs=1e-3)
    beside = point["differences_at_equal_bytes"]["webp"]
    assert beside["psnr_db"] == pytest.approx(result["at_equal_rate"][1]["difference_psnr"], abs=0.01)


def test_interpolation_is_linear_in_log_rate_and_in_decibels():
    c = curve([0.2, 0.4, 1.6], [25.0, 29.0, 35.0], [0.9, 0.99, 0.999])
    assert c.at(0.2, "psnr") == 25.0
    assert c.at(0.2 * 2**0.25, "psnr") == pytest.approx(26.0)
    assert c.at(0.8, "psnr") == pytest.approx(32.0)
    assert c.at(0.08**0.5, "ms_ssim") == pytest.approx(15.0)
    assert c.at(1.6, "ms_ssim") == pytest.approx(30.0)
    assert c.at(0.19, "psnr") is None
    assert c.at(1.61, "ms_ssim") is None


def test_interpolation_between_points_far_apart():
    # JPEG 4:2:0 on Kodak as published in tensorflow/compression; linear in bpp is 0.41 dB off.
    c = curve([0.296277, 0.584600], [26.228299, 29.989885], [0.9, 0.95])
    assert c.at(0.444940, "psnr") == pytest.approx(28.576147, abs=0.1)


def test_published_curve_as_tabulated_elsewhere():
    # Tabulated with interpolation linear in bpp, which lies below a curve that bends down.
    c = experiments.published_curve(PUBLISHED[0])
    for bpp, psnr, ms_ssim in [(0.125, 26.89, 0.9059), (0.5, 31.88, 0.9703), (1.5, 38.20, 0.9924)]:
        assert c.at(bpp, "psnr") == pytest.approx(psnr + 0.02, abs=0.025)
        assert 1 - 10 ** (-c.at(bpp, "ms_ssim") / 10) == pytest.approx(ms_ssim + 4e-4, abs=4e-4)


def test_average_is_over_pictures_at_constant_setting():
    values = [("2", 1.0, 30.0, 0.98), ("1", 0.2, 24.0, 0.8), ("2", 2.0, 34.0, 0.96), ("1", 0.4, 26.0, 0.9)]
    rows = [dict(zip(("setting", "bpp", "psnr", "ms_ssim"), v, strict=True)) for v in values]
    c = rd.average(rows, "x", "X", "anchor")
    assert c.settings == ("1", "2")
    assert c.bpp == pytest.approx((0.3, 1.5))
    assert c.psnr == pytest.approx((25.0, 32.0))
    assert c.ms_ssim == pytest.approx((0.85, 0.97))


def test_measure_counts_bytes_of_the_file():
    image = np.random.default_rng(0).integers(0, 256, (176, 200, 3), dtype=np.uint8)
    codec = FakeCodec("fake", 50)
    row = rd.measure("fake", "50", "01", image, codec.encode, codec.decode, codec.estimated_bits)
    assert tuple(row) == rd.FIELDS
    assert row["bytes"] == len(codec.encode(image))
    assert row["bpp"] == 8 * row["bytes"] / (176 * 200)
    assert (row["width"], row["height"]) == (200, 176)
    assert row["estimated_bpp"] == 0.5
    assert 5 < row["psnr"] < 60
    assert 0 < row["ms_ssim"] < 1


def test_comparison_at_equal_rate():
    ours = curve([0.08**0.5, 2.0], [28.0, 40.0], [0.99, 0.999], "ours", "model")
    inside, outside = rd.compare_at_rate(ours, [curve([0.2, 0.4], [25.0, 29.0], [0.9, 0.99], "jpeg")])
    assert inside["difference_psnr"] == pytest.approx(1.0)
    assert inside["difference_ms_ssim_db"] == pytest.approx(5.0)
    assert outside["psnr"] == 40.0
    assert outside["reference_psnr"] is None
    assert outside["difference_psnr"] is None


def test_a_part_of_a_curve():
    c = curve([0.1, 0.4, 0.8, 1.6], [24.0, 29, 33, 37], [0.9, 0.95, 0.98, 0.99])
    part = c.between(0.2, 1.6)
    assert part.bpp == (0.2, 0.4, 0.8, 1.6)
    assert part.psnr[0] == pytest.approx(26.5)
    assert part.quality("ms_ssim")[0] == pytest.approx(np.mean(c.quality("ms_ssim")[:2]))
    assert c.between(0.05, 3) == c
    assert c.between(2, 3).bpp == ()


def test_bd_rates():
    bpp, psnr, ms_ssim = np.array([0.2, 0.4, 0.8, 1.6]), [26.0, 29, 33, 37], [0.9, 0.95, 0.98, 0.99]
    jpeg = curve(bpp, psnr, ms_ssim, "jpeg")
    by_psnr, by_ms_ssim = rd.bd_rates(curve(bpp * 0.8, psnr, ms_ssim, "ours"), [jpeg], (0.1, 2))
    assert by_psnr["percent"] == pytest.approx(-20)
    assert by_ms_ssim["percent"] == pytest.approx(-20)
    assert (by_psnr["metric"], by_ms_ssim["metric"]) == ("psnr", "ms_ssim")
    assert (by_psnr["low"], by_psnr["high"]) == (26, 37)
    assert rd.bd_rates(curve(bpp[:3], psnr[:3], ms_ssim[:3]), [jpeg], (0.1, 2)) == []
    apart = rd.bd_rates(curve(bpp, np.add(psnr, 20), ms_ssim), [jpeg], (0.1, 2))[0]
    assert apart["percent"] is None
    assert "share no quality" in apart["reason"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("bls2017-mse-0.01", ("bls2017-mse", "0.01")),
        ("bls2017", ("bls2017", "")),
        ("codec-a", ("codec-a", "")),
        ("0.01", ("0.01", "")),
    ],
)
def test_families(name, parts):
    assert contenders.split_family(name) == parts


def test_two_trainings_of_one_model_keep_apart(monkeypatch):
    fake = types.SimpleNamespace(load_codec=lambda name: FakeCodec("m-0.01", 50))
    monkeypatch.setitem(sys.modules, "zoo.codec.files", fake)
    assert list(contenders.load_models("runs/a, runs/b,runs/a", "cpu")) == ["runs/a", "runs/b"]
    assert list(contenders.load_models("runs/a", "cpu")["m"]) == ["0.01"]
    assert contenders.load_models("", "cpu") == {}


def test_a_codec_for_every_rate_is_a_curve(run, capsys):
    result = run(
        {"bls2017-vr": load_codec("bls2017-vr")}, scale="smoke", models="bls2017-vr,bls2017-vr@effort=1"
    )
    plain, refined = (c for c in result["results"]["curves"] if c["kind"] == "model")
    assert plain["settings"] == ["4", "33", "63", "92"]
    assert plain["bpp"] == sorted(plain["bpp"])
    assert plain["psnr"] == sorted(plain["psnr"])
    assert (refined["name"], refined["settings"]) == ("bls2017-vr@effort=1", ["4", "92"])
    crop = result["results"]["crops"][0]
    assert crop["model"] == "bls2017-vr"


def test_what_follows_the_at_sign():
    assert list(contenders.load_models("bls2017-vr@int8", "smoke")) == ["bls2017-vr@int8"]
    for wrong in (
        "bls2017-vr@effort=10",
        "bls2017-vr@float8",
        "bls2017-mse-0.01@effort=1",
        "bls2017-mse-0.01@int8",
    ):
        with pytest.raises(UserError, match=r"expected effort|one rate|has no model"):
            contenders.load_models(wrong, "smoke")


def test_pictures_to_show():
    assert experiments.parse_crops(None, "smoke", 24) == ["01"]
    assert experiments.parse_crops(None, "cpu", 24) == ["01", "13", "24"]
    assert experiments.parse_crops("3,11", "cpu", 24) == ["03", "11"]
    for wrong in ("0", "25", "1,x", ""):
        with pytest.raises(UserError, match="from 1 to 24"):
            experiments.parse_crops(wrong, "cpu", 24)


def test_whole_experiment(run, tmp_path, capsys):
    codecs = {f"fake-{q}": FakeCodec(f"fake-{q}", q) for q in (30, 50, 70, 85)}
    result = run(codecs, crops="2")["results"]
    out = tmp_path / "out"

    rows = list(csv.DictReader((out / "pictures.csv").open()))
    assert tuple(rows[0]) == rd.FIELDS
    assert len(rows) == 2 * (4 + 5 + 5)
    assert [row["estimated_bpp"] for row in rows if row["codec"] == "webp"] == [""] * 10
    ours = [row for row in rows if (row["codec"], row["setting"]) == ("fake", "50")]
    assert [row["image"] for row in ours] == ["01", "02"]

    fake, jpeg, webp = result["curves"]
    assert (fake["name"], jpeg["name"], webp["name"]) == ("fake", "jpeg-420", "webp")
    point = list(fake["settings"]).index("50")
    assert fake["bpp"][point] == pytest.approx(np.mean([float(row["bpp"]) for row in ours]))
    # The fake is JPEG without optimized tables: it needs some more bytes for the same picture.
    against_jpeg = [row for row in result["bd_rates"] if row["reference"] == "jpeg-420"]
    assert [row["metric"] for row in against_jpeg] == ["psnr", "ms_ssim"]
    assert all(1 < row["percent"] < 30 for row in against_jpeg)
    at_rate = [row for row in result["at_equal_rate"] if row["reference"] == "jpeg-420"]
    assert len(at_rate) == 4
    assert all(abs(row["difference_psnr"]) < 1 for row in at_rate)

    with Image.open(out / "rd.png") as plot:
        plot.load()
        assert plot.size == (2560, 960)
    printed = capsys.readouterr().out
    assert "Not Kodak's 24 pictures" in printed
    assert "BD-rate" in printed
    assert "fake 50" in printed


def test_crops_from_files_of_equal_size(run, tmp_path):
    crops = run({"fake": FakeCodec("fake", 60)}, scale="smoke")["results"]["crops"]
    assert [crop["image"] for crop in crops] == ["01"]
    assert set(crops[0]["codecs"]) == {"fake", "jpeg-420", "webp"}
    limit = crops[0]["limit"]
    assert limit == int(1.01 * crops[0]["codecs"]["fake"]["bytes"])
    for codec in crops[0]["codecs"].values():
        assert 0.9 * limit < codec["bytes"] <= limit
    with Image.open(tmp_path / "out" / crops[0]["file"]) as figure:
        figure.load()
        # Three columns of a picture narrower than a crop, twice as large, and two rows.
        assert figure.size == (3 * (2 * 208 + 12) + 12, 48 + 2 * (58 + 2 * 176) + 12)


def test_an_anchor_without_so_small_a_file(run):
    tiny = FakeCodec("tiny", 60)
    whole = tiny.encode
    tiny.encode = lambda image: whole(image)[:200]
    tiny.decode = lambda data: np.zeros((176, 208, 3), np.uint8)
    codecs = run({"tiny": tiny}, scale="smoke")["results"]["crops"][0]["codecs"]
    assert codecs["tiny"]["bytes"] == 200
    assert codecs["jpeg-420"] is None


def test_killed_and_started_again(run, tmp_path, monkeypatch):
    calls = []
    encode = anchors.Anchor.encode
    monkeypatch.setattr(anchors.Anchor, "encode", lambda *args: calls.append(args[0].name) or encode(*args))

    killed = FakeCodec("fake", 50, kill_after=1)
    with pytest.raises(UserError, match="the same command goes on"):
        run({"fake": killed})
    assert killed.encoded == 1
    again = FakeCodec("fake", 50)
    record = run({"fake": again})
    assert record["units"] == {"computed": 1 + 2 * 2, "reused": 1}
    assert again.encoded == 1 + 2  # the second picture, and both for the crops

    calls.clear()
    idle = FakeCodec("fake", 50)
    same = run({"fake": idle})
    assert same["units"] == {"computed": 0, "reused": 6}
    assert same["results"] == record["results"]
    assert json.loads((tmp_path / "out" / "result.json").read_text())["units"] == same["units"]
    assert idle.encoded == 2  # crops only
    assert len(calls) <= 2 * 2 * 7  # bisections of the crops

    retrained = FakeCodec("fake", 70)
    assert run({"fake": retrained})["units"]["computed"] == 2


def test_no_models(run):
    result = run({}, scale="smoke")["results"]
    assert [c["name"] for c in result["curves"]] == ["jpeg-420", "webp"]
    assert result["at_equal_rate"] == result["bd_rates"] == result["crops"] == []


def test_small_pictures_are_refused_before_any_work(run, tmp_path):
    Image.new("RGB", (160, 300)).save(tmp_path / "photos" / "9.png")
    codec = FakeCodec("fake", 50)
    with pytest.raises(UserError, match=r"picture 03 .* has 160x300 pixels; MS-SSIM needs 161"):
        run({"fake": codec})
    assert codec.encoded == 0


def test_published_curves_join_kodak(run, monkeypatch):
    black = np.zeros((512, 768, 3), np.uint8)
    monkeypatch.setattr(experiments, "load_images", lambda *_: {f"{i:02d}": black for i in range(1, 25)})
    published = PUBLISHED[0]
    bpp, psnr, ms_ssim = np.transpose(published.points)
    twice = curve(2 * bpp, psnr, ms_ssim, "twice the rate")
    monkeypatch.setattr(experiments, "measure_all", lambda *_: ([], [twice]))
    result = run({})["results"]
    assert [c["name"] for c in result["curves"]] == [twice.name, *(p.name for p in PUBLISHED)]
    percents = [row["percent"] for row in result["bd_rates"] if row["codec"] == published.name]
    assert percents == pytest.approx([-50, -50], abs=1)
