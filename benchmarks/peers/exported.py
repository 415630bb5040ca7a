"""Our exports, as whoever loads them uses them."""

import numpy as np

from benchmarks.peers.in_process import InProcess


def exported(name, images, bits_per_pixel):
    """An export's signatures.

    Args:
      name: str, of a codec.
      images: list of [H, W, 3] uint8.
      bits_per_pixel: float; a codec with a quality works at the one whose files come nearest.

    Returns:
      An `InProcess`, whose parts are also encode and decode, the entropy coder, and transform and inverse_transform.
    """
    import zoo

    signatures = zoo.load_export(name)

    def call(signature, **inputs):
        """All outputs as arrays."""
        return {key: value.numpy() for key, value in signatures[signature](**inputs).items()}

    def compress(image, **quality):
        return call("compress", image=image[None], **quality)["file_bytes"][0]

    def decompress(data):
        return call("decompress", file_bytes=np.array([data], object))["image"][0]

    quality, about = {}, {}
    if "quality" in signatures["compress"].structured_input_signature[1]:
        about = {"quality": nearest_quality(compress, images, bits_per_pixel)}
        quality = {"quality": np.array([about["quality"]], np.int32)}
    codes = [call("analyze", image=image[None], **quality) for image in images]
    coded = [call("encode", latents=code["latents"], **quality)["code_bytes"] for code in codes]
    coefficients = [call("transform", image=image[None])["coefficients"] for image in images]
    more = {
        "encode": lambda i: call("encode", latents=codes[i]["latents"], **quality),
        "decode": lambda i: call("decode", code_bytes=coded[i], size=codes[i]["size"], **quality),
        "transform": lambda i: call("transform", image=images[i][None]),
        "inverse_transform": lambda i: call("inverse_transform", coefficients=coefficients[i]),
    }
    return InProcess(lambda image: compress(image, **quality), decompress, images, more, about)


def nearest_quality(compress, images, bits_per_pixel):
    """The quality, of 1 to 100, whose files come nearest to a rate; `compress` takes it as [1] int32."""
    budget = bits_per_pixel / 8 * sum(image[..., 0].size for image in images)

    def size(quality):
        return sum(len(compress(image, quality=np.array([quality], np.int32))) for image in images)

    low, high = 1, 100
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size(middle) <= budget else (low, middle)
    return min(low, high, key=lambda quality: abs(size(quality) - budget))
