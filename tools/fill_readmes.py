"""Writes the figures of the papers' `results/` into the READMEs, between their markers: `python tools/fill_readmes.py`."""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULT = ROOT / "zoo" / "codec" / "results" / "rate-distortion" / "result.json"
READMES = (ROOT / "zoo" / "codec" / "README.md", ROOT / "README.md")
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
      str, a table of the models and one of their differences to other codecs at equal bytes.
    """
    found = result["results"]
    lines = ["| model | bits per pixel | PSNR, dB | MS-SSIM |", "| --- | --- | --- | --- |"]
    for curve in found["curves"]:
        if curve["kind"] == "model":
            points = zip(curve["settings"], curve["bpp"], curve["psnr"], curve["ms_ssim"], strict=True)
            for setting, bpp, psnr, ms_ssim in points:
                name = f"{curve['name']}-{setting}".rstrip("-")
                lines.append(f"| `{name}` | {bpp:.3f} | {psnr:.2f} | {ms_ssim:.4f} |")
    lines += ["", "| at the same bytes as | PSNR, dB | MS-SSIM, dB |", "| --- | --- | --- |"]
    for row in found["at_equal_rate"]:
        if row["reference"] in LABELS and row["difference_psnr"] is not None:
            lines.append(
                f"| {LABELS[row['reference']]} | {row['difference_psnr']:+.2f} | {row['difference_ms_ssim_db']:+.2f} |"
            )
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
