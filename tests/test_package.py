"""What `import strokes` offers, and what it leaves unimported."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

import strokes
import strokes.characters
import strokes.network


@pytest.mark.parametrize("package", [strokes, strokes.characters, strokes.network])
def test_every_public_name_is_there(package):
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package._HOME) == set(package.__all__) - {"__version__"}
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="no attribute 'Pencil'"):
        package.Pencil  # noqa: B018


def test_the_version_is_that_of_the_distribution():
    assert strokes.__version__ == importlib.metadata.version("strokes")


def test_writing_imports_neither_torch_nor_figures():
    """Torch takes two seconds to import, which a line of ink does not need."""
    code = (
        "import sys, strokes; strokes.Writer(); strokes.load_model('graves'); strokes.Preprocessing; strokes.fit_page\n"
        "heavy = {'torch', 'matplotlib', 'scipy', 'svgwrite', 'tqdm', 'lxml', 'reportlab', 'vpype', 'pyphen'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
