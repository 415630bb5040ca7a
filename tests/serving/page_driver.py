"""What a person does with the embedded server's page, in a headless Chromium."""

import base64
import contextlib
import io
import json
import pathlib
import shutil
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

PIXELS = """
    const image = document.getElementById(args[0]);
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.naturalWidth, height: image.naturalHeight });
    canvas.getContext("2d").drawImage(image, 0, 0);
"""


def start_chromium(downloads, size=(1280, 860)):
    """A Selenium driver; skips the test where there is no Chromium."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "hide-scrollbars"):
        options.add_argument(f"--{flag}")
    options.add_argument(f"--window-size={size[0]},{size[1]}")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    browser.set_script_timeout(60)
    return browser


class Page:
    """What a person does with the page, and sees of it."""

    def __init__(self, browser, address):
        self.browser, self.address = browser, address
        self.reload()
        self.complaints()

    def reload(self):
        self.browser.get(self.address)
        self.wait("return document.getElementById('model').options.length > 0")

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def run_async(self, script, *arguments):
        """Runs the body of an async function of `args`."""
        return self.browser.execute_async_script(
            f"const args = [...arguments], done = args.pop(); (async () => {{ {script} }})().then(done);", *arguments
        )  # fmt: skip

    def wait(self, script, seconds=60):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.browser, seconds, 0.05).until(lambda _: self.run(script))

    def find(self, element):
        return self.browser.find_element("id", element)

    def drop(self, name, data):
        self.run(
            """
            const bytes = Uint8Array.from(atob(arguments[1]), (character) => character.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], arguments[0]));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));""",
            name,
            base64.b64encode(data).decode(),
        )

    def choose(self, path):
        """Through the file dialog's input."""
        self.find("file").send_keys(str(path))

    def pick(self, group, value):
        """One of several radio buttons."""
        self.browser.find_element("css selector", f"input[name={group}][value='{value}']").click()

    def drag(self, element, start, end):
        """With the mouse along an element, from one part of its width to another."""
        from selenium.webdriver import ActionChains

        element = self.find(element)
        width = element.size["width"]
        mouse = ActionChains(self.browser, duration=50)
        mouse.move_to_element_with_offset(element, round((start - 0.5) * width), 0).click_and_hold()
        mouse.move_to_element_with_offset(element, round((end - 0.5) * width), 0).release().perform()

    def wait_for_result(self):
        self.wait(
            """return document.body.ariaBusy === "false" && !document.getElementById("save-png").disabled"""
        )

    def results(self):
        """The table's columns: list of dict of row to a number, or to text that is none."""
        rows = self.run("""return [...document.querySelectorAll("#numbers tr")].slice(1).map(
            ({ cells }) => [...cells].map(({ textContent }) => textContent))""")
        return [{row[0]: _number(row[i]) for row in rows} for i in range(1, len(rows[0]))]

    def pixels(self, element):
        """Those of an <img>, [H, W, 3] uint8."""
        url = self.run_async(PIXELS + "return canvas.toDataURL();", element)
        return decode(base64.b64decode(url.partition(",")[2]))

    def jpeg_sizes(self, element):
        """Sizes of an <img> as the browser's JPEG of qualities 0 to 100."""
        script = """
            const sizes = [];
            for (let quality = 0; quality <= 100; quality++) {
              sizes.push((await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality / 100))).size);
            }
            return sizes;"""
        return self.run_async(PIXELS + script, element)

    def requests(self):
        """The requests since this was last asked: list of dict with url and method."""
        events = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        return [e["params"]["request"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        """What the browser's console said since this was last asked."""
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]

    @contextlib.contextmanager
    def offline(self):
        conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.browser.execute_cdp_cmd("Network.enable", {})
        self.browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions | {"offline": True})
        try:
            yield
        finally:
            self.browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions | {"offline": False})

    @contextlib.contextmanager
    def screen(self, width, height, dark=False, scale=1, phone=False):
        """A screen of that many CSS pixels, of `scale` pixels each."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        try:
            yield
        finally:
            self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def wait_for_file(folder, name, seconds=30):
    """The file once the browser has written it."""
    path = pathlib.Path(folder) / name
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists() and path.stat().st_size and not list(path.parent.glob("*.crdownload")):
            return path
        time.sleep(0.05)
    raise AssertionError(f"no {path}")


def decode(data):
    """The pixels of an encoded picture, [H, W, 3] uint8."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def data_url(png):
    return "data:image/png;base64," + base64.b64encode(png).decode()


def with_chunk(png, name, content, at=33):
    """A PNG with one more chunk, by default after its header."""
    chunk = struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return png[:at] + chunk + png[at:]


def png_of_16_bits(image):
    """[H, W, 3] uint8 as a PNG of 16 bits a channel, which Pillow does not write."""
    height, width, _ = image.shape
    rows = (image.astype(np.uint16) * 257).astype(">u2").reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n"
    for name, content in (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))),
        (b"IEND", b""),
    ):
        png = with_chunk(png, name, content, len(png))
    return png


def _number(text):
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return text
