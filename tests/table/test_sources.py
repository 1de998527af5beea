"""Sources as they come: encodings, layouts, whole numbers with gaps, databases, options."""

from __future__ import annotations

import datetime
import hashlib
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import toolkit
from toolkit.cli.app import app
from toolkit.cli.guarded import call
from toolkit.errors import DataError, ToolkitError
from toolkit.table import detect, infer_columns, inspect, read_source

ROWS = [f"{i % 7},{i * 1.5},{'ab'[i % 2]}" for i in range(60)]
TABLE = "x,z,y\n" + "\n".join(ROWS) + "\n"


def _file(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _frame(path: Path | str, **given: Any) -> pd.DataFrame:
    return read_source(detect(path, **given), Path.cwd()).frame


def _error(folder: Path, content: str | bytes, **given: Any) -> str:
    path = _file(folder, content)
    with pytest.raises(ToolkitError) as caught:
        toolkit.new(path, "y", folder / "p", **given)
    assert not (folder / "p").exists(), "nothing half-made is left behind"
    assert "\n" not in caught.value.line()
    return caught.value.line()


# -- encodings ---------------------------------------------------------------------------

_WORDS = {
    "cp1252": ["Zürich", "Málaga", "Besançon", "Århus", "Öland", "Coruña", "Göttingen"],
    "cp1250": ["Łódź", "Kraków", "Gdańsk", "Częstochowa", "Świdnica", "Zamość", "Żywiec"],
    "iso8859-2": ["Plzeň", "České Budějovice", "Šumperk", "Žďár", "Hradec Králové", "Třebíč"],
    "cp1251": ["Казань", "Пермь", "Самара", "Воронеж", "Омск", "Тула"],
    "koi8-r": ["Ярославль", "Тверь", "Курск", "Рязань", "Псков", "Сочи"],
    "cp1253": ["Αθήνα", "Πάτρα", "Ηράκλειο", "Λάρισα", "Βόλος", "Ιωάννινα"],
    "cp1254": ["Eskişehir", "Muğla", "Iğdır", "Kırşehir", "Şanlıurfa", "Çanakkale", "Ağrı"],
    "mac-roman": ["Münster", "Orléans", "Köln", "Sète", "Würzburg", "Angoulême"],
    "cp850": ["Tübingen", "Nürnberg", "Böblingen", "Lübeck", "Görlitz", "Fürth"],
    "gb18030": ["杭州市", "广东省", "成都", "北京市朝阳区", "上海", "男性"],
    "cp932": ["札幌市", "さいたま", "トヨタ自動車", "横浜", "名古屋", "カタログ"],
    "euc-jp": ["ひらがな", "カタカナ", "東京都", "大阪府", "ソニー", "りんご"],
    "cp949": ["서울특별시", "부산", "대구광역시", "인천", "경기도", "제주도"],
    "big5": ["臺北市", "高雄市", "新竹縣", "臺中市", "花蓮縣", "基隆市"],
}


@pytest.mark.parametrize("encoding", _WORDS)
def test_legacy_encodings_by_their_words(tmp_path: Path, encoding: str) -> None:
    words = _WORDS[encoding]
    text = "city,n\n" + "\n".join(f"{words[i % len(words)]},{i}" for i in range(60)) + "\n"
    assert _frame(_file(tmp_path, text.encode(encoding)))["city"].unique().tolist() == words


_CAPITALS = {
    "cp1251": ["РЯЗАНЬ", "ТУЛА", "ОМСК", "СОЧИ"],
    "cp1253": ["ΣΕΡΡΕΣ", "ΚΟΖΑΝΗ", "ΧΑΛΚΙΔΑ", "ΔΡΑΜΑ"],
    "cp1254": ["İZNİK", "KIRŞEHİR", "DİDİM", "BİTLİS"], "cp1250": ["BIAŁYSTOK", "GŁOGÓW", "ŁOWICZ"],
    "cp1252": ["LÜBECK", "JÜLICH", "MÖLLN", "KÖTHEN"],
    "latin-1": ["PARANÁ", "SÃO LUÍS", "MACEIÓ", "JOÃO PESSOA"],
}  # fmt: skip


@pytest.mark.parametrize("encoding", _CAPITALS)
def test_words_in_capitals(tmp_path: Path, encoding: str) -> None:
    words = _CAPITALS[encoding]
    text = "city,n\n" + "\n".join(f"{words[i % len(words)]},{i}" for i in range(60)) + "\n"
    assert _frame(_file(tmp_path, text.encode(encoding)))["city"].unique().tolist() == words


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1250", ["Plzeň", "Kolín", "Děčín"]), ("cp850", ["Ærø", "Ålborg", "Køge"]),
        ("cp1250", ["ŐRIMAGYARÓSD", "TÖRÖK", "GÖNYŰ"]), ("cp1250", ["źródło", "śruba", "kosz"]),
        ("cp1254", ["Iğdır", "İnegöl", "Ağrı"]), ("cp1252", ["he’s", "isn’t", "we’ll"]),
    ],
)  # fmt: skip
def test_three_words_are_read_right_or_said(
    tmp_path: Path, encoding: str, words: list[str]
) -> None:
    text = "city,n\n" + "\n".join(f"{words[i % 3]},{i}" for i in range(60)) + "\n"
    path = _file(tmp_path, text.encode(encoding))
    data, checks = inspect(path)
    right = read_source(data, tmp_path).frame["city"].unique().tolist() == words
    assert right or any(check.severity == "warning" for check in checks)


