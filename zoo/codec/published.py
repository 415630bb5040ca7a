"""Published rate–distortion points of learned codecs: Kodak, 24 pictures averaged at constant λ.

Caveat: the points called "Ballé 2017" by tensorflow/compression equal, to the last digit, those that
InterDigitalInc/CompressAI calls "official bmshj2018-factorized", and CompressAI's own four-layer training of
that model lands within 0.15 dB of them. So they probably belong to the factorized-prior model of Ballé et al.
2018, with four layers and up to 320 channels, and not to the three layers of Ballé, Laparra & Simoncelli 2017.
Take them as what the network of 2017 may approach, not as its own result.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class PublishedCurve:
    """A curve from the literature.

    Attributes:
      name: str, in tables and files.
      label: str, in figures.
      source: str, where the numbers stand.
      points: tuple of (bits per pixel, PSNR of RGB in dB, MS-SSIM of RGB), by rising rate.
    """

    name: str
    label: str
    source: str
    points: tuple


BALLE_2017 = PublishedCurve(
    name="published-balle2017",
    label="“Ballé 2017” (published)",
    source="tensorflow/compression, results/image_compression/kodak/*_sRGB_RGB/balle-2017-iclr-opt-mse.txt",
    points=(
        (0.119752, 26.775134, 0.903700),
        (0.194591, 28.348719, 0.931041),
        (0.316000, 30.020793, 0.954783),
        (0.481060, 31.729556, 0.969139),
        (0.721303, 33.685797, 0.980815),
        (1.060841, 35.815864, 0.986755),
        (1.458681, 38.019954, 0.992090),
        (1.957564, 40.133996, 0.994965),
    ),
)

COMPRESSAI_FACTORIZED = PublishedCurve(
    name="published-compressai",
    label="CompressAI factorized (published)",
    source="InterDigitalInc/CompressAI, results/image/kodak/compressai-bmshj2018-factorized_mse_cuda.json",
    points=(
        (0.122623, 26.908817, 0.909989),
        (0.188527, 28.217926, 0.936048),
        (0.287808, 29.616915, 0.955471),
        (0.440379, 31.277087, 0.970358),
        (0.648136, 32.956123, 0.980642),
        (0.966977, 35.380922, 0.987881),
        (1.351166, 37.396932, 0.992199),
        (1.833266, 39.621314, 0.995105),
    ),
)

NAN = float("nan")
BALLE_2017_MS_SSIM = PublishedCurve(
    name="published-balle2017-msssim",
    label="“Ballé 2017”, for MS-SSIM (published)",
    source="tensorflow/compression, results/image_compression/kodak/*_sRGB_RGB/balle-2017-iclr-opt-msssim.txt, "
    "interpolated to round rates; its PSNR is not given",
    points=(
        (0.1, NAN, 0.9177),
        (0.125, NAN, 0.9303),
        (0.25, NAN, 0.9629),
        (0.5, NAN, 0.9830),
        (0.75, NAN, 0.9895),
        (1.0, NAN, 0.9927),
        (1.5, NAN, 0.9959),
    ),
)

PUBLISHED = (BALLE_2017, BALLE_2017_MS_SSIM, COMPRESSAI_FACTORIZED)
