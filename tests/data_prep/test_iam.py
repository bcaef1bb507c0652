"""IAM-OnDB: the straight path, bad input that is counted and named, hostile files that do nothing."""

from __future__ import annotations

import contextlib
import os
import random
import tarfile
from pathlib import Path

import iam_files as made
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep import iam
from data_prep.cleaning import PRESETS, CleaningOptions
from data_prep.iam import files as archives
from strokes.corpus import Corpus
from strokes.files import InputError
from strokes.ink.cleaning import subsample
from strokes.ink.metrics import line_slope

PLAIN = CleaningOptions(scale=True, min_count=1)


@pytest.fixture
def files() -> dict[str, bytes]:
    return made.data_set()


def prepare(files: dict[str, bytes], root: Path, options: CleaningOptions = PLAIN, **extra) -> iam.Prepared:
    return iam.prepare(made.write_archives(files, root, extra), options)


def rules(prepared: iam.Prepared) -> dict[str, str]:
    return {r.name: r.rule for r in prepared.remarks}


def same(a: Corpus, b: Corpus) -> bool:
    arrays = all(np.array_equal(getattr(a, k), getattr(b, k)) for k in ("steps", "ends", "starts"))
    columns = all(getattr(a, k) == getattr(b, k) for k in ("texts", "names", "writers", "splits"))
    return arrays and columns and (a.statistics, a.alphabet) == (b.statistics, b.alphabet)


# -- the straight path ---------------------------------------------------------------------------


def test_every_line_has_its_text_writer_and_split(files, tmp_path):
    prepared = prepare(files, tmp_path)
    corpus = prepared.corpus
    assert len(corpus) == 16 and list(corpus.names) == sorted(corpus.names)
    at = {name: i for i, name in enumerate(corpus.names)}
    third = at["a01-000u-03"]
    assert corpus.texts[third] == "by the wall. It's late,"  # as people type it
    assert corpus.splits[third] == "trainset" and corpus.writers[third] == "10001"
    assert corpus.splits[at["a01-020-01"]] == "trainset"  # a form without a letter
    assert corpus.splits[at["b02-010z-04"]] == "testset_v" and corpus.writers[at["b02-010z-04"]] == "10003"
    assert not prepared.remarks and not prepared.broken


def test_graves_keeps_raw_points_and_texts(files, tmp_path):
    corpus = prepare(files, tmp_path, PRESETS["graves"]).corpus
    i = corpus.names.index("a01-000u-03")
    assert corpus.texts[i] == made.TEXTS["a01-000u"][2]
    raw = np.array([p for s in made.strokes_for(made.TEXTS["a01-000u"][2]) for p in s])
    assert np.array_equal(corpus.line(i).ink.points, raw - raw[0])


def test_archives_folders_and_plain_tar_make_the_same_corpus(files, tmp_path):
    from_archives = prepare(files, tmp_path / "archives").corpus
    assert same(from_archives, iam.prepare(made.write_folders(files, tmp_path / "folders"), PLAIN).corpus)
    shuffled = dict(random.Random(4).sample(sorted(files.items()), len(files)))
    root = made.write_archives(shuffled, tmp_path / "plain")
    for path in root.glob("*.tar.gz"):
        members = [made.member(p, c) for p, c in shuffled.items() if p.startswith(path.name[:5])]
        path.with_name(path.name.removesuffix(".gz")).write_bytes(made.archive(members, "w"))
        path.unlink()
    assert same(from_archives, iam.prepare(root, PLAIN).corpus)


def test_training_lines_come_once_a_phase_and_are_counted_once(files, tmp_path):
    options = CleaningOptions(every=2, phases=2, min_count=3)
    prepared = prepare(files, tmp_path, options)
    corpus = prepared.corpus
    assert sorted(n for n in corpus.names if "~" not in n) == sorted(
        p.rsplit("/")[-1][:-4] for p in files if p.startswith("lineStrokes")
    )
    copies = {n for n in corpus.names if n.endswith("~1")}
    assert len(copies) == 12 and not any(n.startswith("b02") for n in copies)  # no validation line twice
    one, two = (corpus.line(corpus.names.index(n)) for n in ("a01-000u-01", "a01-000u-01~1"))
    assert one.text == two.text and one.ink != two.ink
    assert sum(c["read"] for c in prepared.counts.values()) == 16
    assert sum(c["kept"] for c in prepared.counts.values()) == 16
    # rare characters are counted over distinct lines: the two W of a set of one phase are two here
    single = prepare(files, tmp_path / "single", CleaningOptions(every=2, phases=1, min_count=3)).corpus
    assert corpus.alphabet == single.alphabet
    table = prepared.table()
    assert "points, other phases" in table and "read" in table and "trainset" in table


