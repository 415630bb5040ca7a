"""The codec's experiments, see `zoo.experiments`."""

import dataclasses
import hashlib

import numpy as np

from zoo.codec import anchors as classical
from zoo.codec import rate_distortion as rd
from zoo.codec.contenders import Point, load_models
from zoo.codec.published import PUBLISHED
from zoo.errors import UserError
from zoo.experiments import Experiment
from zoo.files import to_csv, write_text
from zoo.metrics.ms_ssim import MIN_SIDE, ms_ssim, ms_ssim_db
from zoo.metrics.psnr import psnr

SETTINGS = {"smoke": 3, "cpu": 8, "paper": 20}  # points of each anchor's curve
RATES = 0.2, 1.0  # bits per pixel between which curves are compared
CROP_QUALITY = 20
CROP_ANCHORS = ("jpeg-420", "jpeg2000", "webp", "avif")
CROP_TOLERANCE = 0.01  # a file of an anchor may be this much larger than ours


def add_rate_distortion_arguments(parser):
    """Adds the options of `rate-distortion`."""
    parser.add_argument(
        "--models",
        default="bls2017-vr",
        help="trained codecs, names or directories of exports with commas between; NAME@effort=9 for files refined with "
        "an effort, NAME@float16 or NAME@int8 for its .tflite; '' for none (default: %(default)s)",
    )
    parser.add_argument(
        "--images",
        default="sample:kodak",
        help="pictures, such as 'folder:kodak/*.png' (default: %(default)s)",
    )
    parser.add_argument(
        "--crops",
        help="numbers of the pictures to show side by side, such as 1,5,20 (default: one, at smoke, or three)",
    )
    parser.add_argument(
        "--update-cards", action="store_true", help="write what was measured into the models' cards"
    )


def run_rate_distortion(run):
    """Measures codecs on pictures, files' bytes against PSNR and MS-SSIM, and compares their curves.

    Args:
      run: a `zoo.experiments.Run`.

    Returns:
      dict: curves, `at_equal_rate` (see `rate_distortion.compare_at_rate`), `bd_rates`, crops, pictures.

    Raises:
      UserError: no such model or picture, or a picture too small for MS-SSIM.
    """
    images = load_images(run.options.images, run.scale)
    shown = parse_crops(run.options.crops, run.scale, len(images))
    models = load_models(run.options.models, run.scale)
    like_kodak = len(images) == 24 and all(sorted(image.shape[:2]) == [512, 768] for image in images.values())
    if not like_kodak:
        print(
            f"Not Kodak's 24 pictures but {len(images)}: published curves are left out, and the numbers cannot be "
            "compared with the literature's."
        )

    rows, curves = measure_all(run, models, images)
    write_text(run.out / "pictures.csv", to_csv(rows, rd.FIELDS))
    if like_kodak:
        curves += [published_curve(published) for published in PUBLISHED]
    at_equal_rate, bd_rates = compare(curves)

    # Late, as `toulon experiment --list` imports this file.
    from zoo.codec.figures import plot_rate_distortion

    count = f"{len(images)} picture{'s' if len(images) > 1 else ''}"
    title = f"{run.options.images}, {count}, averages at constant setting"
    plot_rate_distortion(curves, title, run.out / "rd.png")
    crops = [show_crops(run, models, number, images[number]) for number in shown if models]
    print_tables(curves, rows, at_equal_rate, bd_rates)
    if run.options.update_cards:
        update_cards(models, curves, at_equal_rate, bd_rates, f"{run.options.images}, {count}")
    return {
        "images": {"source": run.options.images, "count": len(images)},
        "curves": [dataclasses.asdict(curve) for curve in curves],
        "at_equal_rate": at_equal_rate,
        "bd_rates": bd_rates,
        "crops": crops,
        "files": ["pictures.csv", "rd.png", *(crop["file"] for crop in crops)],
    }