@pytest.mark.parametrize("cell", ["6 µg/m³", "1\xa0200,5", "§ 4", "80 °C", "7 ± 1", "½"])
def test_signs_alone_take_the_usual_encoding(tmp_path: Path, cell: str) -> None:
    rows = "\n".join(f"{cell};{i}" for i in range(60))
    data, checks = inspect(_file(tmp_path, f"x;n\n{rows}\n".encode("cp1252")))
    assert data.encoding == "cp1252"
    assert not [check for check in checks if check.severity == "warning"]


@pytest.mark.parametrize(
    ("encoding", "cell"),
    [
        ("cp1252", "7 µm"), ("cp1252", "12 ft³"), ("cp1252", "¼"), ("cp1252", "Ø 35"),
        ("cp1252", "€ 9"), ("cp1252", "30 °C"), ("cp1252", "prix (€)"), ("cp1252", "m²"),
        ("cp1252", "± 2"), ("cp1252", "Größe"), ("cp1250", "Żółć"), ("cp1250", "Wałbrzych"),
        ("mac-roman", "Straße"), ("cp850", "Müller"), ("iso8859-15", "cœur"),
        ("cp1251", "Екатеринбург"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["cell", "header"])
def test_one_cell_decides_an_encoding(tmp_path: Path, encoding: str, cell: str, place: str) -> None:
    text = f"x,y\n{cell},1\nplain,2\n" if place == "cell" else f"{cell},y\nplain,1\nplain,2\n"
    frame = _frame(_file(tmp_path, text.encode(encoding)))
    assert (frame.iloc[0, 0] if place == "cell" else frame.columns[0]) == cell


def test_a_tie_of_encodings_is_a_warning_with_both_readings(tmp_path: Path) -> None:
    _, checks = inspect(_file(tmp_path, "x,y\nMuğla,1\nDağ,2\n".encode("cp1254")))
    (check,) = [check for check in checks if check.name == "Encoding"]
    assert check.severity == "warning"
    assert "'Muğla'" in check.message
    assert "'Muðla'" in check.message
    assert "--encoding" in check.remedy


def test_a_long_file_in_a_legacy_encoding_is_no_warning(tmp_path: Path) -> None:
    rows = "\n".join(f"{word},{i}" for i, word in enumerate(_WORDS["cp1252"] * 9))
    _, checks = inspect(_file(tmp_path, f"city,n\n{rows}\n".encode("cp1252")))
    assert [check.severity for check in checks] == ["info"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_wide_unicode_with_and_without_a_mark(tmp_path: Path, encoding: str) -> None:
    text = "名前,größe\n" + "東京,1\nKøge,2\n" * 5
    frame = _frame(_file(tmp_path, text.encode(encoding)))
    assert list(frame.columns) == ["名前", "größe"]
    assert frame.iloc[:2, 0].tolist() == ["東京", "Køge"]


# -- where the table lies ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "line"),
    [
        ("Sales of the year\n\n", 3), ("Sales,,\nby region,,\n", 3), ("# made by hand\n", 2),
        ("# made, by hand\n# second\n", 3), ("\n\nExport\n", 4), ('"Two, words"\n', 2),
        ("sep=,\n", None), ("", None), ("\n\n", None),
    ],
)  # fmt: skip
def test_lines_above_the_header(tmp_path: Path, before: str, line: int | None) -> None:
    data, checks = inspect(_file(tmp_path, before + TABLE))
    assert data.header_row == line
    assert any(check.name == "Lines above the header" for check in checks) == (line is not None)
    frame = read_source(data, tmp_path).frame
    assert list(frame.columns) == ["x", "z", "y"]
    assert len(frame) == 60


@pytest.mark.parametrize(
    ("after", "rows", "said"),
    [
        ("Total,812,\n", 60, True), ("Summe;;\n".replace(";", ","), 60, True),
        ("\n(60 rows affected)\n", 60, True), ("60 rows selected.\n", 60, True),
        ("Source: the office of numbers\n", 60, True), (",,\n,,\n", 60, True),
        ("5,1.5,a\n", 61, False), ("x,z,y\n5,1.5,a\n", 61, True),
    ],
)  # fmt: skip
def test_rows_that_are_none_are_left_out_and_said(
    tmp_path: Path, after: str, rows: int, said: bool
) -> None:
    raw = read_source(detect(_file(tmp_path, TABLE + after)), tmp_path)
    assert len(raw.frame) == rows
    assert bool(raw.checks) == said


@pytest.mark.parametrize("units", ["cm,kg,", "[cm],[kg],", "°C,%,label", "float,double,string"])
def test_a_row_of_units_is_left_out(tmp_path: Path, units: str) -> None:
    raw = read_source(detect(_file(tmp_path, f"x,z,y\n{units}\n" + "\n".join(ROWS))), tmp_path)
    assert len(raw.frame) == 60
    assert raw.frame["z"].tolist()[:2] == ["0.0", "1.5"]
    assert [check.name for check in raw.checks] == ["Units in the table"]


@pytest.mark.parametrize("first", ["unknown,1.5,a", ",,a", "n/a,2.5,b", "-,3,a"])
def test_a_first_row_of_gaps_is_a_row(tmp_path: Path, first: str) -> None:
    raw = read_source(detect(_file(tmp_path, f"x,z,y\n{first}\n" + "\n".join(ROWS))), tmp_path)
    assert len(raw.frame) == 61
    assert not raw.checks


@pytest.mark.parametrize("mark", ["~", "^", "#", ":", " ", "\x01", "\x1f", "!"])
def test_unusual_delimiters(tmp_path: Path, mark: str) -> None:
    frame = _frame(_file(tmp_path, TABLE.replace(",", mark)))
    assert frame.shape == (60, 3)


def test_rows_of_one_field_more_than_the_header(tmp_path: Path) -> None:
    named = "\n".join(f"row{i},{row}" for i, row in enumerate(ROWS))
    frame = _frame(_file(tmp_path, "x,z,y\n" + named))
    assert frame["y"].tolist()[:2] == ["a", "b"]
    ended = "\n".join(f"{row}," for row in ROWS)
    frame = _frame(_file(tmp_path, "x,z,y\n" + ended))
    assert frame["y"].tolist()[:2] == ["a", "b"]


def test_years_may_be_names(tmp_path: Path) -> None:
    rows = "\n".join(f"{'ab'[i % 2]},{i % 5},{i % 7}" for i in range(60))
    _, checks = inspect(_file(tmp_path, "y,1998,1999\n" + rows))
    assert not checks


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("\n".join(ROWS), ["looks like a row", "--header-row 0"]),
        ("\n".join(f"{'pq'[i % 2]},{'rs'[i % 2]},{'tu'[i % 2]}" for i in range(60)),
         ["looks like a row", "--header-row 0"]),
        ("Station,North\nHeight,12\n" + "\n".join(f"k{i},{i}" for i in range(3)) + "\nx,y\n"
         + "\n".join(f"{i},{'ab'[i % 2]}" for i in range(60)), ["line 6 holds it", "row 6"]),
        ("<html><body>Moved</body></html>", ["HTML"]),
        ("\n  <!DOCTYPE HTML>\n<p>Sign in</p>", ["HTML"]),
        ('{"rows": [{"x": 1}]}', ["JSON", "read_json"]),
        ('[\n {"x": 1, "y": "a"}]', ["JSON"]),
        ('<?xml version="1.0"?><rows/>', ["XML"]),
        ("% remark\n@relation wine\n@attribute x real\n@data\n1\n", ["ARFF"]),
        (b"%PDF-1.7\n%\xe2\xe3", ["PDF"]), (b"ORC\x0a\x03", ["ORC"]),
        (b"ARROW1\0\0", ["Feather"]), (b"SQLite format 3\0" + bytes(90), ["sqlite:///"]),
        (b"version https://git-lfs.github.com/spec/v1\noid x\n", ["git lfs pull"]),
        (b"\xd0\xcf\x11\xe0" + bytes(500) + "EncryptedPackage".encode("utf-16-le"), ["password"]),
        (bytes(257) + b"ustar" + bytes(300), ["tar archive"]),
        (TABLE.replace(",", "::"), ["'::'"]), (TABLE.replace(",", "||"), ["'||'"]),
        ("\n".join(f"{a:<9}{b:<9}{c}" for a, b, c in (r.split(",") for r in TABLE.split())),
         ["fixed width", "read_fwf"]),
        (TABLE[:300] + "\0" + TABLE[300:], ["NUL", "line"]),
        (TABLE.replace("3,4.5,b", '"3,4.5,b', 1), ["line 5", "quote"]),
        (TABLE.replace("3,4.5,b", '3,4.5,"b', 1), ["line 5", "quote"]),
        (TABLE.replace("3,4.5,b", "3,4.5,b,c", 1), ["line 5", "4 fields", "expected 3"]),
        (TABLE.replace("3,4.5,b", "3", 1), ["line 5", "1 field"]),
        (TABLE + "1,2\n", ["line 62", "2 fields"]),
    ],
)  # fmt: skip
def test_a_remedy_points_to_the_cause(
    tmp_path: Path, content: str | bytes, words: list[str]
) -> None:
    line = _error(tmp_path, content)
    assert str(tmp_path) in line
    for word in words:
        assert word in line


