"""Documents: what is refused at the door, and what the sentence says."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from strokes.documents import Seed, check_fields, convert, decode_json, encode_json, expected, read_json
from strokes.files import InputError


@dataclass(frozen=True)
class Inner:
    hidden: Annotated[int, Meta(ge=1, le=64)] = 3

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class Outer:
    bias: Annotated[float, Meta(ge=0, le=20)] = 1.0
    rate: Annotated[float, Meta(gt=0)] = 0.1
    kind: Literal["adam", "rmsprop"] = "adam"
    names: tuple[str, ...] = ("a",)
    seed: Seed = 0
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        check_fields(self)


@pytest.mark.parametrize(
    ("field_name", "value", "sentence"),
    [
        ("bias", 20.001, "bias is 20.001; it must be a number from 0 to 20"),
        ("bias", float("nan"), "bias is nan; it must be a number from 0 to 20"),
        ("bias", True, "bias is True; it must be a number from 0 to 20"),
        ("rate", 0, "rate is 0; it must be a number above 0"),
        ("rate", float("inf"), "rate is inf; it must be a number above 0"),
        ("kind", "sgd", "kind is 'sgd'; it must be one of adam, rmsprop"),
        ("names", (1,), "names is (1,); it must be a list, each a text"),
        ("seed", 2**70, f"seed is {2**70}; it must be a whole number from 0 to {2**63 - 1}"),
    ],
)
def test_a_field_out_of_range_is_named_with_its_range(field_name: str, value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match="must be") as e:
        Outer(**{field_name: value})
    assert str(e.value) == sentence


def test_bounds_themselves_are_in_the_range() -> None:
    assert (Outer(bias=0).bias, Outer(bias=20).bias, Outer(seed=2**63 - 1).seed) == (0, 20, 2**63 - 1)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"[]",
        b'{"bias": 21}',
        b'{"bias": NaN}',
        b'{"bias": 1e400}',
        b'{"inner": {"hidden": 0}}',
        b'{"inner": 3}',
        b"[" * 200_000,
        b'{"bias":' * 50_000,
        b"\xff\xfe",
        b'{"seed": 99999999999999999999999}',
        b'{"names": "ab"}',
    ],
)
def test_a_hostile_document_is_one_sentence(document: bytes) -> None:
    with pytest.raises(InputError, match=r"^f\.json: ") as e:
        decode_json(document, Outer, "f.json")
    assert "\n" not in str(e.value) and len(str(e.value)) < 400


def test_the_place_in_a_document_is_named() -> None:
    with pytest.raises(InputError, match=r"\$\.inner\.hidden"):
        decode_json(b'{"inner": {"hidden": 65}}', Outer, "f.json")
    with pytest.raises(InputError, match=r"--config: .*\$\.bias"):
        convert({"bias": "much"}, Outer, "--config")


@given(
    st.builds(
        Outer, bias=st.floats(0, 20), seed=st.integers(0, 2**63 - 1), names=st.tuples(st.text(max_size=5))
    )
)
def test_what_is_encoded_is_decoded(value: Outer) -> None:
    assert decode_json(encode_json(value), Outer, "f.json") == value
    assert convert(asdict(value), Outer, "it") == value


def test_reading_a_file(tmp_path) -> None:
    (tmp_path / "a.json").write_bytes(encode_json(Outer(bias=3)))
    assert read_json(tmp_path / "a.json", Outer) == Outer(bias=3)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "b.json", Outer)
    with pytest.raises(InputError, match="cannot be read"):
        read_json(tmp_path, Outer)


def test_ranges_in_words() -> None:
    assert expected(Annotated[float, Meta(gt=0, lt=1)]) == "a number above 0 and below 1"
    assert expected(Annotated[float, Meta(ge=0, lt=1)]) == "a number, at least 0 and below 1"
    assert expected(Annotated[int, Meta(gt=0, le=9)]) == "a whole number above 0 and at most 9"
    assert expected(Annotated[int, Meta(le=9)]) == "a whole number at most 9"
    assert expected(str | None) == "a text or nothing"
    assert expected(msgspec.UNSET.__class__) == "UnsetType"