def load_images(source, scale):
    """The pictures to measure on: dict of number ("01", …) to [height, width, 3] uint8; one picture at smoke.

    Raises:
      UserError: a picture is too small for MS-SSIM, or there are none.
    """
    import zoo.data

    pictures = zoo.data.load(source, "test")
    count = 1 if scale == "smoke" else len(pictures)
    images = {f"{i + 1:02d}": pictures[i]["image"] for i in range(count)}
    for number, image in images.items():
        if min(image.shape[:2]) < MIN_SIDE:
            raise UserError(
                f"picture {number} of {source} has {image.shape[1]}x{image.shape[0]} pixels; "
                f"MS-SSIM needs {MIN_SIDE} each way; leave it out."
            )
    return images


def parse_crops(text, scale, count):
    """Numbers of the pictures to show, such as ["01", "05"], from the option's text or by scale.

    Raises:
      UserError: the text is not made of numbers of pictures.
    """
    if text is None:
        numbers = classical.ladder(range(1, count + 1), 1 if scale == "smoke" else 3)
    else:
        numbers = [int(word) if word.strip().isdigit() else 0 for word in text.split(",")]
        if not all(1 <= number <= count for number in numbers):
            raise UserError(f"--crops={text}: give numbers from 1 to {count}, such as --crops=1,{count}.")
    return [f"{number:02d}" for number in numbers]


def measure_all(run, models, images):
    """Measures the models, then the anchors: (rows, a list of dicts; curves, a list of `Curve`)."""
    rows, curves = [], []
    for family, members in models.items():
        family_rows = []
        for setting, codec in members.items():
            family_rows += measure_model(run, family, setting, codec, images)
        curves.append(rd.average(family_rows, family, f"{family} (ours)", "model"))
        rows += family_rows
    for anchor in classical.available():
        anchor_rows = measure_anchor(run, anchor, images)
        curves.append(rd.average(anchor_rows, anchor.name, anchor.label, "anchor"))
        rows += anchor_rows
    return rows, curves


def measure_model(run, family, setting, codec, images):
    """Rows of a learned codec, one a picture."""
    # The stream of a probe tells one training from the next, where a directory's name does not.
    probe = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    stream = codec.encode(probe)
    codec.decode(stream)  # the first call is slow, and should not count
    identity = _digest(stream)
    print(f"{f'{family} {setting}'.strip()}: pictures: {len(images)}", flush=True)

    def measure(number, image):
        return rd.measure(family, setting, number, image, codec.encode, codec.decode, codec.estimated_bits)

    return [
        run.unit(
            f"{family}-{setting}-{identity}-{number}-{_digest(image)}",
            lambda n=number, i=image: measure(n, i),
        )
        for number, image in images.items()
    ]


def measure_anchor(run, anchor, images):
    """Rows of a classical codec, one a picture and setting."""
    settings = classical.ladder(anchor.settings, SETTINGS[run.scale])
    print(f"{anchor.name}: pictures: {len(images)}, settings: {len(settings)}", flush=True)

    def measure(number, image):
        return [
            rd.measure(
                anchor.name,
                str(setting),
                number,
                image,
                lambda i, s=setting: anchor.encode(i, s),
                anchor.decode,
            )
            for setting in settings
        ]

    rows = []
    for number, image in images.items():
        rows += run.unit(f"{anchor.name}-{number}-{_digest(image)}", lambda n=number, i=image: measure(n, i))
    return rows


def published_curve(published):
    """A published curve as a `Curve`."""
    bpp, psnrs, ms_ssims = zip(*published.points, strict=True)
    return rd.Curve(published.name, published.label, "published", ("",) * len(bpp), bpp, psnrs, ms_ssims)