def test_without_original_forms_no_writer_is_known(files, tmp_path):
    root = made.write_archives(files, tmp_path)
    (root / "original-xml-all.tar.gz").unlink()
    prepared = iam.prepare(root, PLAIN)
    assert set(prepared.corpus.writers) == {""} and len(prepared.corpus) == 16


def test_a_transcription_may_have_blank_lines_any_line_ends_and_two_encodings():
    lines = [f"line {n}" for n in range(1, 13)]
    for end in ("\n", "\r\n", "\r"):
        text = end.join(["OCR:", "", "CSR was here", "", "CSR: ", "", *lines[:5], "", *lines[5:], "", ""])
        assert iam.parse_transcription(text.encode()) == lines
    assert iam.parse_transcription("CSR:\ncafé".encode("iso-8859-1")) == ["café"]
    assert iam.parse_transcription("\ufeffCSR:\ncafé".encode()) == ["café"]
    assert iam.parse_transcription(b"OCR:\nprint only") == []


def test_line_ten_is_not_line_one(files, tmp_path):
    texts = [f"the text of line {'abcdefghijkl'[n]}" for n in range(12)]
    files[made.text_path("a01-020")] = ("CSR:\n" + "\n".join(texts)).encode()
    for number, text in enumerate(texts, 1):
        files[made.line_path(f"a01-020-{number:02d}")] = made.line_xml(made.strokes_for(text))
    corpus = prepare(files, tmp_path).corpus
    assert [corpus.texts[corpus.names.index(f"a01-020-{n + 1:02d}")] for n in range(12)] == texts


# -- bad input: counted and named, the rest prepared ----------------------------------------------

