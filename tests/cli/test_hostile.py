"""Hostile calls of every command: exit 0 or 2, one sentence, nothing half-written, no exception that escapes.

Options, their types and their ranges are taken from the parsers, so that a new one is held to the same.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Meta

from strokes.cli import COMMANDS as MAIN_COMMANDS
from strokes.cli import characters, main, prepare
from strokes.cli import evaluate as evaluate_command
from strokes.cli import export_onnx as export_onnx_command
from strokes.cli import heatmap as heatmap_command
from strokes.cli import merge as merge_command
from strokes.cli import read as read_command
from strokes.cli import train as train_command
from strokes.cli import write as write_command
from strokes.cli.characters import classify, imitate, latent, sample
from strokes.cli.characters import evaluate as characters_evaluate
from strokes.cli.characters import train as characters_train
from strokes.cli.options import Option
from strokes.cli.parser import Parser
from strokes.cli.prepare import characters as prepare_characters
from strokes.cli.prepare import iam as prepare_iam
from strokes.cli.prepare import unipen as prepare_unipen

KINDS = ("ssvae", "cvae", "gan", "cgan", "classifier")


@dataclass(frozen=True)
class Command:
    """A command, and a call of it in which nothing is wrong but that what it reads is not there."""

    make_parser: Callable[..., Parser]
    words: str

    @property
    def argv(self) -> list[str]:
        return self.words.split()

    @property
    def parser(self) -> Parser:
        kinds = [word for word in self.argv if word in KINDS]
        return self.make_parser(*kinds)


COMMANDS = [
    Command(write_command.make_parser, "write a -o out.svg --model none"),
    Command(merge_command.make_parser, "merge none.txt none.csv -o run --model none"),
    Command(heatmap_command.make_parser, "heatmap a -o out.png --model none"),
    Command(evaluate_command.make_parser, "evaluate --corpus none.npz"),
    Command(read_command.make_parser, "read none.svg"),
    Command(export_onnx_command.make_parser, "export-onnx none -o run"),
    Command(train_command.make_parser, "train none.npz -o run"),
    Command(prepare_iam.make_parser, "prepare iam none -o out.npz"),
    Command(prepare_unipen.make_parser, "prepare unipen none -o out.npz"),
    Command(prepare_characters.make_parser, "prepare characters none -o out.npz"),
    Command(sample.make_parser, "characters sample A -o out.png --model none"),
    Command(classify.make_parser, "characters classify none.png --model none"),
    Command(imitate.make_parser, "characters imitate none.png -o out.png --model none"),
    Command(latent.make_parser, "characters latent -o out.png --model none"),
    Command(characters_evaluate.make_parser, "characters evaluate --data none.npz --model none"),
    *(
        Command(characters_train.make_parser, f"characters train {kind} --data none.npz -o run")
        for kind in KINDS
    ),
]
IDS = [" ".join(command.argv[: 3 if "train" in command.words else 2]) for command in COMMANDS]

#: No value of any option that takes a number.
NO_NUMBERS = (
    "",
    " ",
    "x",
    "nan",
    "-nan",
    "inf",
    "-inf",
    "1e400",
    "-1e400",
    "0x10",
    "1,5",
    "1 2",
    "--",
    "\x1b[31m",
    "½",
)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def here() -> list[str]:
    """The files of the working directory."""
    return [str(path) for path in Path().iterdir()]


def call(*argv: object) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a call in this process."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            status = main([str(a) for a in argv])
        except SystemExit as e:  # help was asked for
            status = int(e.code or 0)
    return status, out.getvalue(), err.getvalue()


def refused(*argv: object) -> str:
    """The sentence with which a call is refused, which leaves nothing behind."""
    before = set(Path().rglob("*"))
    status, out, err = call(*argv)
    assert (status, out) == (2, ""), (argv, status, err)
    assert err.startswith("strokes: ") and err.count("\n") == 1 and len(err) < 2000, (argv, err)
    assert err[:-1].isprintable(), (argv, err)
    assert set(Path().rglob("*")) == before, argv
    return err


def bounds(hint: Any) -> tuple[float, float, bool, bool]:
    """Of a number's type: the bounds, and whether they are in it themselves."""
    hint = next((part for part in get_args(hint) if get_origin(part) is Annotated), hint)  # without None
    metas = [m for m in get_args(hint) if isinstance(m, Meta)] if get_origin(hint) is Annotated else []
    low = next((b for m in metas for b in (m.ge, m.gt) if b is not None), -math.inf)
    high = next((b for m in metas for b in (m.le, m.lt) if b is not None), math.inf)
    return low, high, any(m.ge is not None for m in metas), any(m.le is not None for m in metas)


