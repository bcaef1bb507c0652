"""Settings from YAML, TOML and a run's config.json."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest
from msgspec import Meta

from strokes.cli.config_files import settings_of_run
from strokes.cli.parser import Parser
from strokes.documents import check_fields
from strokes.files import InputError


@dataclass(frozen=True)
class Network:
    hidden: Annotated[int, Meta(ge=1, le=64)] = 3
    kappa_bias: float = -3.2

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class Settings:
    epochs: Annotated[float, Meta(gt=0, le=1000)] = 16.0
    batch: Annotated[int, Meta(ge=1)] = 64
    splits: tuple[str, ...] = ("a",)
    smooth: bool = False
    network: Network = field(default_factory=Network)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.batch > 100 and self.smooth:
            raise ValueError("smooth takes a batch of 100 at most")


def parse(*argv: object) -> Settings:
    parser = Parser("train", "A test.", "strokes train")
    parser.add_config()
    parser.add_options(Settings())
    return parser.parse([str(a) for a in argv]).make(Settings)


def written(folder: Path, text: str, name: str = "settings.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


YAML = "epochs: 5e-1\nbatch: 8\nsplits: [x, y]\nsmooth: true\nnetwork:\n  kappa-bias: -1\n"
TOML = 'epochs = 0.5\nbatch = 8\nsplits = ["x", "y"]\nsmooth = true\n[network]\nkappa_bias = -1\n'
SAME = Settings(0.5, 8, ("x", "y"), True, Network(kappa_bias=-1.0))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (YAML, "s.yaml"),
        (YAML, "s"),
        (TOML, "s.toml"),
        (
            '{"epochs": 0.5, "batch": 8, "splits": ["x", "y"], "smooth": true, "network.kappa_bias": -1}',
            "s.json",
        ),
    ],
)
def test_settings_are_read_from_a_file(text, name, tmp_path):
    assert parse("--config", written(tmp_path, text, name)) == SAME


def test_options_go_before_files_and_later_files_before_earlier_ones(tmp_path):
    first = written(tmp_path, "epochs: 2\nbatch: 7\n", "a.yaml")
    second = written(tmp_path, "batch: 9\nnetwork: {hidden: 5}\n", "b.yaml")
    found = parse("--epochs", 3, "--config", first, "--config", second)
    assert (found.epochs, found.batch, found.network.hidden) == (3, 9, 5)


def test_an_empty_file_says_nothing(tmp_path):
    assert parse("--config", written(tmp_path, "")) == Settings()
    assert parse("--config", written(tmp_path, "splits: x\nnetwork: {}\n")) == Settings(splits=("x",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("bacth: 4", "there is no setting bacth; the nearest is batch"),
        ("network: {hiden: 4}", "there is no setting network.hiden; the nearest is network.hidden"),
        ("batch: {a: 4}", "there is no setting batch.a"),
        ("network: 4", "network is 4; it must be a group of settings"),
        ("network: [4]", "network is [4]; it must be a group of settings"),
        ("epochs: 0", "epochs is 0; it must be a number above 0 and at most 1000"),
        ("epochs: 1e400", "epochs is 1e400"),
        ("epochs: .nan", "epochs is nan"),
        ("epochs: true", "epochs is True"),
        ("epochs: [1]", "epochs is [1]"),
        ("epochs: null", "epochs is None"),
        ("batch: 1.5", "batch is 1.5"),
        ("batch: -" + "9" * 400, "batch is -99999"),
        ("network: {hidden: 65}", "network.hidden is 65; it must be a whole number from 1 to 64"),
        ("smooth: maybe", "smooth is maybe; it must be true or false"),
        ("splits: [1]", "splits is [1]"),
        ("- 1", "these are no settings"),
        ("hello", "these are no settings"),
        ("epochs: [1", "cannot be read as settings"),
        ("a: &a [*a]", "there is no setting a"),
        ("batch: &a [*a]", "batch is "),
        ("\0", "cannot be read as settings"),
        ("!!python/object/apply:os.system ['true']", "cannot be read as settings"),
        ("[" * 5000, "cannot be read as settings"),
        ("1: 2", "there is no setting 1"),
        ("? [1, 2]\n: 3", "settings"),
    ],
)
def test_a_file_of_wrong_settings_is_one_sentence_that_names_it(text, says, tmp_path):
    path = written(tmp_path, text)
    with pytest.raises(InputError) as e:
        parse("--config", path)
    assert str(e.value).startswith(f"{path}: ") and says in str(e.value) and len(str(e.value)) < 500


@pytest.mark.parametrize(
    "text", ["epochs = ", "epochs: 1", "[network", 'epochs = "many"', "[[network]]\nhidden = 1"]
)
def test_so_is_a_wrong_one_in_toml(text, tmp_path):
    path = written(tmp_path, text, "s.toml")
    with pytest.raises(InputError, match=r"s\.toml: "):
        parse("--config", path)


def test_a_file_that_is_none_is_refused(tmp_path):
    for path, says in ((tmp_path / "none.yaml", "cannot be read"), (tmp_path, "cannot be read")):
        with pytest.raises(InputError, match=says):
            parse("--config", path)
    (tmp_path / "large").write_bytes(b" " * (2**20 + 1))
    with pytest.raises(InputError, match="larger than"):
        parse("--config", tmp_path / "large")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read as settings"):
        parse("--config", tmp_path / "bytes")


def test_the_settings_of_a_run_are_read_and_checked(tmp_path):
    document = {"kind": "gan", "epochs": 3, "network": {"hidden": 5}, "splits": ["x"]}
    path = written(tmp_path, json.dumps(document), "config.json")
    base = Settings(batch=9)
    assert settings_of_run(path, base, ignore=("kind",)) == Settings(3, 9, ("x",), network=Network(hidden=5))
    for text, says in [
        ('{"epochs": 3', "config.json"),
        ('{"bacth": 3}', "there is no setting bacth"),
        ('{"epochs": 0}', "epochs is 0"),
        ('{"batch": 200, "smooth": true}', "smooth takes a batch of 100 at most"),
        ("[1]", "config.json"),
        ("{" * 3000, "config.json"),
        ('{"network": {"hidden": 1e400}}', "config.json"),
    ]:
        path.write_text(text)
        with pytest.raises(InputError, match=says):
            settings_of_run(path, base)
    with pytest.raises(InputError, match="cannot be resumed"):
        settings_of_run(tmp_path / "none" / "config.json", base)