ZIGZAG = made.strokes_for("fifteen letters")
BAD_LINES = {
    "not XML": b"this is not XML at all",
    "cut short": made.line_xml(ZIGZAG)[:400],
    "empty file": b"",
    "no stroke": made.line_xml([]),
    "strokes without points": made.line_xml([[], []]),
    "letters": made.line_xml([[(1, 2), ("abc", 4)], *ZIGZAG]),
    "empty coordinate": made.line_xml([[(1, 2), ("", 4)], *ZIGZAG]),
    "nan": made.line_xml([[(1, 2), (3, "nan")], *ZIGZAG]),
    "infinite": made.line_xml([[(1, 2), ("inf", 4)], *ZIGZAG]),
    "huge": made.line_xml([[(1, 2), ("1e300", 4)], *ZIGZAG]),
    "no y": made.line_xml(ZIGZAG).replace(b'<Point x="1000" y', b'<Point x="1000" z', 1),
    "all at one height": made.line_xml([[(x, 5) for x in range(0, 2400, 20)]]),
}
EXPECTED = {
    "not XML": "not XML",
    "cut short": "not XML",
    "empty file": "not XML",
    "no stroke": "no ink",
    "strokes without points": "no ink",
    "all at one height": "flat",
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_bad_line_is_counted_and_named_and_the_rest_prepared(case, files, tmp_path):
    rule = EXPECTED.get(case, "bad coordinate")
    files[made.line_path("a01-000u-02")] = BAD_LINES[case]
    prepared = prepare(files, tmp_path)
    assert len(prepared.corpus) == 15 and "a01-000u-02" not in prepared.corpus.names
    assert rules(prepared) == {"a01-000u-02": rule}
    assert prepared.counts["trainset"] == {"read": 8, "kept": 7, rule: 1}
    assert prepared.corpus.rejected == {rule: 1}
    report = prepared.save(tmp_path / "c.npz")
    assert report.name == "c.report.tsv"
    assert report.read_text().splitlines()[1].split("\t")[:2] == ["a01-000u-02", rule]
    assert f"rejected: {rule}" in prepared.table()
    assert Corpus.load(tmp_path / "c.npz").rejected == {rule: 1}


def test_a_stroke_without_points_does_not_cost_the_line(files, tmp_path):
    strokes = made.strokes_for(made.TEXTS["a01-000u"][0])
    files[made.line_path("a01-000u-01")] = made.line_xml([[], *strokes, []])
    assert len(prepare(files, tmp_path).corpus) == 16


def test_missing_and_unreadable_transcriptions(files, tmp_path):
    files[made.text_path("a01-000u")] = b"CSR:\nAda waters the # garden\nand counts %%%%%% the tall plants\n"
    files[made.text_path("c03-005")] = b"CSR:\nPlease Enter Transcription here"
    del files[made.text_path("b02-010z")]
    prepared = prepare(files, tmp_path)
    assert rules(prepared) == {
        "a01-000u-01": "unreadable word",
        "a01-000u-02": "unreadable word",
        "a01-000u-03": "no text",
        "a01-000u-04": "no text",
        "b02-010z-01": "no text",
        "b02-010z-02": "no text",
        "b02-010z-03": "no text",
        "b02-010z-04": "no text",
        "c03-005-01": "text and ink differ",
        "c03-005-02": "no text",
        "c03-005-03": "no text",
        "c03-005-04": "no text",
    }
    assert len(prepared.corpus) == 4
    kept = prepare(files, tmp_path / "kept", CleaningOptions(unreadable=False, misfit=0))
    assert "a01-000u-01" in kept.corpus.names


def test_text_that_cannot_be_what_the_ink_says(files, tmp_path):
    texts = list(made.TEXTS["a01-020"])
    files[made.text_path("a01-020")] = "\n".join(["CSR:", texts[0], "care", *texts[2:]]).encode()
    prepared = prepare(files, tmp_path / "short")
    assert rules(prepared) == {"a01-020-02": "text and ink differ"}
    files[made.text_path("a01-020")] = "\n".join(["CSR:", texts[0], 3 * texts[1], *texts[2:]]).encode()
    assert rules(prepare(files, tmp_path / "long")) == {"a01-020-02": "text and ink differ"}
    assert rules(prepare(files, tmp_path / "kept", CleaningOptions(misfit=0))) == {}


def test_a_form_that_says_it_is_another_gives_no_writer(files, tmp_path):
    files[made.form_path("a01-000u")] = made.form_xml("a01-999z", "10009")
    files[made.form_path("a01-020")] = b"<Session><General/><StrokeSet/></Session>"
    files[made.form_path("b02-010z")] = b"not XML"
    files[made.form_path("c03-005")] = made.form_xml("c03-005", "10004")[:200]  # breaks off after the form
    prepared = prepare(files, tmp_path)
    writers = {n[:7]: w for n, w in zip(prepared.corpus.names, prepared.corpus.writers, strict=True)}
    assert writers == {"a01-000": "", "a01-020": "", "b02-010": "", "c03-005": "10004"}
    assert rules(prepared) == {
        made.form_path("a01-000u"): "form id",
        made.form_path("a01-020"): "no writer",
        made.form_path("b02-010z"): "not XML",
    }
    assert len(prepared.corpus) == 16


def test_a_line_with_a_step_too_long_for_the_file_is_rejected_alone(files, tmp_path):
    far = [*made.strokes_for(made.TEXTS["a01-020"][0]), [(900_000, 2000)]]
    files[made.line_path("a01-020-01")] = made.line_xml(far)
    assert rules(prepare(files, tmp_path, CleaningOptions(misfit=0))) == {"a01-020-01": "step too long"}


def test_second_files_and_strange_names_are_ignored_and_named(files, tmp_path):
    strokes = made.strokes_for("another text in front")
    second = made.member(made.line_path("a01-020-01"), made.line_xml(strokes))
    junk = made.member("lineStrokes/a01/._a01-020-01.xml", b"junk")
    prepared = prepare(files, tmp_path, lineStrokes=[second, junk])
    assert rules(prepared) == {junk[0].name: "ignored", made.line_path("a01-020-01"): "ignored"}
    i = prepared.corpus.names.index("a01-020-01")
    assert prepared.corpus.lengths()[i] == sum(map(len, strokes))


def test_lines_of_no_split_are_kept_and_told(files, tmp_path):
    files["testset_f.txt"] = b""
    prepared = prepare(files, tmp_path)
    assert prepared.counts[""] == {"read": 4, "kept": 4} and "in no split" in prepared.table()


def test_nothing_to_prepare_is_a_clear_error(files, tmp_path):
    for path in files:
        if path.startswith("lineStrokes"):
            files[path] = b"junk"
    with pytest.raises(InputError, match=r"no line to prepare \(16 lines read; 16 x not XML\)"):
        prepare(files, tmp_path)


def test_what_is_not_there_is_named(files, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        iam.prepare(tmp_path / "nowhere")
    with pytest.raises(InputError, match="split files"):
        iam.prepare(tmp_path)
    made.write_archives(files, tmp_path)
    (tmp_path / "lineStrokes-all.tar.gz").unlink()
    with pytest.raises(InputError, match=r"neither lineStrokes-all\.tar\.gz nor the folder lineStrokes"):
        iam.prepare(tmp_path)
    (tmp_path / "trainset.txt").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(InputError, match=r"trainset\.txt: row 1"):
        iam.prepare(tmp_path)


# -- broken archives ------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.7, 0.98])
def test_of_a_truncated_archive_everything_before_the_break_is_kept(keep, files, tmp_path):
    root = made.write_archives(files, tmp_path)
    path = root / "lineStrokes-all.tar.gz"
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    whole = [p[-15:-4].split("/")[-1] for p in files if p.startswith("lineStrokes")]
    data = iam.read(root)
    assert [r.name for r in data.broken] == ["lineStrokes-all.tar.gz"]
    names = [line.name for line in data.lines]
    assert names == whole[: len(names)]
    assert len(names) >= {0.0: 0, 0.3: 2, 0.7: 8, 0.98: 14}[keep]
    if names:
        assert iam.prepare(root, PLAIN).remarks[0].rule == "broken archive"
    else:
        with pytest.raises(InputError, match=r"lineStrokes-all\.tar\.gz is broken"):
            iam.prepare(root, PLAIN)


def test_an_archive_cut_between_members_is_known_to_be_cut(files, tmp_path):
    root = made.write_archives(files, tmp_path)
    members = [made.member(p, c) for p, c in files.items() if p.startswith("lineStrokes")]
    plain = made.archive(members, "w")
    end = plain.rindex(b"lineStrokes/")  # the header of the last member
    (root / "lineStrokes-all.tar.gz").write_bytes(plain[:end])
    data = iam.read(root)
    assert len(data.lines) == 15 and len(data.broken) == 1


_SMALL = made.archive([made.member(p, c) for p, c in made.data_set().items() if "s/a01/a01-000/" in p], "w")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(_SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_no_damage_makes_reading_fail(tmp_path_factory, damage):
    content = bytearray(_SMALL)
    for position, value in damage:
        content[position % 2048 if value % 2 else position] = value  # headers are the sore spot
    path = tmp_path_factory.mktemp("damaged") / "x.tar"
    path.write_bytes(content)
    data = iam.Dataset()
    for _, file in archives.archive_files(path, data.remarks, data.broken):
        with contextlib.suppress(iam.RejectedError):
            iam.parse_line(file)


# -- hostile files --------------------------------------------------------------------------------

_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l0 "ha">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    + "]>"
)
_BODY = (
    '<Session><General><Form id="{0}" writerID="{0}"/></General>'
    '<StrokeSet><Stroke><Point x="{0}" y="1"/><Point x="5" y="9"/></Stroke></StrokeSet>{0}</Session>'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("parse", [iam.parse_line, iam.parse_writer])
def test_billion_laughs(parse, encoding):
    bomb = (_LAUGHS + _BODY.format("&l11;")).replace("1.0", f'1.0" encoding="{encoding}', 1)
    with pytest.raises(iam.RejectedError):
        parse(bomb.encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("parse", [iam.parse_line, iam.parse_writer])
def test_external_entities_are_not_read(parse, encoding, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("77777")
    for declared in (
        f'<!DOCTYPE a [<!ENTITY s SYSTEM "{secret.as_uri()}">]>',
        f'<!DOCTYPE a SYSTEM "{secret.as_uri()}">',
        f'<!DOCTYPE a [<!ENTITY % p SYSTEM "{secret.as_uri()}"> %p;]>',
    ):
        xml = f'<?xml version="1.0" encoding="{encoding}"?>{declared}' + _BODY.format("&s;")
        with pytest.raises(iam.RejectedError) as caught:
            parse(xml.encode(encoding))
        assert "77777" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("parse", [iam.parse_line, iam.parse_writer])
def test_any_document_type_is_rejected(parse, encoding):
    xml = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a>' + _BODY.format("7")
    with pytest.raises(iam.RejectedError, match="document type"):
        parse(xml.encode(encoding))
    assert parse(xml.replace("<!DOCTYPE a>", "").encode(encoding)) is not None


def test_a_line_with_a_document_type_is_counted_and_named(files, tmp_path):
    xml = files[made.line_path("a01-000u-01")]
    declared = xml.replace(b"<WhiteboardCapture", b"<!DOCTYPE a><WhiteboardCapture", 1)
    files[made.line_path("a01-000u-01")] = declared
    assert rules(prepare(files, tmp_path)) == {"a01-000u-01": "document type"}


def test_deep_xml_is_no_crash():
    with pytest.raises(iam.RejectedError, match="not XML"):
        iam.parse_line(b"<a>" * 1000 + b"</a>" * 1000)


def test_members_that_point_outside_are_refused(files, tmp_path):
    line = files[made.line_path("a01-000u-01")]
    outside = tmp_path / "outside.xml"
    outside.write_bytes(line)
    inside = "lineStrokes/d04/d04-000/d04-000-0{}.xml"
    hostile = [
        made.member("../../d04-000-01.xml", line),
        made.member("lineStrokes/../../../d04-000-02.xml", line),
        made.member(f"{tmp_path}/d04-000-03.xml", line),
        made.member("..\\d04-000-04.xml", line),
        made.member(inside.format(5), type=tarfile.SYMTYPE, linkname=str(outside)),
        made.member(inside.format(6), type=tarfile.LNKTYPE, linkname=made.line_path("a01-000u-01")),
        made.member(inside.format(7), type=tarfile.FIFOTYPE),
        made.member(inside.format(8), type=tarfile.CHRTYPE, devmajor=1, devminor=5),
    ]
    before = set(tmp_path.rglob("*"))
    prepared = prepare(files, tmp_path / "root", lineStrokes=hostile)
    assert len(prepared.corpus) == 16
    assert rules(prepared) == {f"lineStrokes-all.tar.gz: {info.name}": "refused" for info, _ in hostile}
    unpacked = {p for p in tmp_path.rglob("*") if p.suffix == ".xml"} - before
    assert not unpacked and not (tmp_path.parent / "d04-000-01.xml").exists()


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, b"Z"])
def test_a_header_that_points_back_does_not_loop(kind, files, tmp_path):
    root = made.write_archives(files, tmp_path)
    info, content = made.member(made.line_path("d04-000-01"), b"x" * 600, type=kind)
    lines = [made.member(p, c) for p, c in files.items() if p.startswith("lineStrokes/a01")]
    plain = made.archive(lines, "w").rstrip(b"\0")
    plain += bytes(-len(plain) % 512)
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = (-512 % 256**12).to_bytes(12, "big")  # a size below 0, as GNU tar spells it: itself
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (root / "lineStrokes-all.tar").write_bytes(plain + header + content + bytes(10240))
    (root / "lineStrokes-all.tar.gz").unlink()
    data = iam.read(root)
    assert len(data.lines) == 8 and [r.name for r in data.broken] == ["lineStrokes-all.tar"]
    assert len(data.remarks) <= 1


def test_bombs_are_not_unpacked(files, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_FILE_LIMIT", 2**20)
    bomb = made.member("lineStrokes/d04/d04-000/d04-000-01.xml", bytes(2**20 + 1))
    prepared = prepare(files, tmp_path / "member", lineStrokes=[bomb])
    assert rules(prepared) == {f"lineStrokes-all.tar.gz: {bomb[0].name}": "refused"}
    assert len(prepared.corpus) == 16
    folders = made.write_folders({**files, bomb[0].name: bomb[1]}, tmp_path / "folders")
    assert rules(iam.prepare(folders, PLAIN)) == {bomb[0].name: "refused"}

    header = made.member("lineStrokes/x", b"", pax_headers={"comment": "x" * (2**20 + 1)})
    prepared = iam.read(made.write_archives(files, tmp_path / "header", {"lineStrokes": [header]}))
    assert prepared.broken and not prepared.lines

    monkeypatch.setattr(archives, "_MEMBER_LIMIT", 10)
    data = iam.read(made.write_archives(files, tmp_path / "many"))
    assert len(data.lines) == 10 and [r.name for r in data.broken] == ["lineStrokes-all.tar.gz"]
    monkeypatch.setattr(archives, "_MEMBER_LIMIT", 10**6)
    monkeypatch.setattr(archives, "_ARCHIVE_LIMIT", 2**14)
    data = iam.read(made.write_archives(files, tmp_path / "long"))
    assert 0 < len(data.lines) < 16 and "unpacks to more than" in data.broken[-1].detail


def test_what_is_no_regular_file_in_a_folder_is_refused(files, tmp_path):
    root = made.write_folders(files, tmp_path)
    os.mkfifo(root / "lineStrokes/d04-000-01.xml")
    (root / "lineStrokes/d04-000-02.xml").symlink_to(tmp_path / "nowhere")
    prepared = iam.prepare(root, PLAIN)
    assert rules(prepared) == {f"lineStrokes/d04-000-0{n}.xml": "refused" for n in (1, 2)}


def test_a_report_has_one_row_a_remark_whatever_names_hold(files, tmp_path):
    odd = made.member("lineStrokes/a\tb\n\x1b[31m/../c", b"x")
    prepared = prepare(files, tmp_path, lineStrokes=[odd])
    rows = prepared.save(tmp_path / "c.npz").read_text().splitlines()
    assert len(rows) == 2 and all(r.count("\t") == 2 for r in rows) and "\x1b" not in rows[1]


# -- the real data set ----------------------------------------------------------------------------


def real_root() -> Path | None:
    """The folder that STROKES_IAM names, or the place this project's own machines have it in."""
    root = Path(os.environ.get("STROKES_IAM") or Path(__file__).parents[2] / "../shared/data/iam-ondb")
    return root if (root / "lineStrokes-all.tar.gz").is_file() else None


@pytest.fixture(scope="session")
def real() -> iam.Prepared:
    root = real_root()
    if root is None:
        pytest.skip("IAM-OnDB is not here: name its folder in STROKES_IAM")
    return iam.prepare(root)


def test_real_splits_and_rejections(real):
    read = {split: count["read"] for split, count in real.counts.items()}
    assert read == {"trainset": 5364, "testset_v": 1438, "testset_t": 1518, "testset_f": 3859, "": 16}
    total = sum(real.counts.values(), start=type(real.counts["trainset"])())
    rejected = {"unreadable word": 90, "no text": 8, "text and ink differ": 5}
    assert total == {"read": 12195, "kept": 12092, **rejected} and real.corpus.rejected == rejected
    wrong = {r.name for r in real.remarks if r.rule == "text and ink differ"}
    assert {"z01-000z-01", "z00-001-01", "l07-851z-08", "a02-120-02"} <= wrong
    assert sum(r.rule == "form id" for r in real.remarks) == 9 and not real.broken


def test_real_lines_are_level_with_their_points_and_sizes(real):
    corpus = real.corpus
    lines = [corpus.line(i) for i in range(0, len(corpus), 97)]
    slopes = np.abs([line_slope(line.ink) for line in lines])
    assert np.median(slopes) < 2e-4 and slopes.max() < 0.02
    assert 20 < np.median([line.ink.point_count / len(line.text) for line in lines]) < 23
    sizes = [line.ink.points[:, 1].std() for line in lines]
    assert max(sizes) / min(sizes) > 2
    # Of whole lines, a subsampled one has nearly the same spread; of a word of 20 points it may differ by 11 %.
    kept = [subsample(line.ink, 2).points[:, 1].std() / size for line, size in zip(lines, sizes, strict=True)]
    assert np.percentile(kept, 1) > 0.98 and np.percentile(kept, 98) < 1.07
    assert min(kept) > 0.93 and max(kept) < 1.12
    assert not any("  " in t or " ," in t.replace(" ,,", "") or t != t.strip() for t in corpus.texts)
    assert set("Xx0123456789KQVZ") <= set(corpus.alphabet.characters)
    assert not set("#%@&*") & set(corpus.alphabet.characters)