def test_an_open_quote_swallows_no_row_in_silence(tmp_path: Path) -> None:
    text = "name,x,y\n" + "\n".join(f'"n {i}",{i},{"ab"[i % 2]}' for i in range(60))
    assert "line 9" in _error(tmp_path, text.replace('"n 7",7', '"n 7,7'))
    whole = text.replace('"n 7"', '"n 7\nits second line, with a comma"')
    assert len(_frame(_file(tmp_path, whole))) == 60


# -- options -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "given", "first"),
    [
        ("größe,y\n1,a\n2,b\n".encode("cp1252"), {"encoding": "cp1252"}, ["größe", "y"]),
        ("x\ty\n1\ta\n", {"delimiter": "\\t"}, ["x", "y"]),
        ("x\ty\n1\ta\n", {"delimiter": "tab"}, ["x", "y"]),
        ("a,b;c\n1,2;3\n", {"delimiter": ";"}, ["a,b", "c"]),
        ("t\nu,v\nx,y\n1,a\n", {"header_row": 3}, ["x", "y"]),
        ("1,a\n2,b\n", {"header_row": 0}, ["column 1", "column 2"]),
    ],
)
def test_options_of_reading(
    tmp_path: Path, content: str | bytes, given: dict[str, Any], first: list[str]
) -> None:
    assert list(_frame(_file(tmp_path, content), **given).columns) == first


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (["--encoding", "cp12525"], "unknown encoding 'cp12525', unlike 'cp1252'", 2),
        (["--encoding", "base64"], "unknown encoding", 2),
        (["--encoding", "utf-16"], "is not utf-16 text", 1),
        (["--delimiter", "--"], "is not one ASCII character", 2),
        (["--delimiter", "§"], "is not one ASCII character", 2),
        (["--delimiter", ";"], "the header is one field, 'x,z,y'", 1),
        (["--decimal", "'"], "expected '.' or ','", 2),
        (["--header-row", "-2"], "0 or more", 2),
        (["--header-row", "700"], "there is no line 700", 1),
        (["--header-row", "2"], "give --header-row 1", 1),
        (["--sheet", "A"], "Leave --sheet out", 1),
    ],
)
def test_options_that_cannot_be_meant(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
    code: int,
) -> None:
    source = str(_file(tmp_path, TABLE))
    new = ["new", str(tmp_path / "p"), "--data", source, "--target", "y"]
    assert call(app, [*new, *options]) == code
    line = capsys.readouterr().err
    assert line.startswith("error: ")
    assert line.count("\n") == 1
    assert words in line
    assert not (tmp_path / "p").exists()


