"""strokes characters train: a set of characters in, a run with its best model out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from ...documents import check_fields
from ...files import InputError
from ..console import note
from ..parser import Parser

if TYPE_CHECKING:
    from ...characters.model import CharacterModel

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
Train a model of characters on what 'strokes prepare characters' made.

KIND is one of
{kinds}

RUN receives best/ (the model with the best validation: give RUN to --model), metrics.jsonl and curves.png, a sheet of
samples at every validation, and checkpoints. Ctrl-C stops after the current batch and keeps everything; --resume
goes on as if it had never stopped. The defaults below are those of {kind}."""

# Whose settings --help shows where no kind is named.
_SHOWN = "ssvae"


@dataclass(frozen=True)
class Hardware:
    """What a run works on.

    Args:
        device: auto is a GPU if there is one.
        threads: 0 is one a core.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Meta(ge=0, le=4096)] = 0

    def __post_init__(self) -> None:
        check_fields(self)


def make_parser(kind: str = _SHOWN) -> Parser:
    """The options of the command, with the settings of a kind of model."""
    from ...characters.kinds import KINDS
    from ...characters.training import default_config

    kinds = "\n".join(f"  {name:<10}  {network.description}" for name, network in KINDS.items())
    parser = Parser(
        "characters train",
        _DESCRIPTION.format(kinds=kinds, kind=kind),
        "strokes prepare characters mnist letters.csv -o characters.npz",
        f"strokes characters train {kind} --data characters.npz -o runs/{kind}",
        f"strokes characters train {kind} --data characters.npz -o runs/{kind} --resume",
    )
    parser.add_argument("kind", metavar="KIND", choices=tuple(KINDS), help="see above")
    parser.add_argument(
        "--data", required=True, metavar="FILE.npz", help="made by 'strokes prepare characters'"
    )
    parser.add_argument("-o", "--output", required=True, metavar="RUN", help="the folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on with the run in RUN")
    parser.add_options(Hardware())
    parser.add_config()
    parser.add_options(default_config(kind), title="settings")
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    kind = _kind(argv)
    args = make_parser(kind).parse(argv)
    hardware = args.make(Hardware)
    out = Path(args.output)
    import torch

    from ...characters.data import CharacterSet
    from ...characters.training import config_of_run, default_config, train
    from ...runs.folder import check_folder
    from ...runs.hardware import cores

    # What the run began with, then what this call says.
    began = config_of_run(kind, out) if args.resume and out.is_dir() else default_config(kind)
    config = args.make(type(began), began)
    if hardware.device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: there is no GPU that PyTorch can use; leave it out")
    device = "cuda" if hardware.device != "cpu" and torch.cuda.is_available() else "cpu"
    torch.set_num_threads(hardware.threads or cores())
    characters = CharacterSet.load(args.data)
    check_folder(out, args.resume)
    result = train(kind, characters, out, config, resume=args.resume, device=device, draw=_draw)
    again = f"strokes characters train {kind} --data {args.data} -o {out} --resume"
    note(
        f"{'trained' if result.finished else 'stopped'} after {result.epoch} epochs, step {result.step}, "
        f"{result.seconds / 60:.1f} min" + ("" if result.finished else f"; go on with: {again}")
    )
    return 0


def _kind(argv: Sequence[str]) -> str:
    """The kind that a command line names: its settings must be known before the rest can be read.

    Raises:
        InputError: it names none, and does not ask for help.
    """
    from ...characters.kinds import KINDS

    flags = make_parser().flags_without_value
    values = {
        i + 1 for i, word in enumerate(argv) if word.startswith("-") and word not in flags and "=" not in word
    }
    kind = next((word for i, word in enumerate(argv) if word in KINDS and i not in values), None)
    if kind is None and not {"-h", "--help"} & set(argv):
        raise InputError(f"name what to train: {', '.join(KINDS)} (see 'strokes characters train --help')")
    return kind or _SHOWN


def _draw(model: CharacterModel, path: Path) -> None:
    """A sheet of samples, and the run's curves so far."""
    from ...characters.figures import curves, model_sheet, save_picture

    if model.draws:
        save_picture(model_sheet(model), path, 2)
    if (path.parent / "metrics.jsonl").stat().st_size:
        curves(path.parent, path.parent / "curves.png")
