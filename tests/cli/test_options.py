"""Options from dataclasses and back: names, help, types, ranges, and what is said of a wrong value."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from strokes.characters.training import default_config
from strokes.cli.options import changed, field_help, options_of, shown
from strokes.cli.parser import Parser
from strokes.documents import Seed, check_fields
from strokes.files import InputError


@dataclass(frozen=True)
class Inner:
    """What is inside.

    Args:
        hidden_cells: how many there are.
        low, high: bounds
            of something.
    """

    hidden_cells: Annotated[int, Meta(ge=1, le=64)] = 3
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        check_fields(self)
        if self.low > self.high:
            raise ValueError("low is above high")


@dataclass(frozen=True)
class Outer:
    """What is outside.

    More about it: this is no field.

    Args:
        bias: from lively to stiff; see
            also: the paper.
        rate: above 0, for 100% of all.
        kind: of optimizer.
        names: some names.
        smooth: whether it is.
        seed: of it.
        limit: none without it.
        inner: what is inside.

    Raises:
        ValueError: never: mind.
    """

    bias: Annotated[float, Meta(ge=0, le=20)] = 1.0
    rate: Annotated[float, Meta(gt=0)] = 0.1
    kind: Literal["adam", "rmsprop"] = "adam"
    names: tuple[str, ...] = ("a", "b")
    smooth: bool = True
    seed: Seed = 0
    limit: Annotated[int, Meta(ge=1)] | None = None
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        check_fields(self)


def parse(*argv: str, defaults: Outer | None = None) -> Outer:
    parser = Parser("test", "A test.", "strokes test")
    parser.add_options(defaults or Outer())
    return parser.parse(argv).make(Outer)


def refusal(*argv: str) -> str:
    with pytest.raises(InputError) as e:
        parse(*argv)
    return str(e.value)


def test_nothing_given_gives_the_defaults():
    assert parse() == Outer()
    mine = Outer(bias=3.0, inner=Inner(hidden_cells=9))
    assert parse(defaults=mine) == mine
    assert parse("--inner.low", "-1", defaults=mine) == Outer(bias=3.0, inner=Inner(hidden_cells=9, low=-1.0))


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--bias", "0"], Outer(bias=0.0)),
        (["--bias=20"], Outer(bias=20.0)),
        (["--bias", "1e-3"], Outer(bias=0.001)),
        (["--rate", "5"], Outer(rate=5.0)),
        (["--kind", "rmsprop"], Outer(kind="rmsprop")),
        (["--names", "x"], Outer(names=("x",))),
        (["--names", "x", "y"], Outer(names=("x", "y"))),
        (["--names", "x,y"], Outer(names=("x", "y"))),
        (["--names", '["x", "y"]'], Outer(names=("x", "y"))),
        (["--no-smooth"], Outer(smooth=False)),
        (["--no-smooth", "--smooth"], Outer()),
        (["--seed", str(2**63 - 1)], Outer(seed=2**63 - 1)),
        (["--limit", "4"], Outer(limit=4)),
        (["--inner.hidden-cells", "64"], Outer(inner=Inner(hidden_cells=64))),
        (["--inner.hidden_cells=64"], Outer(inner=Inner(hidden_cells=64))),
        (["--inner.low", "-1e3", "--inner.high", "-2"], Outer(inner=Inner(low=-1000.0, high=-2.0))),
    ],
)
def test_what_is_given_replaces_them(argv, expected):
    assert parse(*argv) == expected


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--bias", "21"], "--bias is 21; it must be a number from 0 to 20"),
        (["--bias", "-0.5"], "--bias is -0.5; it must be a number from 0 to 20"),
        (["--bias", "-inf"], "--bias is -inf; it must be a number from 0 to 20"),
        (["--bias", "nan"], "--bias is nan; it must be a number from 0 to 20"),
        (["--bias", "many words"], "--bias is 'many words'; it must be a number from 0 to 20"),
        (["--bias="], "--bias is ''; it must be a number from 0 to 20"),
        (["--rate", "1e400"], "--rate is 1e400; it must be a number above 0"),
        (["--inner.low", "1e400"], "--inner.low is 1e400; it must be a number"),
        (["--kind", "sgd"], "--kind is sgd; it must be one of adam, rmsprop"),
        (["--seed", "-1"], f"--seed is -1; it must be a whole number from 0 to {2**63 - 1}"),
        (["--seed", str(2**63)], f"--seed is {2**63}; it must be a whole number from 0 to {2**63 - 1}"),
        (["--seed", "1.5"], f"--seed is 1.5; it must be a whole number from 0 to {2**63 - 1}"),
        (
            ["--inner.hidden-cells", "65"],
            "--inner.hidden-cells is 65; it must be a whole number from 1 to 64",
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_option_and_its_range(argv, sentence):
    assert refusal(*argv) == sentence


def test_values_that_do_not_go_together_are_refused_in_the_words_of_the_dataclass():
    refused = "low is above high (see 'strokes test --help')"
    assert refusal("--inner.low", "0.5", "--inner.high", "0.2") == refused
    assert refusal("--inner.low", "2", "--inner.hidden-cells", "7") == f"--inner.low: {refused}"


def test_a_number_of_any_length_is_named_in_short():
    assert refusal("--seed", "9" * 5000).startswith(f"--seed is {'9' * 57}...; it must be")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--bies", "3"], "there is no option --bies; the nearest is --bias"),
        (["--xyzzy=3"], "there is no option --xyzzy (see"),
        (["word"], "there is no place for 'word'"),
        (["--bias"], "expected one argument"),
        (["--smooth=maybe"], "--smooth"),
    ],
)
def test_what_is_no_option_is_refused(argv, says):
    assert says in refusal(*argv)


def test_the_help_has_names_texts_ranges_and_defaults():
    parser = Parser("test", "A test, 100%.", "strokes test --bias 3  # 100%")
    parser.add_options(Outer(inner=Inner(hidden_cells=7)), metavars={"bias": "B"}, says={"rate": "as ever"})
    text = " ".join(parser.format_help().split())
    assert "usage: strokes test [options] A test, 100%." in text
    assert "--bias B from lively to stiff; see also: the paper (from 0 to 20; default: 1)" in text
    assert "--rate X above 0, for 100% of all (above 0; as ever)" in text
    assert "--kind {adam,rmsprop} of optimizer (default: adam)" in text
    assert "--names NAME [NAME ...] some names (default: a b)" in text
    assert "--smooth, --no-smooth whether it is (default: yes)" in text
    assert "--limit N none without it (at least 1)" in text
    assert "What is inside: --inner.hidden-cells N how many there are (from 1 to 64; default: 7)" in text
    assert "example: strokes test --bias 3 # 100%" in text


def test_fields_may_be_left_out_or_called_otherwise():
    parser = Parser("test", "A test.", "strokes test")
    parser.add_options(Outer(), flags={"bias": "pen-bias"}, leave_out=("inner", "seed"))
    assert parser.parse(["--pen-bias", "3"]).make(Outer) == Outer(bias=3.0)
    for argv in (["--bias", "3"], ["--seed", "1"], ["--inner.low", "0"]):
        with pytest.raises(InputError, match="there is no option"):
            parser.parse(argv)


def test_the_help_of_a_docstring():
    assert field_help(Inner) == {
        "hidden_cells": "how many there are.",
        "low": "bounds of something.",
        "high": "bounds of something.",
    }
    assert field_help(Outer)["bias"] == "from lively to stiff; see also: the paper."
    assert "Raises" not in field_help(Outer) and "ValueError" not in field_help(Outer)

    class Without:
        pass

    assert field_help(Without) == {}


@given(st.builds(Inner, hidden_cells=st.integers(1, 64)), st.floats(0, 20), st.integers(0, 2**63 - 1))
def test_every_value_in_its_range_survives_the_way_through_text(inner, bias, seed):
    wanted = Outer(bias=bias, seed=seed, inner=inner)
    argv = ["--bias", repr(bias), "--seed", str(seed), "--inner.hidden-cells", str(inner.hidden_cells)]
    assert parse(*argv) == wanted


@given(st.one_of(st.text(), st.floats().map(repr), st.integers().map(str)))
def test_any_text_is_a_value_or_one_sentence(text):
    for option in options_of(Outer()):
        sentence = ""
        try:
            value = option.read(text)
        except InputError as e:
            sentence = str(e)
        if sentence:
            assert sentence.startswith(f"{option.flag} is ") and "; it must be " in sentence
            continue
        assert not isinstance(value, float) or math.isfinite(value)
        if option.path not in (("inner", "low"), ("inner", "high")):  # one bounds the other
            changed(Outer(), {option.path: value})


@given(st.text())
def test_a_value_is_shown_on_one_printable_line(text):
    assert shown(text).isprintable() and 0 < len(shown(text)) <= 60


def test_paths_lead_to_the_fields():
    assert changed(Outer(), {("inner", "low"): -2.0, ("bias",): 4.0}) == Outer(
        bias=4.0, inner=Inner(low=-2.0)
    )
    assert {o.key for o in options_of(Outer())} >= {"bias", "inner.hidden_cells", "inner.high"}
    assert asdict(changed(Outer(), {})) == asdict(Outer())


def test_help_of_inherited_fields_is_their_bases():
    config = default_config("ssvae")
    helps = {option.key: option.help for option in options_of(config)}
    assert set(helps) >= {"epochs", "kl_weight", "swap_weight", "distortion.shear", "sizes.latent"}
    assert all(helps.values())
