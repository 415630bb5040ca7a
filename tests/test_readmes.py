import re

import pytest

from tools import fill_readmes as readme


def test_the_readmes_hold_what_the_results_say():
    contents = readme.tables()
    texts = [path.read_text() for path in readme.READMES]
    for content in contents.values():
        assert any(content in text for text in texts), "run python tools/fill_readmes.py"
    assert [readme.fill(text, contents) for text in texts] == texts


def test_figures_are_filled_in_between_the_markers():
    text = "before\n<!-- a/b -->\nold\n<!-- end -->\nbetween\n<!-- c -->\nkept\n<!-- end -->\nafter"
    filled = readme.fill(text, {"a/b": "new | \\1"})
    assert filled == text.replace("old", "new | \\1")
    assert readme.fill("no marker", {"a/b": "new"}) == "no marker"


def test_differences_have_signs():
    one = {
        "codec": "m",
        "setting": "1",
        "reference": "webp",
        "difference_psnr": -0.5,
        "difference_ms_ssim_db": 0.25,
    }
    many = one | {"codec": "n"}  # at one of its qualities, which the table leaves to the BD-rate
    curve = {"kind": "model", "name": "m", "settings": ["1"], "bpp": [0.5], "psnr": [30.0], "ms_ssim": [0.97]}
    curves = [
        curve,
        curve | {"name": "n@effort=9", "settings": ["7", "8"]},
        curve | {"name": "n", "settings": ["7", "8"], "bpp": [1, 2], "psnr": [3, 4], "ms_ssim": [0, 1]},
    ]
    bd = [
        {"codec": "n", "reference": "webp", "metric": m, "percent": p}
        for m, p in (("psnr", -9), ("ms_ssim", 3.04))
    ]
    bd += [row | {"codec": "n@effort=9", "reference": "n"} for row in bd]
    result = {
        "results": {"curves": curves, "at_equal_rate": [one, many], "bd_rates": bd, "images": {"count": 24}},
        "command": "toulon",
    }
    content = readme.codec_rate_distortion(result)
    assert "| `m-1` | 0.500 | 30.00 | 0.9700 |" in content
    assert "| `n`, quality 7 | 1.000 | 3.00 | 0.0000 |" in content
    assert content.count("| WebP (method 6) | -0.50 | +0.25 |") == 1
    assert content.count("| WebP (method 6) | -9.0 % | +3.0 % |") == 1
    assert "| `n@effort=9` | -9.0 % | +3.0 % |" in content
    assert "effort=9`, quality" not in content


@pytest.mark.parametrize("path", readme.READMES, ids=lambda p: p.parent.name)
def test_links_lead_somewhere(path):
    prose = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target
