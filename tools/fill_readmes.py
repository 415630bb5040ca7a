"""Writes the figures of the papers' `results/` into the READMEs, between their markers: `python tools/fill_readmes.py`."""

import json
import pathlib
import re
import statistics

from zoo.superres.toy_experiments import LABELS as LABELS_OF_THE_ROLL

ROOT = pathlib.Path(__file__).resolve().parent.parent
READMES = tuple(
    ROOT / path
    for path in ("README.md", "zoo/codec/README.md", "zoo/superres/README.md", "zoo/gan/README.md")
)
MOST_POINTS = 6  # of a model's curve, about
LABELS = {
    "jpeg-420": "JPEG (4:2:0, optimized)",
    "jpeg-444": "JPEG (4:4:4, optimized)",
    "jpeg2000": "JPEG 2000",
    "webp": "WebP (method 6)",
    "avif": "AVIF (speed 6)",
    "published-balle2017": "published curve of Ballé et al.",
}


def codec_rate_distortion(result):
    """The rate–distortion experiment's result as Markdown.

    Args:
      result: dict, the content of its `result.json`.

    Returns:
      str: a table of the models; for each of one rate, its differences to other codecs at equal bytes; for each of
      many, its BD-rates from 0.2 to 1 bits per pixel; the same of variants, such as efforts, against their models.
    """
    found = result["results"]
    measured = [curve for curve in found["curves"] if curve["kind"] == "model"]
    models = [curve for curve in measured if "@" not in curve["name"]]
    one_rate = {curve["name"] for curve in models if len(curve["settings"]) == 1}
    lines = ["| model | bits per pixel | PSNR, dB | MS-SSIM |", "| --- | --- | --- | --- |"]
    for curve in models:
        points = list(zip(curve["settings"], curve["bpp"], curve["psnr"], curve["ms_ssim"], strict=True))
        for setting, bpp, psnr, ms_ssim in points[:: max(1, len(points) // MOST_POINTS)]:
            name = (
                f"`{curve['name']}-{setting}`"
                if curve["name"] in one_rate
                else f"`{curve['name']}`, quality {setting}"
            )
            lines.append(f"| {name} | {bpp:.3f} | {psnr:.2f} | {ms_ssim:.4f} |")
    for row in found["at_equal_rate"]:
        if row["codec"] in one_rate and row["reference"] in LABELS and row["difference_psnr"] is not None:
            head = (
                f"| `{row['codec']}-{row['setting']}".rstrip("-")
                + "`, at the same bytes as | PSNR, dB | MS-SSIM, dB |"
            )
            lines += ["", head, "| --- | --- | --- |"] if head not in lines else []
            lines.append(
                f"| {LABELS[row['reference']]} | {row['difference_psnr']:+.2f} | {row['difference_ms_ssim_db']:+.2f} |"
            )
    percent = {(row["codec"], row["reference"], row["metric"]): row["percent"] for row in found["bd_rates"]}
    for curve in models:
        rows = [
            (label, *(percent.get((curve["name"], reference, metric)) for metric in ("psnr", "ms_ssim")))
            for reference, label in LABELS.items()
        ]
        rows = [row for row in rows if None not in row]
        if rows:
            head = f"| `{curve['name']}`, bytes beside those of | for the same PSNR | for the same MS-SSIM |"
            lines += ["", head, "| --- | --- | --- |"]
            lines += [
                f"| {label} | {of_psnr:+.1f} % | {of_ms_ssim:+.1f} % |" for label, of_psnr, of_ms_ssim in rows
            ]
    variants = [curve["name"] for curve in measured if "@" in curve["name"]]
    if variants:
        lines += [
            "",
            "| variant, bytes beside those of the model itself | for the same PSNR | for the same MS-SSIM |",
        ]
        lines += ["| --- | --- | --- |"]
    for name in variants:
        of_psnr, of_ms_ssim = (
            percent[name, name.partition("@")[0], metric] for metric in ("psnr", "ms_ssim")
        )
        lines.append(f"| `{name}` | {of_psnr:+.1f} % | {of_ms_ssim:+.1f} % |")
    count = found["images"]["count"]
    lines += ["", f"Averages over {count} pictures, of real files' bytes; `{result['command']}`."]
    return "\n".join(lines)


def superres_benchmark(result):
    """The benchmark of super-resolution as Markdown: a table over sets and methods."""
    lines = [
        "| set | method | PSNR of luma, dB | SSIM | edges | bands | A g - x of the file, levels RMS |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['set']} | {row['method']} | {row['psnr']:.2f} | {row['ssim']:.4f} | {row['gradient']:.3f} | "
        f"{row['band']:.3f} | {row['rms']:.2f} |"
        for row in result["results"]["averages"]
    ]
    note = "Edges and bands: distance of the histograms of gradients and of directed details to the original's; 0 is equal."
    return "\n".join([*lines, "", note, f"`{result['command']}`."])


def superres_swiss_roll(result):
    """Table 1 of Sønderby et al. as Markdown."""
    lines = [
        "| method | cross-entropy, nats | over the runs | mean (x - A g)² |",
        "| --- | --- | --- | --- |",
    ]
    for row in result["results"]["table"]:
        values = row["cross_entropy"]
        spread = f"{min(values):.2f} to {max(values):.2f}" if len(values) > 1 else ""
        lines.append(
            f"| {LABELS_OF_THE_ROLL[row['method']]} | {statistics.fmean(values):.2f} | {spread} | "
            f"{statistics.fmean(row['inconsistency']):.1e} |"
        )
    found = result["results"]
    return "\n".join([*lines, "", f"{found['runs']} runs of {found['steps']} steps; `{result['command']}`."])


def superres_variational(result):
    """The divergences of appendix F as Markdown, means over the runs."""
    lines = [
        "| step | KL[q_Y ‖ p_Y] | E KL[q(y given x) ‖ p(y given x)] | by a discriminator |",
        "| --- | --- | --- | --- |",
    ]
    rows = result["results"]["rows"]
    for step in sorted({row["step"] for row in rows}):
        means = [
            statistics.fmean(row[key] for row in rows if row["step"] == step)
            for key in ("joint", "conditional", "discriminator")
        ]
        lines.append(f"| {step} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")
    return "\n".join(
        [*lines, "", f"Nats, means over {result['results']['runs']} runs; `{result['command']}`."]
    )


def superres_patches(result):
    """Table 2 of Sønderby et al., for one kind of picture, as Markdown."""
    lines = [
        "| method | PSNR, dB | SSIM | mean (x - A g)² | colours off by at most, levels | edges | bands |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['method']} | {row['psnr']:.2f} | {row['ssim']:.3f} | {row['inconsistency']:.1e} | "
        f"{row['colour_drift']:.1e} | {row['gradient']:.3f} | {row['band']:.3f} |"
        for row in result["results"]["table"]
    ]
    found = result["results"]
    return "\n".join(
        [*lines, "", f"{found['patches']} patches, {found['steps']} steps each; `{result['command']}`."]
    )


def gan_collapse(result):
    """Modes, quality and what the estimate tells, as Markdown."""
    lines = [
        "| data | method | turns | CPU seconds | modes, each seed | good samples | reverse KL, nats | W1 | estimate against quality |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in result["results"]["table"]:
        counted = ["", "", ""]
        if "modes" in row:
            counted = [
                ", ".join(map(str, row["modes"])),
                f"{100 * statistics.fmean(row['high_quality']):.1f} %",
                f"{statistics.fmean(row['reverse_kl_all']):.3f}",
            ]
        cells = [
            row["data"], row["label"], str(row["turns"]), f"{statistics.fmean(row['cpu_seconds']):.0f}", *counted,
            f"{statistics.fmean(row['wasserstein']):.3f}", ", ".join("–" if v is None else f"{v:+.2f}" for v in row["tracks_quality"]),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", f"`{result['command']}`."])


def gan_diagnosis(result):
    """Gradients at the first and last measurement as Markdown."""
    lines = [
        "| turns of the generator | steps of the discriminator | its accuracy | gradient of log(1 - D) | of -log D "
        "| of a critic with penalty | of one with clipped weights |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in result["results"]["table"]:
        cells = [" → ".join(f"{v:.3g}" for v in row[key])
                 for key in ("steps", "accuracy", "minimax", "non_saturating", "wasserstein", "clipped")]  # fmt: skip
        lines.append(f"| {row['turns']} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", f"`{result['command']}`."])


def gan_balance(result):
    """Modes by objective as Markdown."""
    names = {"non-saturating": "GAN", "wgan": "WGAN, clipped", "wgan-gp": "WGAN-GP"}
    lines = ["| method | modes of 25: fewest | mean | most |", "| --- | --- | --- | --- |"]
    for key, (fewest, mean, most) in result["results"]["modes"].items():
        lines.append(f"| {names[key]} | {fewest} | {mean:.1f} | {most} |")
    cells = len(result["results"]["rows"]) // len(names)
    note = f"Of {cells} choices of critic steps and ratio of rates; {result['results']['turns']} turns each; `{result['command']}`."
    return "\n".join([*lines, "", note])


def gan_two_gaussians(result):
    """Slopes of discriminator and critics as Markdown."""
    lines = ["| trained | least and largest slope | estimate |", "| --- | --- | --- |"]
    lines += [
        f"| {row['name']} | {row['least_slope']:.2g} to {row['largest_slope']:.2g} | {row['estimate']:.3f} |"
        for row in result["results"]["slopes"]
    ]
    return "\n".join([*lines, "", f"On [-3, 8]; the Wasserstein distance is 4; `{result['command']}`."])


def gan_smoothing(result):
    """The best noise for each distance of two lines as Markdown."""
    lines = [
        "| distance of the lines | best radius of the noise | Jensen-Shannon divergence then, nats | bound of theorem 3.3 |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['shift']} | {row['radius']:.3f} | {row['jensen_shannon']:.3f} | {row['bound']:.3f} |"
        for row in result["results"]["best"]
    ]
    return "\n".join([*lines, "", f"`{result['command']}`."])


def gan_pictures(result):
    """Measures of each arm's pictures as Markdown."""
    found = result["results"]
    head = (
        "objective/generator/critic", "classes off uniform", "top probability", "score", "KID", "pyramid", "twins of 500",
        "MS-SSIM of pairs", "estimate, held out", "estimate against KID",
    )  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
    for row in found["table"]:
        estimates, told = "", ""
        if row["arm"] in found["tracks"]:
            tracked = found["tracks"][row["arm"]]
            estimates = f"{row['estimate']:.3g}, {row['held_out']:.3g}"
            told = "–" if tracked is None else f"{tracked:+.2f}"
        cells = [
            row["arm"], f"{row['total_variation']:.3f}", f"{row['top_probability']:.3f}", f"{row['score']:.2f}",
            f"{row['kernel_distance']:.3g}", f"{row['pyramid_distance']:.0f}", str(row["duplicates"]),
            f"{row['diversity']:.3f}", estimates, told,
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    turns = f"{found['turns']} turns of the generator; the" if found["tracks"] else "The"
    note = f"{turns} judge is right for {100 * found['judge']:.2f} % of test pictures; `{result['command']}`."
    return "\n".join([*lines, "", note])


def gan_stacked(result):
    """Kinds of stacked digits as Markdown."""
    found = result["results"]
    lines = [
        "| pictures | kinds of 1000 | reverse KL, nats | the judge's top probability |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['method']} | {row['modes']} | {row['reverse_kl']:.3f} | {row['top_probability']:.3f} |"
        for row in found["table"]
    ]
    note = f"{found['pictures']} pictures after {found['turns']} turns; the judge is right for {100 * found['judge']:.2f} %; `{result['command']}`."
    return "\n".join([*lines, "", note])


# Folder of a result below zoo/ -> function that makes its table; the README's marker is "<!-- FOLDER -->".
TABLES = {
    "codec/results/rate-distortion": codec_rate_distortion,
    "superres/results/benchmark": superres_benchmark,
    "superres/results/swiss-roll": superres_swiss_roll,
    "superres/results/variational": superres_variational,
    "superres/results/faces": superres_patches,
    "superres/results/textures": superres_patches,
    "gan/results/collapse": gan_collapse,
    "gan/results/diagnosis": gan_diagnosis,
    "gan/results/balance": gan_balance,
    "gan/results/two-gaussians": gan_two_gaussians,
    "gan/results/smoothing": gan_smoothing,
    "gan/results/pictures": gan_pictures,
    "gan/results/digits": gan_pictures,
    "gan/results/stacked": gan_stacked,
}


def tables():
    """What the results say: dict of folder to Markdown, of those that are there."""
    paths = {folder: ROOT / "zoo" / folder / "result.json" for folder in TABLES}
    return {
        folder: TABLES[folder](json.loads(path.read_text()))
        for folder, path in paths.items()
        if path.exists()
    }


def fill(text, contents):
    """`text` with what lies between the markers replaced by the contents, a dict of marker to Markdown."""
    return re.sub(
        r"(<!-- (\S+) -->\n).*?(<!-- end -->)",
        lambda m: f"{m[1]}{contents[m[2]]}\n{m[3]}" if m[2] in contents else m[0],
        text,
        flags=re.DOTALL,
    )


def main():
    """Fills the READMEs."""
    contents = tables()
    for path in READMES:
        path.write_text(fill(path.read_text(), contents))


if __name__ == "__main__":
    main()