def test_options_are_kept_in_the_project(tmp_path: Path) -> None:
    text = "made by hand, for us\n" + TABLE.replace(",", "~").replace("x~", "größe~")
    file = toolkit.new(
        _file(tmp_path, text.encode("cp850")), "y", tmp_path / "p",
        encoding="cp850", delimiter="~", header_row=2, decimal=".",
    )  # fmt: skip
    assert file.project.data.model_dump(exclude_defaults=True, exclude={"source"}) == {
        "delimiter": "~", "encoding": "cp850", "header_row": 2, "decimal": ".",
    }  # fmt: skip
    assert "größe" in read_source(file.project.data, file.folder).frame


# -- whole numbers with a gap ----------------------------------------------------------------

_WHOLE: dict[str, list[Any]] = {
    "large id": [2**60 + i for i in range(60)],
    "small id": [70000 + i for i in range(60)],
    "day": [20210101 + i % 28 for i in range(60)],
    "year": [1990 + i % 30 for i in range(60)],
    "flag": [bool(i % 2) for i in range(60)],
    "code": [i % 4 for i in range(60)],
    "postal code": [10115 + 7 * (i % 9) for i in range(60)],
}


def _kinds(frame: pd.DataFrame) -> dict[str, str]:
    columns, _, _ = infer_columns(frame, "y")
    return {name: column.type for name, column in columns.items()}


