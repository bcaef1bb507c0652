"""`strokes prepare characters` as a person meets it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from character_files import csv_lines, made_images, prepare, same, write_csv

from strokes.characters.data import CharacterSet
from strokes.cli import main


@pytest.fixture
def letters(tmp_path):
    """20 A, 40 B, 60 C in mixed order."""
    labels = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], [20, 40, 60]))
    return write_csv(tmp_path / "letters.csv", csv_lines(made_images(120, 9), labels))


def run(*argv: object) -> int:
    return main(["prepare", "characters", *map(str, argv)])


def test_the_command_prepares_a_set_and_a_table(letters, tmp_path, capsys):
    output = tmp_path / "c.npz"
    assert run(letters, "-o", output, "--cap", 15, "--validation", 0.2, "--test", 0.1, "--seed", 1) == 0
    out, err = capsys.readouterr()
    assert err == "" and str(output) in out and "left out: over the cap" in out and "3 classes  ABC" in out
    assert same(CharacterSet.load(output), prepare([letters], cap=15, validation=0.2, test=0.1)[0])
    assert (
        run(
            letters,
            "-o",
            output,
            "--classes",
            "AB",
            "--transposed",
            "yes",
            "--no-deduplicate",
            "--no-conform",
        )
        == 0
    )
    options = CharacterSet.load(output).options
    assert options["transposed"] is True and options["deduplicate"] is False and options["conform"] is False
    assert CharacterSet.load(output).classes == "AB"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "SOURCE"),
        (["LETTERS"], "-o"),
        (["NOWHERE", "-o", "OUT"], "no such file or folder"),
        (["LETTERS", "-o", "NOWHERE/c.npz"], "does not exist"),
        (["LETTERS", "-o", "OUT", "--cap", "many"], "--cap"),
        (["LETTERS", "-o", "OUT", "--cap", "-3"], "cap"),
        (["LETTERS", "-o", "OUT", "--classes", "digits"], "no image of the classes"),
        (["LETTERS", "-o", "OUT", "--transposed", "maybe"], "--transposed"),
        (["LETTERS", "-o", "OUT", "--validation", "2"], "--validation is 2"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(argv, says, letters, tmp_path, capsys):
    places = {"LETTERS": letters, "OUT": tmp_path / "c.npz", "NOWHERE": tmp_path / "nowhere"}
    for word, place in places.items():
        argv = [a.replace(word, str(place)) for a in argv]
    assert run(*argv) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("strokes: ") and err.count("\n") == 1 and says in err
    assert not list(tmp_path.glob("*.npz"))


def test_help_has_an_example_and_every_option(capsys):
    with pytest.raises(SystemExit) as ended:
        run("--help")
    assert ended.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "example: strokes prepare characters mnist" in out
    for flag in [
        "--classes",
        "--cap",
        "--validation",
        "--test",
        "--seed",
        "--transposed",
        "--deduplicate",
        "--conform",
        "--pen-width",
    ]:
        assert flag in out


def test_the_command_starts_without_torch(letters, tmp_path):
    code = (
        "import sys; from strokes.cli import main; "
        f"main(['prepare', 'characters', {str(letters)!r}, '-o', {str(tmp_path / 'c.npz')!r}]); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "c.npz").is_file()
