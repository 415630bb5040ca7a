"""What engineers use needs no tensorflow-compression."""

from tests.conftest import ROOT

PROGRAM = """
import sys
sys.modules["tensorflow_compression"] = None  # importing it fails
from zoo.cli import main
picture, out = sys.argv[1:]
assert main(["compress", picture, out + "/a.tln", "--quality", "30", "--effort", "1"]) == 0
assert main(["compress", picture, out + "/b.tln", "--target-bytes", "9000"]) == 0
assert main(["decompress", out + "/a.tln", out + "/a.png"]) == 0
assert main(["info", out + "/a.tln"]) == 0
assert main(["list"]) == 0
import zoo.codec.pillow_plugin
from PIL import Image
Image.open(out + "/b.tln").save(out + "/c.tln", quality=20)
assert "tensorflow_probability" not in sys.modules
"""


def test_commands_and_pillow(run_python, tmp_path):
    picture = ROOT / "zoo/data/samples/kodak/kodim23.png"
    done = run_python("-c", PROGRAM, picture, tmp_path)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in tmp_path.iterdir()} == {"a.tln", "b.tln", "a.png", "c.tln"}
    assert (tmp_path / "b.tln").stat().st_size <= 9000
