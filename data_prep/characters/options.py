"""How images become a set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from strokes.documents import Seed, check_fields

__all__ = ["PreparationOptions"]


@dataclass(frozen=True)
class PreparationOptions:
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

    classes: Annotated[str, Meta(min_length=1, max_length=999)] | None = None
    cap: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    validation: Annotated[float, Meta(ge=0, le=1)] = 0.1
    test: Annotated[float, Meta(ge=0, le=1)] = 0.1
    seed: Seed = 1
    transposed: Literal["auto", "yes", "no"] = "auto"
    deduplicate: bool = True
    conform: bool = True
    pen_width: Annotated[float, Meta(gt=0, le=10)] = 2.5

    def __post_init__(self) -> None:
        check_fields(self)
        if self.validation + self.test > 1:
            raise ValueError("the shares --validation and --test are more than 1 together")