def _write(folder: Path, kind: str, table: dict[str, list[Any]]) -> tuple[str, dict[str, str]]:
    path = folder / f"{kind}.file"
    if kind == "parquet":
        pq.write_table(pa.table(table), path)
    elif kind == "excel":
        book = openpyxl.Workbook()
        book.active.append(list(table))
        for row in zip(*table.values(), strict=True):
            book.active.append(row)
        book.save(path)
    else:
        with sqlite3.connect(path) as database:
            names = ", ".join(f'"{name}" INTEGER' for name in table if name != "y")
            database.execute(f"CREATE TABLE t ({names}, y TEXT)")
            marks = ", ".join("?" for _ in table)
            database.executemany(
                f"INSERT INTO t VALUES ({marks})", zip(*table.values(), strict=True)
            )
        database.close()
        return f"sqlite:///{path}", {"query": "SELECT * FROM t"}
    return str(path), {}


@pytest.mark.parametrize("kind", ["parquet", "excel", "sql"])
def test_a_gap_changes_no_whole_number_and_no_type(tmp_path: Path, kind: str) -> None:
    whole = {name: list(values) for name, values in _WHOLE.items()}
    if kind == "excel":
        del whole["large id"]  # Excel itself keeps 15 digits
    whole["y"] = ["ab"[i % 2] for i in range(60)]
    frames = []
    for gap in (False, True):
        table = {n: [None if gap and n != "y" and i == 5 else v for i, v in enumerate(values)]
                 for n, values in whole.items()}  # fmt: skip
        folder = tmp_path / str(gap)
        folder.mkdir()
        source, options = _write(folder, kind, table)
        data = detect(source).model_copy(update=options)
        frame = read_source(data, tmp_path).frame
        for name in whole:
            assert frame[name].drop(5).tolist() == whole[name][:5] + whole[name][6:], name
        assert bool(frame["code"].isna()[5]) == gap
        frames.append(frame)
    assert _kinds(frames[0]) == _kinds(frames[1])


