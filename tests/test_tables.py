"""Tables as people have them, templates, and names of files."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strokes.files import InputError
from strokes.tables import Template, parse_table, read_text_file, safe_name


def values(text: str) -> list[list[str]]:
    table = parse_table(text, "rows.csv")
    return [list(table.columns), *(list(row.fields.values()) for row in table.rows)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@given(
    rows=st.lists(
        st.lists(
            st.text(st.characters(exclude_characters="\0\r", codec="utf-8"), max_size=8),
            min_size=3,
            max_size=3,
        ),
        max_size=5,
    )
)
def test_what_csv_writes_is_read(delimiter, rows):
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows([["name", "gift, or so", "place"], *rows])
    full = [row for row in rows if any(field.strip() for field in row)]
    assert values(file.getvalue()) == [["name", "gift, or so", "place"], *full]


def test_delimiters_are_taken_from_the_header():
    assert values("a;b\n1,5;2\n") == [["a", "b"], ["1,5", "2"]]
    assert values('"last, first";b\nx;y\n')[0] == ["last, first", "b"]
    assert values("name\na, b\n\n") != []
    assert values("only\none\ntwo\n") == [["only"], ["one"], ["two"]]


def test_line_breaks_in_fields_and_the_lines_of_rows():
    table = parse_table('\n\na,b\n"x\ny",1\n\n z,2\n', "t.csv")
    assert [(row.number, row.line, row.fields["a"]) for row in table.rows] == [(0, 4, "x\ny"), (1, 7, " z")]


def test_rows_of_another_length_are_told_and_bad_tables_refused():
    table = parse_table("a,b\n1\n1,2,3\n1,2\n", "t.csv")
    assert [bool(row.problem) for row in table.rows] == [True, True, False]
    assert "1 fields and the header has 2" in table.rows[0].problem
    for text, says in (
        ("", "no header"),
        ("\n \n", "no header"),
        ("a,,c\n", "column 2 has no name"),
        ("a,a\n", "two columns"),
        ('a,b\n1,"2\n', "line 2 cannot be read as CSV"),
    ):
        with pytest.raises(InputError, match=says):
            parse_table(text, "t.csv")


def test_files_with_and_without_a_byte_order_mark(tmp_path):
    path = tmp_path / "t.csv"
    for data in ("é,b".encode(), "é,b".encode("utf-8-sig")):
        path.write_bytes(data)
        assert read_text_file(path) == "é,b"
    path.write_bytes("é".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        read_text_file(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_text_file(tmp_path / "none")
    with pytest.raises(InputError, match="more than"):
        read_text_file(path, 0)


def test_templates_are_filled():
    template = Template("Dear { first  name },\n{{not}} [[red]]{gift}[[/]] {gift}", "t.txt")
    assert template.fields == ("first name", "gift")
    assert template.fill({"first name": " Ada ", "gift": "{x}"}) == "Dear Ada,\n{not} [[red]]{x}[[/]] {x}"
    template.check(parse_table("gift,first name\n", "r.csv"))
    with pytest.raises(InputError, match="r.csv has no column 'first name'; it has gift"):
        template.check(parse_table("gift\n", "r.csv"))
    for text in ("a { b", "a\n}", "{a{b}}"):
        with pytest.raises(InputError, match="brace stands alone"):
            Template(text, "t.txt")


@given(st.text(max_size=200))
def test_names_of_files_are_safe(text):
    name = safe_name(text)
    assert name == safe_name(name) or not name
    assert (
        not set(name) & set('/\\:*?"<>|\0\n ')
        and not name.startswith((".", "-"))
        and len(name.encode()) <= 81
    )


def test_names_stay_readable():
    assert safe_name(" Zoë  Müller / Söhne ") == "Zoë-Müller-_-Söhne"
    assert safe_name("../../etc/passwd") == "etc_passwd"
    assert safe_name("CON") == "_CON" and safe_name("...") == ""
