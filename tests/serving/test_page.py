"""The page in a real, headless Chromium, on the embedded server with tiny codecs."""

import io
import json
import math
import re

import numpy as np
import pytest
from PIL import Image

from tests.serving import page_driver
from zoo.metrics.ms_ssim import ms_ssim
from zoo.metrics.psnr import psnr

END, RIGHT, TAB = "\ue010", "\ue014", "\ue004"


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(downloads):
    """Comes before the codecs, which are made in vain where there is no Chromium."""
    browser = page_driver.start_chromium(downloads)
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def codecs(browser, request):
    """The signatures that the page asks for, of a codec of one rate and one of all: dict of name to functions."""
    from zoo.codec.file_signatures import make_file_signatures
    from zoo.codec.frozen import FrozenCodec

    models = {name: request.getfixturevalue(f"tiny_{name}codec") for name in ("", "variable_")}
    codecs = {}
    for name, model in zip(("a-one-rate", "b-every-rate"), models.values(), strict=True):
        signatures = make_file_signatures(FrozenCodec(model))
        codecs[name] = (
            model.identity().hex(),
            {key: signatures[key] for key in ("compress_bytes", "decompress_bytes")},
        )
    return codecs


@pytest.fixture(scope="module")
def address(embedded, codecs, tmp_path_factory):
    """Where an embedded server with the codecs listens."""
    from zoo.export.saved_model import save_signatures
    from zoo.serving.options import Options

    folder = tmp_path_factory.mktemp("models")
    for name, (identity, signatures) in codecs.items():
        save_signatures(folder / name / "1", signatures, "compress_bytes")
        card = {"title": f"The codec {name}", "identity": identity}
        (folder / name / "1" / "card.json").write_text(json.dumps(card))
    server = embedded.start(Options(str(folder), grpc_port=0, rest_port=0, threads=1))
    yield f"http://127.0.0.1:{server.rest_port}/"
    embedded.stop(server)


@pytest.fixture
def page(browser, address, downloads):
    """The page, just opened."""
    for path in downloads.iterdir():
        path.unlink()
    return page_driver.Page(browser, address)


@pytest.fixture(scope="module")
def compress(codecs):
    """What the server should answer: (encoded picture, quality) -> bytes of the file."""

    def compress(picture, quality=50):
        function = codecs["b-every-rate"][1]["compress_bytes"]
        return function([picture], [quality])["file_bytes"][0].numpy()

    return compress


@pytest.fixture(scope="module")
def decompress(codecs):
    """The picture that a file should give: bytes -> [H, W, 3] uint8."""

    def decompress(file):
        function = codecs["b-every-rate"][1]["decompress_bytes"]
        return page_driver.decode(function([file])["image_bytes"][0].numpy())

    return decompress


@pytest.fixture
def image(photograph):
    """A photograph of 192 x 180, large enough for MS-SSIM."""
    return np.concatenate([photograph, photograph[:52]])


def encode(image, kind="PNG", **options):
    data = io.BytesIO()
    Image.fromarray(image).save(data, kind, **options)
    return data.getvalue()


def test_drop_compress_download_open(page, compress, decompress, image, downloads):
    page.drop("photo.png", encode(image))
    page.wait_for_result()
    file = compress(encode(image))
    restored = decompress(file)
    codec, jpeg = page.results()
    assert codec["Bytes"] == len(file)
    assert codec["Bits per pixel"] == pytest.approx(8 * len(file) / image[..., 0].size, abs=6e-4)
    assert jpeg["Bits per pixel"] == pytest.approx(8 * jpeg["Bytes"] / image[..., 0].size, abs=6e-4)
    assert codec["PSNR, dB"] == pytest.approx(psnr(restored, image), abs=0.006)
    assert codec["MS-SSIM"] == pytest.approx(ms_ssim(restored, image), abs=6e-5)
    better = "nearer" if codec["PSNR, dB"] > jpeg["PSNR, dB"] else "further"
    assert better in page.find("verdict").text

    page.find("save-tln").click()
    saved = page_driver.wait_for_file(downloads, "photo.tln")
    assert saved.read_bytes() == file

    page.choose(saved)
    page.wait("return document.body.dataset.view === 'file'")
    page.wait_for_result()
    assert "192 × 180" in page.find("verdict").text
    page.find("save-png").click()
    png = page_driver.wait_for_file(downloads, "photo.png")
    np.testing.assert_array_equal(page_driver.decode(png.read_bytes()), restored)
    assert page.complaints() == []


def test_the_three_pictures(page, compress, decompress, image):
    page.drop("photo.png", encode(image))
    page.wait_for_result()
    restored = decompress(compress(encode(image)))
    shown = {}
    for pair in ("original-codec", "original-jpeg", "jpeg-codec"):
        page.pick("pair", pair)
        sides = [page.pixels("left-image"), page.pixels("right-image")]
        shown |= dict(zip(pair.split("-"), sides, strict=True))
        np.testing.assert_array_equal(shown["original"], image)
    np.testing.assert_array_equal(shown["codec"], restored)
    codec, jpeg = page.results()
    assert jpeg["PSNR, dB"] == pytest.approx(psnr(shown["jpeg"], image), abs=0.006)
    assert jpeg["MS-SSIM"] == pytest.approx(ms_ssim(shown["jpeg"], image), abs=6e-5)
    assert page.find("right-tag").text == "b-every-rate"

    page.pick("pair", "original-jpeg")
    sizes = page.jpeg_sizes("left-image")
    distance = [abs(math.log(size / codec["Bytes"])) for size in sizes]
    assert jpeg["Bytes"] in [size for size, d in zip(sizes, distance, strict=True) if d == min(distance)]