def compare(curves):
    """Models against all other curves, their variants against them, and published curves against the anchors.

    Returns:
      (list of dicts from `compare_at_rate`, of the models; list of dicts from `bd_rates`).
    """
    anchors = [curve for curve in curves if curve.kind == "anchor"]
    published = [curve for curve in curves if curve.kind == "published"]
    at_equal_rate, bd_rates = [], []
    for curve in curves:
        if curve.kind == "model":
            plain = [
                c
                for c in curves
                if c.kind == "model" and c.name == curve.name.partition("@")[0] != curve.name
            ]
            at_equal_rate += rd.compare_at_rate(curve, anchors + published + plain)
            bd_rates += rd.bd_rates(curve, anchors + published + plain, RATES)
    for curve in published:
        bd_rates += rd.bd_rates(curve, anchors, RATES)
    return at_equal_rate, bd_rates


def show_crops(run, models, number, image):
    """Draws one picture as the learned codecs and the anchors give it back from files of equal size.

    The first codec sets the size: one for every rate at a low quality, where differences are seen best. Those for
    every rate after it aim at its bytes; others of one rate, and variants of one codec, are left out.

    Returns:
      dict: model, image, file, limit in bytes, and codecs: name to setting, bytes, psnr, ms_ssim (or None
      where there is no file so small).
    """
    from zoo.images.side_by_side import show_side_by_side

    name, members = next(iter(models.items()))
    first = min(members.values(), key=lambda point: abs(getattr(point, "quality", 0) - CROP_QUALITY))
    if isinstance(first, Point):
        first = Point(first.codec, CROP_QUALITY)
    data = first.encode(image)
    limit = int(len(data) * (1 + CROP_TOLERANCE))
    files = {name: (name, None, data, first.decode)}
    for family, members in models.items():
        point = next(iter(members.values()))
        if family != name and isinstance(point, Point) and "@" not in family:
            setting, data = fit_bytes(point.codec, image, limit)
            files[family] = (family, setting, data, point.decode)
    for anchor in classical.available():
        if anchor.name in CROP_ANCHORS:
            setting, data = classical.fit_bytes(anchor, image, limit) or (None, None)
            label = anchor.label if data is None else f"{anchor.label}, {anchor.setting_name} {setting}"
            files[anchor.name] = (label, setting, data, anchor.decode)

    panels, measured = [("original\n ", image)], {}
    for key, (label, setting, data, decode) in files.items():
        if data is None:
            measured[key] = None
            panels.append((f"{label}\nno file of at most {limit:,} bytes", np.full_like(image, 255)))
            continue
        decoded = decode(data)
        quality = {"psnr": psnr(decoded, image), "ms_ssim": ms_ssim(decoded, image)}
        measured[key] = {"setting": setting, "bytes": len(data)} | quality
        numbers = "{:,} bytes, {psnr:.2f} dB, MS-SSIM {ms_ssim:.4f}".format(len(data), **quality)
        panels.append((f"{label}\n{numbers}", decoded))
    file = f"crops-{number}.png"
    title = f"Picture {number} from files of at most {limit:,} bytes; numbers are of the whole picture"
    show_side_by_side(panels, title, run.out / file)
    return {"model": name, "image": number, "file": file, "limit": limit, "codecs": measured}


def fit_bytes(codec, image, limit):
    """The best file of a codec for every rate that is no larger than `limit`: (quality, bytes), or (None, None)."""
    from zoo.codec.search import Target, compress
    from zoo.images.picture import Picture

    try:
        found = compress(codec, Picture(image), target=Target("bytes", limit))
    except UserError:
        return None, None
    return found.quality, found.data


def update_cards(models, curves, at_equal_rate, bd_rates, pictures):
    """Writes rate, quality and the differences to other codecs into the cards of the models measured."""
    from zoo import registry
    from zoo.export.card import write_card

    for family, members in models.items():
        if "@" in family:
            continue
        curve = next(curve for curve in curves if curve.name == family)
        for directory in dict.fromkeys(codec.directory for codec in members.values()):
            own = [setting for setting, codec in members.items() if codec.directory == directory]
            card = registry.read_card(directory)
            card["metrics"]["rate-distortion"] = {
                "pictures": pictures,
                "points": [_card_point(curve, setting, at_equal_rate) for setting in own],
                "bd_rates_percent": {
                    f"{row['metric']} against {row['reference']}": round(row["percent"], 1)
                    for row in bd_rates
                    if row["codec"] == family and row["percent"] is not None
                },
            }
            write_card(directory, card)


