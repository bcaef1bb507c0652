"""strokes prepare characters: images of characters in, one set to train on out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from msgspec import Meta

from ...documents import Seed, check_fields
from ...files import check_output
from ..console import Bars, show
from ..parser import Parser

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
Images of characters in, one set to train on out: white on black, 28x28, scaled and centred as
MNIST's are, split by class."""


@dataclass(frozen=True)
class Preparation:
    """How images become a set.

    Args:
        classes: the classes to keep, by name or as a string of characters; without it, those of 0-9 A-Z
            that are there.
        cap: at most this many training images a class; 0 for all.
        validation: the share to validate on, of each class.
        test: the share to test on, where no test set is given.
        seed: which images these are, and the order of all.
        transposed: whether images are stored column by column; auto: those of files named emnist are.
        deduplicate: leave out images that are there twice, so that none is trained and tested on.
        conform: scale and centre every image as MNIST's are: Kaggle's are centred otherwise, EMNIST's are
            larger.
        pen_width: of pen strokes, in pixels of the 28; 2.5 makes as much ink as MNIST has.
    """

    classes: str | None = None
    cap: Annotated[int, Meta(ge=0, le=10**9)] = 0
    validation: Annotated[float, Meta(ge=0, le=1)] = 0.1
    test: Annotated[float, Meta(ge=0, le=1)] = 0.1
    seed: Seed = 1
    transposed: Literal["auto", "yes", "no"] = "auto"
    deduplicate: bool = True
    conform: bool = True
    pen_width: Annotated[float, Meta(ge=0.1, le=10)] = 2.5

    def __post_init__(self) -> None:
        check_fields(self)
        if self.validation + self.test > 1:
            raise ValueError("the shares --validation and --test are more than 1 together")


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "prepare characters",
        _DESCRIPTION,
        "strokes prepare characters mnist 'A_Z Handwritten Data.csv' -o characters.npz --cap 4182",
        "strokes prepare characters my-letters -o mine.npz --validation 0 --test 1",
    )
    parser.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="idx files as MNIST and EMNIST have them, a CSV file of a label and 784 pixels a row (Kaggle's A-Z), "
        "each gzipped or not; a folder of these; a folder of pictures in folders named by their class (A, 7); "
        "Chars74K's pen strokes as JSON",
    )
    parser.add_argument("-o", "--output", metavar="FILE.npz", required=True, help="the file to write")
    metavars = {"classes": "digits|letters|all", "validation": "F", "test": "F", "pen_width": "PIXELS"}
    parser.add_options(Preparation(), metavars=metavars)
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command: the table goes to standard output, progress to standard error."""
    args = make_parser().parse(argv)
    options = asdict(args.make(Preparation))
    options["transposed"] = {"auto": None, "yes": True, "no": False}[options["transposed"]]
    output = check_output(args.output)

    from data_prep.characters import prepare_characters

    with Bars({"pictures": " pictures"}) as bars:
        characters, report = prepare_characters(args.sources, **options, progress=bars)
    characters.save(output)
    show(report.table())
    show(f"wrote {output}, {output.stat().st_size / 2**20:.1f} MiB")
    return 0