def test_divider_and_zoom(page, image):
    page.drop("photo.png", encode(image))
    page.wait_for_result()
    clip = "return getComputedStyle(document.getElementById('right-layer')).clipPath"
    assert page.run(clip) == "inset(0px 0px 0px 50%)"
    page.find("split").send_keys(RIGHT * 30)
    assert page.run(clip) == "inset(0px 0px 0px 53%)"
    page.drag("stage", 0.25, 0.75)
    assert page.run(clip) == "inset(0px 0px 0px 75%)"

    for zoom in (1, 2):
        page.pick("zoom", str(zoom))
        assert page.run("return document.getElementById('left-image').getBoundingClientRect().width") == (
            pytest.approx(192 * zoom / page.run("return devicePixelRatio"))
        )
    wide = np.tile(image, (6, 8, 1))  # larger than the window
    page.drop("wide.png", encode(wide))
    page.wait("return document.getElementById('source').textContent.startsWith('wide')")
    where = "return document.getElementById('left-image').getBoundingClientRect().x"
    before = page.run(where)
    page.find("stage").send_keys(RIGHT)
    assert page.run(where) == pytest.approx(before - 64, abs=1)
    page.drag("stage", 0.2, 0.3)
    assert page.run(where) > before
    assert page.run(clip) == "inset(0px 0px 0px 75%)"


def test_only_the_last_quality_is_asked_for(page, compress, image):
    page.drop("photo.png", encode(image))
    page.wait_for_result()
    page.requests()
    page.find("quality").send_keys(RIGHT * 5 + END)
    page.wait_for_result()
    assert page.find("quality-value").text == "100"
    assert page.results()[0]["Bytes"] == len(compress(encode(image), 100))
    posts = [request for request in page.requests() if request["method"] == "POST"]
    assert len(posts) == 2  # compress, decompress


def test_a_model_of_one_rate_has_no_quality(page, codecs, image):
    assert page.find("model").get_attribute("value") == "b-every-rate"  # those with a quality come first
    assert page.find("quality").is_displayed()
    page.drop("photo.png", encode(image))
    page.wait_for_result()
    page.find("model").send_keys("a-one-rate")
    page.wait_for_result()
    assert not page.find("quality").is_displayed()
    file = codecs["a-one-rate"][1]["compress_bytes"]([encode(image)])["file_bytes"][0].numpy()
    assert page.results()[0]["Bytes"] == len(file)

    page.reload()
    page.drop("back.tln", file)  # its header says which model made it
    page.wait_for_result()
    assert page.find("model").get_attribute("value") == "a-one-rate"


def test_kinds_of_pictures(page, compress, image):
    """Files that the server reads otherwise than the browser are sent as PNG of what is seen."""
    alpha = np.full((*image.shape[:2], 1), 255, np.uint8)
    alpha[:50] = 0
    on_white = np.where(alpha > 0, image, 255).astype(np.uint8)
    jpeg = encode(image, "JPEG", quality=90)
    transparent = encode(np.concatenate([image, alpha], 2))
    kinds = [
        ("as-it-is.jpg", jpeg, jpeg, False),
        ("lossless.webp", encode(image, "WEBP", lossless=True), encode(image), True),
        ("alpha.png", transparent, encode(on_white), True),
        ("16-bit.png", page_driver.png_of_16_bits(image), encode(image), True),
        ("gamma.png", page_driver.with_chunk(encode(image), b"gAMA", b"\0\0\xb1\x8f"), encode(image), True),
    ]
    for name, given, sent, redrawn in kinds:
        page.drop(name, given)
        page.wait(f"return document.getElementById('source').textContent.startsWith('{name}')")
        page.wait_for_result()
        assert page.results()[0]["Bytes"] == len(compress(sent)), name
        assert ("sent to the server as PNG" in page.find("source").text) == redrawn, name


def test_a_rotated_photograph_is_upright(page, image):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    page.drop("phone.jpg", encode(image, "JPEG", quality=95, exif=exif))
    page.wait_for_result()
    assert "180 × 192" in page.find("source").text
    page.pick("pair", "original-codec")
    turned = np.rot90(image, -1)
    assert psnr(page.pixels("left-image"), turned) > 30
    assert page.pixels("right-image").shape == turned.shape


def test_a_small_picture_has_no_ms_ssim(page, image):
    page.drop("small.png", encode(image[:40, :60]))
    page.wait_for_result()
    assert [column["MS-SSIM"] for column in page.results()] == ["–", "–"]
    assert "161 pixels" in page.find("jpeg-note").text


