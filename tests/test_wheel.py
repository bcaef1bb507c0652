"""What a wheel holds, built from the sources as pip would, with stand-ins for the weights."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of a copy of the sources: building leaves files behind."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("strokes", "data_prep"):
        shutil.copytree(
            ROOT / name, source / name, copy_function=small, ignore=shutil.ignore_patterns("__pycache__")
        )
    (source / "tests").mkdir()
    (source / "tests" / "__init__.py").touch()
    code = f"from setuptools import build_meta; build_meta.build_wheel({str(target)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(target.glob("strokes-*.whl"))) as opened:
        yield opened


def small(source, target):
    """Copy a file; of weights the first bytes only."""
    data = Path(source).read_bytes()
    Path(target).write_bytes(data[:100] if Path(source).suffix == ".safetensors" else data)


@pytest.fixture(scope="module")
def names(wheel):
    return {name for name in wheel.namelist() if ".dist-info/" not in name}


def test_every_module_is_in_it_and_no_test(names):
    modules = {
        path.relative_to(ROOT).as_posix()
        for room in ("strokes", "data_prep")
        for path in (ROOT / room).rglob("*.py")
    }
    assert {name for name in names if name.endswith(".py")} == modules


def test_every_model_is_in_it_with_its_card_and_without_pictures(names):
    models = [
        path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "strokes").rglob("model.safetensors")
    ]
    assert len(models) >= 7
    wanted = {
        f"{model}/{name}" for model in models for name in ("config.json", "model.safetensors", "README.md")
    }
    wanted |= {"strokes/models/LICENSE", "strokes/py.typed", "data_prep/py.typed"}
    assert wanted <= names
    pictures = (".png", ".jpg", ".svg", ".pdf")
    assert not [name for name in names if name.startswith("strokes/models/") and name.endswith(pictures)]


def test_its_metadata_name_both_licences_and_the_command(wheel):
    (info,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    metadata = HeaderParser().parsestr(wheel.read(f"{info}/METADATA").decode())
    assert metadata["License-Expression"] == "MIT AND LicenseRef-strokes-weights"
    for name in metadata.get_all("License-File"):
        assert wheel.read(f"{info}/licenses/{name}") == (ROOT / name).read_bytes()
    assert b"strokes = strokes.cli:main" in wheel.read(f"{info}/entry_points.txt")