def _beyond(option: Option, bound: float, way: int) -> float:
    """The next number."""
    return bound + way if option.base is int else math.nextafter(bound, way * math.inf)


def outside(option: Option) -> Iterator[str]:
    """Values that are no number of this option, from its annotation alone."""
    low, high, with_low, with_high = bounds(option.hint)
    for bound, included, away in ((low, with_low, -1), (high, with_high, 1)):
        if math.isfinite(bound):
            for value in (
                _beyond(option, bound, away) if included else bound,
                bound + away * (1 + abs(bound)),
                away * 1e300,
            ):
                yield str(int(value)) if option.base is int else repr(float(value))
    if option.base is int:
        yield from ("1.5", "1e3", str(low + 0.5) if math.isfinite(low) else "0.5")
    yield from NO_NUMBERS


def inside(option: Option) -> Iterator[str]:
    """The least and the greatest value of an option."""
    low, high, with_low, with_high = bounds(option.hint)
    for bound, included, back in ((low, with_low, 1), (high, with_high, -1)):
        if math.isfinite(bound):
            value = bound if included else _beyond(option, bound, back)
            yield str(int(value)) if option.base is int else repr(float(value))


def numbers(command: Command) -> list[Option]:
    """The options that take a number; of the kinds of characters, those that no kind before it has."""
    before = COMMANDS[COMMANDS.index(command) - 1]
    seen = _flags(before) if before.argv[:2] == command.argv[:2] else set()
    options = [option for found in command.parser.options.values() for option in found]
    options = [option for option in options if option.base in (int, float) and option.flag not in seen]
    return list({option.flag: option for option in options}.values())


def _flags(command: Command) -> set[str]:
    return {option.flag for found in command.parser.options.values() for option in found}


def test_every_command_is_called_here():
    groups = {"prepare": prepare.GROUP, "characters": characters.GROUP}
    names = {(name,) for name in MAIN_COMMANDS if name not in groups}
    names |= {(group, name) for group, found in groups.items() for name in found.commands}
    assert {tuple(c.argv[: 2 if c.argv[0] in groups else 1]) for c in COMMANDS} == names


# -- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=IDS)
def test_a_wrong_number_is_refused_by_its_name_before_anything_is_read(command):
    for option in numbers(command):
        for value in outside(option):
            said = refused(*command.argv, f"{option.flag}={value}")
            assert said.startswith(f"strokes: {option.flag} is ") and "it must be " in said, (
                option.flag,
                value,
            )


@pytest.mark.parametrize("command", COMMANDS, ids=IDS)
def test_a_number_at_its_limits_is_none_of_the_command_lines_business(command):
    """It goes on to what it reads, which is not there; or the dataclass says why it does not go with the rest."""
    for option in numbers(command):
        for value in inside(option):
            said = refused(*command.argv, f"{option.flag}={value}")
            assert "none" in said or option.flag in said, (option.flag, value, said)


def test_write_at_the_limits_of_its_numbers_writes_or_says_why_not(scribbler, tmp_path):
    for option in numbers(COMMANDS[0]):
        for value in inside(option):
            for name in ("a.svg", "a.png"):
                status, _, err = call(
                    "write", "ab", "-o", name, "--model", scribbler, f"{option.flag}={value}"
                )
                where = (option.flag, value, name, err)
                assert status in (0, 2) and all(line.startswith("strokes: ") for line in err.splitlines()), (
                    where
                )
                assert status == 0 or err.count("\n") == 1, where
                assert here() == ([name] if status == 0 else []), where
                Path(name).unlink(missing_ok=True)