def test_everything_is_reached_by_keyboard(page, image):
    page.drop("photo.png", encode(image))
    page.wait_for_result()
    reached = set()
    for _ in range(20):
        page.browser.switch_to.active_element.send_keys(TAB)
        reached.add(page.run("return document.activeElement.id || document.activeElement.name"))
        if page.run("return document.activeElement === document.body"):
            break
        visible = page.run("""
            const active = document.activeElement;
            const outlined = (element) => element && getComputedStyle(element).outlineStyle !== "none";
            return outlined(active) || outlined(active.nextElementSibling);""")
        assert visible, reached
    assert {"open-another", "pair", "zoom", "split", "model", "quality", "save-tln", "save-png"} <= reached
    nameless = page.run("""
        return [...document.querySelectorAll("input, select, button")].filter((element) =>
            !element.labels?.length && !element.ariaLabel && !element.textContent.trim()).map(({ id }) => id);""")
    assert nameless == []


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.tln", b"TLN\1" + bytes(40), r"The server says: (\w| )*damaged[^\[]*$"),
        ("a.png", b"\x89PNG\r\n\x1a\n and nothing else", "a.png is not a picture that this browser can read"),
        ("a.txt", b"some text", "a.txt is not a picture"),
        ("large.png", encode(np.zeros([4001, 4000], np.uint8)), "large.png has 16.1 megapixels; this page takes up to 16"),
    ],
    ids=["damaged", "no-picture", "text", "large"],
)  # fmt: skip
def test_what_goes_wrong_is_said_in_words(page, name, data, words):
    page.drop(name, data)
    page.wait("return !document.getElementById('error').hidden")
    assert re.match(words, page.find("error").text)
    assert page.find("error").get_attribute("role") == "alert"
    assert not page.find("frame").is_displayed()


def test_an_unreadable_file_leaves_what_was_open(page, image):
    page.drop("photo.png", encode(image))
    page.drop("a.txt", b"some text")
    page.wait("return !document.getElementById('error').hidden")
    page.wait_for_result()
    assert page.find("source").text.startswith("photo.png")


def test_a_server_that_is_gone(page, image):
    page.drop("photo.png", encode(image))
    page.wait_for_result()
    with page.offline():
        page.find("quality").send_keys(RIGHT)
        page.wait("return !document.getElementById('error').hidden")
        assert "The server does not answer" in page.find("error").text
        assert not page.find("save-tln").is_enabled()
    page.find("quality").send_keys(RIGHT)
    page.wait_for_result()
    assert not page.find("error").is_displayed()


def test_nothing_comes_from_elsewhere(page, image):
    page.requests()
    page.reload()
    page.drop("photo.png", encode(image))
    page.wait_for_result()
    asked = {
        request["url"] for request in page.requests() if not request["url"].startswith(("data:", "blob:"))
    }
    assert len(asked) > 5
    assert all(url.startswith(page.address) for url in asked), asked
    refused = page.run_async("""
        const refused = [];
        addEventListener("securitypolicyviolation", ({ effectiveDirective }) => refused.push(effectiveDirective));
        await fetch("http://192.0.2.1/").catch(() => {});
        const image = new Image();
        await new Promise((resolve) => Object.assign(image, { onerror: resolve, src: "http://192.0.2.1/a.png" }));
        return refused;""")
    assert refused == ["connect-src", "img-src"]


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_sticks_out(page, image, width):
    with page.screen(width, 800):
        page.drop("a-picture-with-a-rather-long-name-that-has-no-blank-anywhere.png", encode(image))
        page.wait_for_result()
        assert page.run("return innerWidth") == width
        assert page.run("return document.documentElement.scrollWidth") <= width


def test_its_metrics_are_those_of_the_zoo(page, image, noise):
    """PSNR and MS-SSIM in the page's JavaScript, on pictures of even and odd sizes."""
    smooth = np.cumsum(np.cumsum(noise.normal(size=(163, 201, 3)), 0), 1)
    smooth = ((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.uint8)
    for picture, deviation in [(image, 3), (image, 40), (smooth, 9), (image[:161, :161], 9)]:
        other = picture + noise.normal(size=picture.shape) * deviation
        other = np.clip(other, 0, 255).astype(np.uint8)
        found = page.run_async(
            """
            const [first, second] = args;
            const { msSsim, psnr } = await import("/page/metrics.js");
            const read = async (url) => {
              const image = Object.assign(new Image(), { src: url });
              await image.decode();
              const canvas = new OffscreenCanvas(image.width, image.height);
              canvas.getContext("2d").drawImage(image, 0, 0);
              return canvas.getContext("2d").getImageData(0, 0, image.width, image.height);
            };
            const [a, b] = [await read(first), await read(second)];
            return [psnr(a, b), msSsim(a, b), psnr(a, a), msSsim(a, a)].map(String);""",
            *(page_driver.data_url(encode(x)) for x in (other, picture)),
        )
        expected = [psnr(other, picture), ms_ssim(other, picture), math.inf, 1]
        found = [float(text.replace("Infinity", "inf")) for text in found]
        assert found == pytest.approx(expected, abs=1e-5)
