"""strokes prepare: a data set in, one file to train on out."""

from __future__ import annotations

from ..group import Group

__all__ = ["GROUP", "run"]

GROUP = Group(
    "strokes prepare",
    __name__,
    {
        "iam": "IAM-OnDB as its authors distribute it, archives or folders",
        "unipen": "UNIPEN train_r01_v07, the archive or its folder",
        "characters": "28x28 characters: MNIST, EMNIST, Kaggle's A-Z, Chars74K, folders of pictures",
    },
    "A data set in, one file to train on out.",
    "examples:\n"
    "  strokes prepare iam ROOT -o CORPUS.npz\n"
    "  strokes prepare unipen ARCHIVE|FOLDER -o CORPUS.npz\n"
    "  strokes prepare characters SOURCE... -o FILE.npz\n\n"
    "'strokes prepare iam --help' explains its options and gives an example.",
    noun="data set",
)

run = GROUP.run
