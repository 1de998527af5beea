"""Tables as they come: a one-line error with a remedy, or it works; never a traceback."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from support.tables import binary_frame

import toolkit
from toolkit import open_stage
from toolkit.data import intake
from toolkit.errors import DataError, ProjectError, ToolkitError


def _new(tmp_path: Path, text: str | bytes, target: str = "y", name: str = "t.csv"):
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    project = toolkit.new(file, target, tmp_path / "project")
    return project, project.checks


def _rows(n: int = 60) -> list[str]:
    return [f"{i % 7},{'yes' if i % 3 else 'no'}" for i in range(n)]


def _refused(tmp_path: Path, text: str | bytes, *words: str, target: str = "y") -> str:
    with pytest.raises(DataError) as caught:
        _new(tmp_path, text, target)
    line = caught.value.line()
    assert "\n" not in line
    for word in words:
        assert word in line
    assert not (tmp_path / "project").exists(), "nothing half-made is left behind"
    return line


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"", "empty"),
        (b"\n\n  \n", "no rows"),
        (b"x,y\n", "no row"),
        (b"x,y", "no row"),
        (b"x,y\n" + b"\n".join(f"{i},yes".encode() for i in range(60)), "at least two classes"),
        (b"x,y\n" + b"\n".join(f"{i},".encode() for i in range(60)), "none of the 60 rows"),
        (b"x,y\n" + b"\n".join(f"{i},NaN".encode() for i in range(60)), "none of the 60 rows"),
        (("x,y\n" + "\n".join(_rows(10))).encode(), "at least 40"),
        (b"x,y\n" + b"\n".join(f"{i},name {i}".encode() for i in range(150)), "different texts"),
        (b"y\n" + b"\n".join(b"ab"[i % 2 : i % 2 + 1] for i in range(60)), "no column is left"),
        (bytes(range(256)) * 8, "not a table"),
    ],
)
def test_refused_in_one_line(tmp_path: Path, text: bytes, word: str) -> None:
    _refused(tmp_path, text, word)


def test_missing_target_offers_the_nearest(tmp_path: Path) -> None:
    _refused(tmp_path, "x,outcome\n" + "\n".join(_rows()), "'outcome'", target="Outcom")


def test_missing_file_offers_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("x,y\n")
    with pytest.raises(DataError, match=r"Did you mean 'customers\.csv'"):
        toolkit.new(tmp_path / "custmers.csv", "y", tmp_path / "p")


def test_ragged_row_is_named_by_line(tmp_path: Path) -> None:
    rows = _rows()
    rows[41] = "1,2,3"
    _refused(tmp_path, "x,y\n" + "\n".join(rows), "line 43", "3 fields")
    rows[41] = "1"
    _refused(tmp_path, "x,y\n" + "\n".join(rows), "line 43", "1 field")


def test_rare_second_class(tmp_path: Path) -> None:
    rows = [f"{i % 9},{'rare' if i < 3 else 'common'}" for i in range(100)]
    _refused(tmp_path, "x,y\n" + "\n".join(rows), "'rare'", "has 3")


def test_rare_third_class_is_a_warning(tmp_path: Path) -> None:
    rows = [f"{i % 9},{'rare' if i < 3 else 'ab'[i % 2]}" for i in range(100)]
    _, checks = _new(tmp_path, "x,y\n" + "\n".join(rows))
    assert any(c.name == "Rare classes" and c.severity == "warning" for c in checks)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    file, _ = _new(tmp_path, "x,y\n" + "\n".join(_rows()))
    before = file.path.read_bytes()
    with pytest.raises(ProjectError, match="already"):
        _new(tmp_path, "x,y\n" + "\n".join(_rows()))
    assert file.path.read_bytes() == before


def test_double_and_blank_names_are_named_as_pandas_does(tmp_path: Path) -> None:
    rows = [f"{i},{i * 2},{i % 5},{'ab'[i % 2]}" for i in range(60)]
    text = "x,x,,y\n" + "\n".join(rows)
    file, checks = _new(tmp_path, text)
    assert list(file.project.columns) == list(pd.read_csv(tmp_path / "t.csv").columns)
    assert {"Column names that occur twice", "Columns without a name"} <= {c.name for c in checks}


def test_empty_and_constant_columns_are_ignored_and_said(tmp_path: Path) -> None:
    rows = [f"{i % 9},,same,{'ab'[i % 2]}" for i in range(60)]
    file, checks = _new(tmp_path, "x,nothing,one,y\n" + "\n".join(rows))
    assert file.project.columns["nothing"].role == "ignore"
    assert file.project.columns["one"].role == "ignore"
    assert {"Empty columns", "Constant columns"} <= {c.name for c in checks}


def test_names_and_values_that_yaml_or_html_could_mistake(tmp_path: Path) -> None:
    names = ["<script>alert(1)</script>", "a: b", "# c", "null", "Yes", "1.5", "größe 名前", "'\"",
             "[x]", "{y}", "tab\tinside", "emoji 🎉", "- dash", "&a", "*b", "!c", "%d", "@e", "`f",
             "no", "a.b", "trailing:", "\x85next", " "]  # fmt: skip
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.normal(size=60).round(3) for name in names})
    frame["y: #"] = ["<b>no</b>" if i % 2 else "ja, 'so' \"é\" 🎉" for i in range(60)]
    frame.to_csv(tmp_path / "t.csv", index=False)
    file = toolkit.new(tmp_path / "t.csv", "y: #", tmp_path / "p")
    expected = [name.strip() for name in names[:-1]] + ["Unnamed: 23", "y: #"]
    assert list(file.project.columns) == expected
    assert file.project.target.positive in set(frame["y: #"])
    stage = open_stage("scoping", file.path)
    assert intake(stage).rows == 60
    stage.finish()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters(tmp_path: Path, encoding: str, delimiter: str) -> None:
    words = ["Köln", "São Paulo", "Málaga", "Besançon"]
    rows = [delimiter.join([words[i % 4], str(i), "ab"[i % 2]]) for i in range(60)]
    text = "\r\n".join([delimiter.join(["stadt", "größe", "y"]), *rows])
    file, _ = _new(tmp_path, text.encode(encoding))
    assert list(file.project.columns) == ["stadt", "größe", "y"]
    stage = open_stage("scoping", file.path)
    facts = {c.name: c for c in intake(stage).columns}
    assert facts["stadt"].examples == words[:3]
    stage.finish()


def test_wrong_encoding_in_the_project_is_one_line(tmp_path: Path) -> None:
    rows = [f"Köln {i % 3},{'ab'[i % 2]}" for i in range(60)]
    file, _ = _new(tmp_path, ("x,y\n" + "\n".join(rows)).encode("cp1252"))
    file.set("data.encoding", "utf-8")
    with pytest.raises(DataError, match=r"not utf-8 text.*data\.encoding"):
        intake(open_stage("scoping", file.path))


def test_damaged_utf8_is_not_read_as_something_else(tmp_path: Path) -> None:
    rows = [f"Köln {i % 3},{'ab'[i % 2]}" for i in range(60)]
    text = ("x,y\n" + "\n".join(rows)).encode() + b"\nK\xf6ln,a\n"
    _refused(tmp_path, text, "damaged", "UTF-8")


@pytest.mark.parametrize("packed", ["gz", "bz2", "xz", "zip", "zst"])
def test_compression_by_content(tmp_path: Path, packed: str) -> None:
    frame = binary_frame(80)
    odd = tmp_path / "table.dat"
    if packed == "zst":
        with pa.CompressedOutputStream(str(odd), "zstd") as stream:
            stream.write(frame.to_csv(index=False).encode())
    else:
        frame.to_csv(tmp_path / f"t.csv.{packed}", index=False)
        (tmp_path / f"t.csv.{packed}").rename(odd)
    file = toolkit.new(odd, "churn", tmp_path / "p")
    assert len(file.project.columns) == frame.shape[1]
    intake(open_stage("scoping", file.path))


def test_broken_archive(tmp_path: Path) -> None:
    whole = gzip.compress(("x,y\n" + "\n".join(_rows(5000))).encode())
    line = _refused(tmp_path, whole[: len(whole) // 2])
    assert "t.csv" in line


def test_decimal_comma_signs_and_spelled_out_gaps(tmp_path: Path) -> None:
    rows = [
        f"{i},5;{i * 1000:,} ;{i} %;{'unknown' if i == 3 else i};{'ab'[i % 2]}".replace(",", "§")
        for i in range(60)
    ]
    text = "x;big;rate;gap;y\n" + "\n".join(rows).replace("§", ",")
    # In a table with decimal commas the point separates thousands.
    text = "\n".join(
        ";".join([a, b.replace(",", "."), *rest])
        for a, b, *rest in (line.split(";") for line in text.split("\n"))
    )
    file, checks = _new(tmp_path, text)
    types = {name: column.type for name, column in file.project.columns.items()}
    assert types == {"x": "number", "big": "number", "rate": "number", "gap": "number",
                     "y": "category"}  # fmt: skip
    stage = open_stage("scoping", file.path)
    intake(stage)
    frame = pd.read_parquet(stage.run.folder / "table.parquet")
    assert frame["x"].tolist() == [i + 0.5 for i in range(60)]
    assert frame["big"].tolist() == [i * 1000.0 for i in range(60)]
    assert frame["rate"].tolist() == [float(i) for i in range(60)]
    assert frame["gap"].isna().sum() == 1
    assert any("unknown" in check.message for check in checks)
    stage.finish()


def test_none_can_be_a_class(tmp_path: Path) -> None:
    rows = [f"{i % 9},{['None', 'Apnea', 'Insomnia'][i % 3]}" for i in range(90)]
    file, checks = _new(tmp_path, "x,y\n" + "\n".join(rows))
    assert file.project.target.task == "multiclass"
    assert any(check.name == "None as a class" for check in checks)
    stage = open_stage("scoping", file.path)
    intake(stage)
    frame = pd.read_parquet(stage.run.folder / "table.parquet")
    assert sorted(frame["y"].unique()) == ["Apnea", "Insomnia", "None"]
    stage.finish()


def test_parquet_excel_and_sql_hold_the_same(tmp_path: Path) -> None:
    import sqlalchemy

    frame = binary_frame(80).drop(columns="empty")
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_excel(tmp_path / "t.xlsx", index=False, sheet_name="people")
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/t.db")
    frame.to_sql("people", engine, index=False)
    engine.dispose()
    sources = {
        "csv": {"data": tmp_path / "t.csv"},
        "parquet": {"data": tmp_path / "t.parquet"},
        "excel": {"data": tmp_path / "t.xlsx", "sheet": "people"},
        "sql": {"data": f"sqlite:///{tmp_path}/t.db", "query": "SELECT * FROM people"},
    }
    digests = set()
    for kind, options in sources.items():
        file = toolkit.new(folder=tmp_path / kind, target="churn", **options)
        stage = open_stage("scoping", file.path)
        digests.add(intake(stage).table_digest)
        stage.finish()
    assert len(digests) == 1


def test_a_password_never_enters_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="DB_PASSWORD") as caught:
        toolkit.new("postgresql://me:geheim@host/db", "y", tmp_path / "p", query="SELECT 1")
    assert "geheim" not in caught.value.line()
    monkeypatch.delenv("NO_SUCH_SECRET", raising=False)
    with pytest.raises(DataError, match="NO_SUCH_SECRET is not set"):
        toolkit.new("postgresql://me:${NO_SUCH_SECRET}@h/db", "y", tmp_path / "p", query="SELECT 1")


@pytest.mark.slow
def test_wide_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 1500)).round(4)).rename(columns=lambda i: f"v{i}")
    frame["y"] = rng.choice(["a", "b"], 200)
    frame.to_csv(tmp_path / "t.csv", index=False)
    file = toolkit.new(tmp_path / "t.csv", "y", tmp_path / "p")
    checks = file.checks
    assert len(file.project.features()) == 1500
    assert len(checks) < 20


def test_a_changed_source_is_held_against_the_project(tmp_path: Path) -> None:
    text = "x,z,y\n" + "\n".join(f"{i % 9},{i % 4},{'ab'[i % 2]}" for i in range(60))
    file, _ = _new(tmp_path, text)
    source = tmp_path / "t.csv"

    def line(changed: str) -> str:
        source.write_text(changed)
        stage = open_stage("scoping", file.path)
        with pytest.raises(ToolkitError) as caught:
            intake(stage)
        stage.fail(caught.value)
        return caught.value.line()

    assert "Did you mean 'zz'" in line(text.replace("x,z,y", "x,zz,y"))
    assert "none of its cells is a number" in line(
        "x,z,y\n" + "\n".join(f"{i},word {i},{'ab'[i % 2]}" for i in range(60))
    )


def test_positive_class_that_vanished(tmp_path: Path) -> None:
    text = "x,y\n" + "\n".join(f"{i % 9},{'no' if i % 2 else 'yes'}" for i in range(60))
    file, _ = _new(tmp_path, text)
    (tmp_path / "t.csv").write_text(text.replace("yes", "ja"))
    with pytest.raises(DataError, match=r"positive class 'yes' does not occur.*'ja'"):
        intake(open_stage("scoping", file.path))
