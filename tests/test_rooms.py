"""The map of the house holds: imports point one way, heavy libraries stay behind their doors, functions are short."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted([*(ROOT / "strokes").rglob("*.py"), *(ROOT / "data_prep").rglob("*.py")])
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))

#: A room imports only from rows above its own.
LAYERS = (
    ("files",),
    ("documents", "npz", "tables"),
    ("ink", "alphabet"),
    ("preprocessing", "composition", "artifacts", "page", "runs", "figures"),
    ("network", "export"),
    ("model", "ink_files"),
    ("corpus", "sampling"),
    ("composing", "recognition"),
    ("styles",),
    ("writer", "training", "export_onnx", "characters"),
    ("data_prep", "merge", "evaluation"),
    ("cli",),
)
LAYER = {room: i for i, rooms in enumerate(LAYERS) for room in rooms}

#: library -> the rooms that may import it when they are imported themselves.
DOORS = {
    "torch": {"network", "training", "characters", "runs", "recognition", "styles"},
    "matplotlib": {"figures"},
    "scipy": {"characters", "data_prep"},
    "svgwrite": {"export"},
    "lxml": {"data_prep"},
    "reportlab": {"export"},
    "shapely": set(),
    "vpype": {"export"},
    "vpype_cli": {"export"},
    "vpype_gcode": {"export"},
    "tqdm": {"runs"},
    "onnxruntime": {"sampling"},
    "onnx": {"sampling", "export_onnx", "recognition"},
    "pickle": set(),
}


def room_of(module: str) -> str:
    """strokes.ink.curves -> ink, strokes.files -> files, data_prep.iam -> data_prep, strokes -> ''."""
    first, _, rest = module.partition(".")
    return first if first == "data_prep" else rest.partition(".")[0]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path, *, at_import_only: bool) -> set[str]:
    """The modules that a file imports, apart from those for type checkers alone."""
    module = module_of(path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if at_import_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parts, *([node.module] if node.module else [])])
            found.update([base] if node.module else [f"{base}.{alias.name}" for alias in node.names])
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_point_one_way(path):
    here = room_of(module_of(path))
    for module in imports(path, at_import_only=False):
        if module.partition(".")[0] in ("strokes", "data_prep") and here in LAYER:
            there = room_of(module)
            assert there == here or LAYER[there] < LAYER[here], f"{here} imports {module}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_heavy_libraries_stay_behind_their_doors(path):
    here = room_of(module_of(path))
    for library in {module.partition(".")[0] for module in imports(path, at_import_only=True)}:
        assert library not in DOORS or here in DOORS[library], f"{here} imports {library}"


def test_every_room_has_its_place():
    rooms = {room_of(module_of(path)) for path in SOURCES} - {"", "__main__", "models"}
    assert rooms == set(LAYER)


def test_the_map_of_contributing_is_that_of_the_tree():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawn = text[text.index("## The map") :].partition("```text\n")[2].partition("```")[0]
    named = re.findall(r"^    ([\w./]+)", drawn, re.MULTILINE)
    there = {p.name + "/" * p.is_dir() for p in (ROOT / "strokes").iterdir() if p.suffix in ("", ".py")}
    assert sorted(named) == sorted(there - {"__init__.py", "__main__.py", "__pycache__/"})


@pytest.mark.parametrize("path", [*SOURCES, *SCRIPTS], ids=lambda p: p.relative_to(ROOT).as_posix())
def test_functions_and_files_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 80, (
                f"{node.name} has {node.end_lineno - node.lineno + 1} lines"
            )
