"""Writes the figures of the papers' `results/` into the READMEs, between their markers: `python tools/fill_readmes.py`."""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULT = ROOT / "zoo" / "codec" / "results" / "rate-distortion" / "result.json"
READMES = (ROOT / "zoo" / "codec" / "README.md", ROOT / "README.md")
MOST_POINTS = 6  # of a model's curve, about
LABELS = {
    "jpeg-420": "JPEG (4:2:0, optimized)",
    "jpeg-444": "JPEG (4:4:4, optimized)",
    "jpeg2000": "JPEG 2000",
    "webp": "WebP (method 6)",
    "avif": "AVIF (speed 6)",
    "published-balle2017": "published curve of Ballé et al.",
}


def table(result):
    """The rate–distortion experiment's result as Markdown.

    Args:
      result: dict, the content of its `result.json`.

    Returns:
      str: a table of the models; for each of one rate, its differences to other codecs at equal bytes; for each of
      many, its BD-rates from 0.2 to 1 bits per pixel.
    """
    found = result["results"]
    models = [curve for curve in found["curves"] if curve["kind"] == "model"]
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
    count = found["images"]["count"]
    lines += ["", f"Averages over {count} pictures, of real files' bytes; `{result['command']}`."]
    return "\n".join(lines)


def fill(text, content):
    """`text` with what lies between its markers replaced by `content`."""
    return re.sub(
        r"(<!-- rate-distortion -->\n).*?(<!-- end -->)",
        lambda m: f"{m[1]}{content}\n{m[2]}",
        text,
        flags=re.DOTALL,
    )


def main():
    """Fills the READMEs."""
    content = table(json.loads(RESULT.read_text()))
    for path in READMES:
        path.write_text(fill(path.read_text(), content))


if __name__ == "__main__":
    main()
