"""Which precision a machine computes fast in."""

import pathlib
import re

# As Linux names them in /proc/cpuinfo: Intel and AMD, Arm.
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}


def fastest_precision():
    """Keras' precision policy for quick training here: "mixed_bfloat16" or "float32".

    Where a device has no instructions for it, bfloat16 is emulated: training steps of the codec took fifty times
    as long on a CPU with AVX2 only.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        fast = all(detail.get("compute_capability", (0, 0)) >= (8, 0) for detail in details)
    else:
        fast = bool(BFLOAT16_FLAGS & cpu_flags())
    return "mixed_bfloat16" if fast else "float32"


def cpu_flags(cpuinfo="/proc/cpuinfo"):
    """Names of the instruction sets of this machine's CPU, a set; empty where the system does not tell."""
    try:
        text = pathlib.Path(cpuinfo).read_text()
    except OSError:
        return set()
    return set(" ".join(re.findall(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)).split())