def test_types_of_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {
            "price": [Decimal("12.50"), None, Decimal("0.25")],
            "key": [Decimal(10**24), Decimal(10**24 + 1), None],
            "unsigned": pa.array([2**64 - 1, None, 1], pa.uint64()),
            "day": [datetime.date(2021, 5, 1), None, datetime.date(2021, 5, 3)],
            "level": pa.array(["low", None, "high"]).dictionary_encode(),
            "step": pa.array([1, None, 2]).dictionary_encode(),
            "words": [["a"], ["b"], []],
            "raw": [b"\xff\xfe", b"\x00", None],
            "text": [b"ab", b"cd", None],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    raw = read_source(detect(tmp_path / "t.parquet"), tmp_path)
    known = {name: raw.frame[name].dropna().tolist() for name in raw.frame}
    assert known == {
        "price": [12.5, 0.25], "key": [str(10**24), str(10**24 + 1)], "unsigned": [2**64 - 1, 1],
        "day": [pd.Timestamp(2021, 5, 1), pd.Timestamp(2021, 5, 3)], "level": ["low", "high"],
        "step": [1, 2], "text": ["ab", "cd"],
    }  # fmt: skip
    (check,) = raw.checks
    assert check.columns == ["words", "raw"]


# -- Excel -------------------------------------------------------------------------------------


def _sheet(sheet: Any, rows: list[list[Any]]) -> None:
    for row in rows:
        sheet.append(row)


_CELLS = [["x", "z", "y"], *[[i % 7, i * 1.5, "ab"[i % 2]] for i in range(60)]]


@pytest.mark.parametrize("ending", ["xlsx", "xlsm"])
def test_a_title_above_and_a_note_before_the_table(tmp_path: Path, ending: str) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "Read me first"
    sheet = book.create_sheet("Figures")
    _sheet(sheet, [["All figures"], [], *_CELLS, ["Total", 90, None]])
    sheet.merge_cells("A1:C1")
    book.save(tmp_path / f"t.{ending}")
    data, checks = inspect(tmp_path / f"t.{ending}")
    assert (data.sheet, data.header_row) == ("Figures", 3)
    assert {check.name for check in checks} == {"Sheet", "Lines above the header"}
    assert read_source(data, tmp_path).frame.shape == (60, 3)


def test_sheets_that_are_hidden_or_several(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    _sheet(book.active, [["k", "v"], *[[i, i] for i in range(9)]])
    book.active.sheet_state = "hidden"
    _sheet(book.create_sheet("One"), _CELLS)
    _sheet(book.create_sheet("Two"), [["p", "q"], *[[i, i] for i in range(9)]])
    book.save(tmp_path / "t.xlsx")
    assert list(_frame(tmp_path / "t.xlsx").columns) == ["x", "z", "y"]
    with pytest.raises(DataError, match=r"row 1 of the sheet 'Two' holds it: give --sheet 'Two'"):
        toolkit.new(tmp_path / "t.xlsx", "q", tmp_path / "p")
    book["One"].delete_rows(1, 99)
    book.create_sheet("Three").append(["a"])
    _sheet(book["Three"], _CELLS)
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(DataError, match=r"holds no table; expected one of 'Two', 'Three'"):
        detect(tmp_path / "t.xlsx")


def test_cells_of_excel(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    _sheet(book.active, [["zip", "share", "ratio", "on"]])
    for i in range(10):
        book.active.append([700 + i, i / 10, 1 / (i + 1), datetime.datetime(2022, 1, 1 + i)])
        book.active.cell(i + 2, 1).number_format = "00000"
        book.active.cell(i + 2, 2).number_format = "0%"
    book.active.cell(4, 3).value = "#DIV/0!"
    book.active.cell(4, 3).data_type = "e"
    book.save(tmp_path / "t.xlsx")
    raw = read_source(detect(tmp_path / "t.xlsx"), tmp_path)
    assert raw.frame["share"].tolist() == [i / 10 for i in range(10)]
    assert raw.frame["ratio"].isna().tolist() == [i == 2 for i in range(10)]
    assert raw.frame["on"].iloc[3] == pd.Timestamp(2022, 1, 4)
    assert {check.name for check in raw.checks} == {
        "Errors in cells", "Zeros that the format shows",
    }  # fmt: skip
    assert raw.frame["zip"].tolist() == [f"00{700 + i}" for i in range(10)]


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([700_000_000_000_000_021, 700_000_000_000_000_022], True), ([9.1e17, 9.2e17], True),
        ([3.25e20, 2.0], True), ([123_456_789_012_345, 7], False), ([0.5, 1e14], False),
        ([4_000_000_000_000_017, 5], False),
    ],
)  # fmt: skip
def test_excel_keeps_fifteen_digits_of_a_number(
    tmp_path: Path, numbers: list[float], said: bool
) -> None:
    frame = pd.DataFrame({"x": pd.Series(numbers * 5), "y": ["a", "b"] * 5})
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    checks = read_source(detect(tmp_path / "t.xlsx"), tmp_path).checks
    assert ("Digits that Excel does not keep" in {check.name for check in checks}) == said


def test_formulas_without_values(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    _sheet(book.active, [["x", "y"], *[[f"={i}+1", "ab"[i % 2]] for i in range(60)]])
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(DataError, match="formulas without their values"):
        _frame(tmp_path / "t.xlsx")


# -- databases -----------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shop, 100%.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE sale (at TEXT, n INTEGER, picture BLOB, y TEXT)")
        connection.executemany(
            "INSERT INTO sale VALUES (?, ?, ?, ?)",
            [("09:15 :n %s", i % 7, b"\xff\x00", "ab"[i % 2]) for i in range(60)],
        )
    connection.close()
    return path


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("DROP TABLE sale", "no query"), ("delete from sale", "no query"),
        ("UPDATE sale SET n = 0", "no query"), ("INSERT INTO sale (n) VALUES (1)", "no query"),
        ("create table other (n)", "no query"), ("PRAGMA user_version = 4", "no query"),
        ("ATTACH 'other.db' AS o", "no query"), ("VACUUM INTO 'copy.db'", "no query"),
        ("WITH q AS (SELECT 1) DELETE FROM sale", "no query"),
        ("/* x */ REPLACE INTO sale (n) VALUES (1)", "no query"),
        ("SELECT 1; DROP TABLE sale", "2 statements"), ("SELECT * FORM sale", "syntax error"),
        ("SELECT * FROM sales", "no such table: sales"), ("SELECT m FROM sale", "no such column"),
        ("SELECT * FROM sale WHERE n > 99", "returns no row"), ("-- nothing", "no query"),
        ("SELECT picture FROM sale", "no column holds single values"), (" ", "needs a query"),
    ],
)  # fmt: skip
def test_a_database_is_only_read(tmp_path: Path, database: Path, query: str, words: str) -> None:
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    with pytest.raises(DataError) as caught:
        toolkit.new(f"sqlite:///{database}", "y", tmp_path / "p", query=query)
    assert words in caught.value.line()
    assert "\n" not in caught.value.line()
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before
    assert {path.name for path in tmp_path.iterdir()} == {database.name}


@pytest.mark.parametrize(
    "query",
    [
        "SELECT n, y FROM sale", "select n, y from sale;", "-- all; of them\nSELECT n, y FROM sale",
        "WITH q AS (SELECT n, y FROM sale) SELECT * FROM q",
        "SELECT n, y FROM sale WHERE at LIKE '%:n%' AND '12:30' <> ':x' /* ? */",
        "SELECT n, y FROM sale WHERE at LIKE '%s' AND y <> 'DROP TABLE sale; --'",
        "SELECT n, y, picture FROM sale",
    ],
)  # fmt: skip
def test_queries_that_read(tmp_path: Path, database: Path, query: str) -> None:
    file = toolkit.new(f"sqlite:///{database}", "y", tmp_path / "p", query=query)
    assert list(file.project.columns) == ["n", "y"]
    assert len(read_source(file.project.data, file.folder).frame) == 60
