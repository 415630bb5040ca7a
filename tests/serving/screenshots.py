"""Takes the screenshots of the page: `python -m tests.serving.screenshots [DIRECTORY]`, by default docs/page.

With the shipped codec and photograph; needs Chromium.
"""

import io
import pathlib
import sys
import tempfile

from PIL import Image

from tests.conftest import ROOT
from tests.serving.conftest import EmbeddedServers
from tests.serving.page_driver import Page, start_chromium

PHOTOGRAPH = ROOT / "zoo/data/samples/kodak/kodim23.png"
QUALITY = 30
SCREENS = {  # of `Page.screen`
    "wide": {"width": 1280, "height": 740},
    "phone": {"width": 390, "height": 844, "dark": True, "phone": True, "scale": 1.5},
}


def take(page, path, **screen):
    """Writes what the page shows of the photograph; as JPEG, for a palette would spoil what is compared."""
    with page.screen(**screen):
        page.reload()
        page.choose(PHOTOGRAPH)
        page.wait_for_result()
        page.run(
            """
            const [quality] = arguments;
            document.getElementById("quality").value = quality;
            document.getElementById("quality").dispatchEvent(new Event("input", { bubbles: true }));""",
            QUALITY,
        )
        page.wait_for_result()
        page.pick("pair", "jpeg-codec")
        page.browser.execute_async_script("setTimeout(arguments[0], 1000)")  # until transitions have ended
        image = Image.open(io.BytesIO(page.browser.get_screenshot_as_png())).convert("RGB")
    image.save(path, quality=90, subsampling=0, optimize=True)
    print(f"{path}: {image.width} x {image.height}, {path.stat().st_size} bytes")


def main(directory=ROOT / "docs/page"):
    """Serves exported/ for as long as the screenshots take."""
    from zoo.serving.options import Options

    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    servers = EmbeddedServers()
    server = servers.start(Options(str(ROOT / "exported"), grpc_port=0, rest_port=0))
    with tempfile.TemporaryDirectory() as downloads:
        browser = start_chromium(downloads)
        try:
            page = Page(browser, f"http://127.0.0.1:{server.rest_port}/")
            for name, screen in SCREENS.items():
                take(page, directory / f"{name}.jpg", **screen)
        finally:
            browser.quit()
            servers.stop(server)
            servers.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
