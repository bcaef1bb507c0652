"""IAM-OnDB as its authors distribute it -> lines of ink with text, writer and split -> a corpus.

The data set is four split files (`trainset.txt`, `testset_v.txt`, `testset_t.txt`, `testset_f.txt`)
and three archives, read as streams and never unpacked to disk, or the folders unpacked from them:

    lineStrokes-all.tar.gz    lineStrokes/a01/a01-000/a01-000u-01.xml    the ink of one line
    ascii-all.tar.gz          ascii/a01/a01-000/a01-000u.txt             the text of a form's lines
    original-xml-all.tar.gz   original/a01/a01-000/strokesu.xml          whole forms: who wrote them

Files are not trusted: each is bounded in size, XML may declare no document type (so no
entities), and nothing is ever written where an archive says.
"""

from ..reports import RejectedError, Remark
from .dataset import Dataset, read
from .files import Progress
from .parsing import SPLITS, parse_line, parse_transcription, parse_writer, read_splits
from .prepare import Prepared, prepare

__all__ = [
    "SPLITS",
    "Dataset",
    "Prepared",
    "Progress",
    "RejectedError",
    "Remark",
    "parse_line",
    "parse_transcription",
    "parse_writer",
    "prepare",
    "read",
    "read_splits",
]