def test_characters_at_the_limits_of_their_numbers(models, photographs):
    calls = [
        ("sample", ["7", "--model", models / "cvae"], ("--count", "--columns")),
        ("imitate", [photographs[0], "--text", "7", "--model", models / "ssvae"], ()),
    ]
    for name, words, slow in calls:
        command = next(c for c in COMMANDS if c.argv[:2] == ["characters", name])
        for option in numbers(command):
            for value in list(inside(option))[: 1 if option.flag in slow else 2]:
                status, _, err = call("characters", name, *words, "-o", "a.png", f"{option.flag}={value}")
                assert (status, err) == (0, ""), (option.flag, value, err)


# -- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=IDS)
def test_a_command_line_of_nonsense_is_one_sentence(command):
    flags = sorted(command.parser._option_string_actions)
    words = st.one_of(
        st.sampled_from([f for f in flags if f not in ("-h", "--help")]),
        st.sampled_from(["-o", "--", "-", "x", "", "-x", "--x=", "-hello", "1", "-1", "\x1b[2J", "none"]),
        st.text(max_size=6),
    )
    group = command.argv[: 2 if command.argv[0] in ("prepare", "characters") else 1]

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(words, max_size=6))
    def check(argv):
        status, _, err = call(*group, "--no-such-option", *argv)
        assert status in (0, 2) and err.count("\n") == (status == 2), (argv, err)
        assert not err or (err.startswith("strokes: ") and err[:-1].isprintable()), (argv, err)
        assert here() == [], argv

    check()


NAMES = st.text(st.characters(exclude_characters="\0/"), min_size=1, max_size=30).filter(
    lambda name: name not in (".", "..")
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=12))
def test_any_text_is_written_or_refused(scribbler, text):
    status, _, err = call("write", "-o", "out.svg", "--model", scribbler, "--", text)
    lines = err.splitlines()
    assert status in (0, 2) and all(line.startswith("strokes: ") and line.isprintable() for line in lines), (
        err
    )
    assert here() == (["out.svg"] if status == 0 else []) and (status == 0 or len(lines) == 1)
    Path("out.svg").unlink(missing_ok=True)


@settings(max_examples=60, deadline=None)
@given(NAMES, st.sampled_from(["", ".svg", ".png", ".SVG", ".npz"]), st.integers(0, len(COMMANDS) - 1))
def test_any_name_of_a_file_is_refused_in_one_line_where_there_is_nothing(name, suffix, number):
    command = COMMANDS[number]
    refused(*(name + suffix if word.startswith(("none", "out", "run")) else word for word in command.argv))


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(["rgb(300,0,0)", "hsl(0,100%,900%)", "#12345678", "rgba(1,2,3,4)"]),
    )
)
def test_a_colour_that_is_none_is_refused_before_the_writing_and_the_same_for_every_format(color):
    svg, png = (
        refused("write", "a", "-o", name, "--model", "none", f"--color={color}")
        for name in ("a.svg", "a.png")
    )
    assert svg == png


@pytest.mark.parametrize("group", [[], ["prepare"], ["characters"]])
@given(word=st.text(max_size=20))
def test_any_word_is_a_command_or_refused(group, word):
    known = {*MAIN_COMMANDS, *prepare.GROUP.commands, *characters.GROUP.commands}
    if word not in {*known, "-h", "--help", "--version"}:
        assert "there is no" in refused(*group, word)


def test_every_option_of_a_number_has_a_range_in_its_type():
    """What has none would be looked at for the first time where it is used."""
    open_ended = {
        f"{name} {option.flag}"
        for name, command in zip(IDS, COMMANDS, strict=True)
        if not name.startswith("prepare iam")  # its dataclass checks some ranges by itself
        for option in numbers(command)
        if not all(map(math.isfinite, bounds(option.hint)[:2]))
    }
    assert open_ended == set()
