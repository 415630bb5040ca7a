"""Who may import whom, and what is imported late."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = {
    "coding", "data", "export", "images", "layers", "linalg", "losses", "metrics", "optimizers", "serving",
}  # fmt: skip


def modules():
    for top in ("zoo", "trainers"):
        for path in sorted((ROOT / top).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def paper(name):
    """The paper a module belongs to, or None."""
    parts = name.split(".")
    folder = ROOT / "zoo" / parts[1] if len(parts) > 1 and parts[0] == "zoo" else None
    return parts[1] if folder and folder.is_dir() and parts[1] not in SHARED else None


@pytest.mark.parametrize(("name", "path"), modules(), ids=[name for name, _ in modules()])
def test_imports_go_one_way(name, path):
    for imported in imports(path):
        if imported.split(".")[0] == "trainers":
            assert name.startswith("trainers"), f"{name} imports {imported}"
        other = paper(imported)
        if other and name.startswith("zoo"):
            assert paper(name) == other, f"{name} imports {imported}, of another paper or from shared code"


def test_the_rule_sees_papers():
    assert paper("zoo.codec.model") == "codec"
    assert paper("zoo.layers.rdft") is None
    assert paper("zoo.registry") is None


@pytest.mark.parametrize(
    "code",
    [
        "import zoo; zoo.list_models()",
        "import zoo.data",
        "import zoo.experiments",
        "from zoo.cli import main; main(['--help'])",
        "from zoo.cli import main; main(['list'])",
        "from zoo.cli import main; main(['info', 'setup.py'])",
    ],
)
def test_tensorflow_is_imported_late(run_python, code):
    heavy = "{'tensorflow', 'matplotlib', 'tensorflow_datasets', 'scipy'}"
    done = run_python("-c", f"import sys; {code}; print(sorted({heavy} & set(sys.modules)))")
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_trainer_help_needs_no_tensorflow(run_python):
    done = run_python("-X", "importtime", "-m", "trainers.codec", "--help")
    assert "--rate_distortion_weight" in done.stdout
    assert "--steps" in done.stdout
    assert "tensorflow" not in done.stderr