def _card_point(curve, setting, at_equal_rate):
    i = curve.settings.index(setting)
    return {
        "setting": setting,
        "bits_per_pixel": round(curve.bpp[i], 4),
        "psnr_db": round(curve.psnr[i], 3),
        "ms_ssim": round(curve.ms_ssim[i], 5),
        "differences_at_equal_bytes": {
            row["reference"]: {
                "psnr_db": round(row["difference_psnr"], 2),
                "ms_ssim_db": round(row["difference_ms_ssim_db"], 2),
            }
            for row in at_equal_rate
            if (row["codec"], row["setting"]) == (curve.name, setting) and row["difference_psnr"] is not None
        },
    }


def print_tables(curves, rows, at_equal_rate, bd_rates):
    """Prints the models' points, then what they differ from other codecs by."""
    ours = [curve for curve in curves if curve.kind == "model"]
    if ours:
        print(
            f"\n{'model':<24}{'bpp':>8}{'estimate':>10}{'PSNR':>8}{'MS-SSIM':>9}{'dB':>7}{'enc s':>8}{'dec s':>8}"
        )
    for curve in ours:
        for i, setting in enumerate(curve.settings):
            same = [row for row in rows if (row["codec"], row["setting"]) == (curve.name, setting)]
            encode_s, decode_s = (np.mean([row[key] for row in same]) for key in ("encode_s", "decode_s"))
            estimates = [row["estimated_bpp"] for row in same]
            estimate = f"{'-':>10}" if None in estimates else f"{np.mean(estimates):>10.4f}"
            print(
                f"{curve.name + ' ' + setting:<24}{curve.bpp[i]:>8.4f}{estimate}{curve.psnr[i]:>8.2f}"
                f"{curve.ms_ssim[i]:>9.4f}{ms_ssim_db(curve.ms_ssim[i]):>7.2f}{encode_s:>8.3f}{decode_s:>8.3f}"
            )
    if at_equal_rate:
        print(f"\n{'at equal rate':<28}{'bpp':>8}  {'against':<24}{'PSNR, dB':>10}{'MS-SSIM, dB':>13}")
    for row in at_equal_rate:
        print(
            f"{row['codec'] + ' ' + row['setting']:<24}{row['bpp']:>8.4f}  {row['reference']:<24}"
            f"{_signed(row['difference_psnr'], 10, 2)}{_signed(row['difference_ms_ssim_db'], 13, 2)}"
        )
    if bd_rates:
        rates = f"{RATES[0]:g} to {RATES[1]:g} bits per pixel"
        print(f"\n{'BD-rate':<24}  {'against':<24}{'PSNR, %':>10}{'MS-SSIM, %':>13}  {rates}, PSNR of")
    for by_psnr, by_ms_ssim in zip(bd_rates[::2], bd_rates[1::2], strict=True):
        over = "-" if by_psnr["low"] is None else f"{by_psnr['low']:.1f} to {by_psnr['high']:.1f} dB"
        print(
            f"{by_psnr['codec']:<24}  {by_psnr['reference']:<24}"
            f"{_signed(by_psnr['percent'], 10, 1)}{_signed(by_ms_ssim['percent'], 13, 1)}  {over}"
        )
    print()


def _signed(value, width, digits):
    return f"{'-':>{width}}" if value is None else f"{value:>+{width}.{digits}f}"


def _digest(data):
    return hashlib.sha256(data).hexdigest()[:12]


EXPERIMENTS = {
    "rate-distortion": Experiment(
        name="rate-distortion",
        description="files' bytes against PSNR and MS-SSIM, beside JPEG, JPEG 2000, WebP and AVIF",
        durations={"smoke": "20 seconds", "cpu": "5 minutes", "paper": "a quarter of an hour"},
        run=run_rate_distortion,
        add_arguments=add_rate_distortion_arguments,
    ),
}
