"""Read a table from a database; passwords stay in environment variables."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.project.address import VARIABLE, holds_password, shown
from toolkit.table.read import cells
from toolkit.table.read.parquet_file import left_out_check

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Data


def read(data: Data, folder: Path) -> tuple[pd.DataFrame, list[Check], Path | None]:
    """Return a query's rows, what to say of them, and the file behind the database if it is SQLite.

    The database is opened to read only, one statement is sent, and it is rolled back.

    Raises
    ------
    DataError
        For a query or URL that does not work, a statement that is no query, or a password
        written into the URL.
    """
    if re.match(r"(https?|ftp|s3|gs|file)://", data.source, re.I):
        raise DataError(
            "is the address of a file, not of a database",
            where=shown(data.source),
            expected="a file of this machine, or an address such as sqlite:///shop.db",
            remedy="Download the file, and give its path",
        )
    if not data.query or not data.query.strip():
        raise DataError(
            "a database needs a query",
            where=shown(data.source),
            remedy="Set data.query (--query), such as SELECT * FROM customers",
        )
    url, path = _url(data.source, folder)
    _require_query(data.query, shown(data.source))
    names, rows = _fetch(url, path, data)
    return *_frame(names, rows), path


def _fetch(url: Any, path: Path | None, data: Data) -> tuple[list[str], list[Any]]:
    from sqlalchemy.exc import SQLAlchemyError

    where = shown(data.source)
    try:
        engine = _engine(url, path)
        try:
            with engine.connect() as connection:
                _read_only(connection)
                # As it stands: a colon or a per cent sign in it is no parameter.
                result = connection.execution_options(no_parameters=True).exec_driver_sql(
                    str(data.query)
                )
                if not result.returns_rows:
                    raise _no_query(where, "it returns no table")
                found = [str(name) for name in list(result.keys())], result.fetchall()
                connection.rollback()
                return found
        finally:
            engine.dispose()
    except ImportError as error:
        raise DataError(
            f"the database driver {error.name!r} is not installed",
            where=where,
            remedy=f"Install it: pip install {error.name}",
        ) from error
    except (SQLAlchemyError, sqlite3.Error, sqlite3.Warning, ValueError) as error:
        cause = " ".join(str(getattr(error, "orig", None) or error).split())[:300].rstrip(".")
        if "not authorized" in cause or "prohibited" in cause:
            raise _no_query(where, f"the database says {cause!r}") from error
        raise DataError(
            f"the query failed: {cause}",
            where=where,
            remedy=_remedy(cause),
        ) from error


def _remedy(cause: str) -> str:
    if "Can't load plugin" in cause:
        return "Correct the address: before :// stands a database, such as sqlite or postgresql"
    if "binding" in cause or "parameter" in cause:
        return "Write values into the query: parameters such as :name are not filled in"
    return "Correct data.query (--query), or the address"


def _frame(names: list[str], rows: list[Any]) -> tuple[pd.DataFrame, list[Check]]:
    import pandas as pd

    values = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    found = [cells.column(list(column)) for column in values]
    left_out = {name: "binary" for name, column in zip(names, found, strict=True) if column is None}
    kept = {place: column for place, column in enumerate(found) if column is not None}
    frame = pd.DataFrame(kept)
    frame.columns = pd.Index([names[place] for place in kept], dtype=object)
    return frame, left_out_check(left_out)


# -- nothing but reading ----------------------------------------------------------------


def _engine(url: Any, path: Path | None) -> Any:
    import sqlalchemy

    if path is None:
        options = {"read_only": True} if url.drivername.startswith("duckdb") else {}
        return sqlalchemy.create_engine(url, connect_args=options)

    return sqlalchemy.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True),
        poolclass=sqlalchemy.NullPool,
    )


def _read_only(connection: Any) -> None:
    """Begin a transaction that cannot write, where the database has such a one."""
    dialect = connection.dialect.name
    if dialect == "sqlite":
        # ATTACH writes elsewhere and PRAGMA changes settings, which mode=ro does not prevent.
        connection.connection.driver_connection.set_authorizer(
            lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY
        )
    elif dialect == "postgresql":
        connection.execution_options(postgresql_readonly=True)
    elif dialect in ("mysql", "mariadb"):
        connection.exec_driver_sql("START TRANSACTION READ ONLY")
    elif dialect == "oracle":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION,
            sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION}  # fmt: skip
_SKIPPED = re.compile(
    r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|(\$\w*\$).*?\1""", re.DOTALL
)
_CHANGES = re.compile(
    r"\b(INSERT\s+INTO|DELETE\s+FROM|UPDATE\s+\S+\s+SET|DROP\s+\w+|INTO\s+\S+\s+FROM)\b", re.I
)


def _require_query(query: str, where: str) -> None:
    bare = _SKIPPED.sub(lambda match: " " if match[0][:2] in ("--", "/*") else " '' ", query)
    statements = [part.strip() for part in bare.split(";") if part.strip()]
    if len(statements) > 1:
        raise DataError(
            f"the query holds {len(statements)} statements",
            where=where,
            expected="one, such as SELECT * FROM customers",
            remedy="Keep the one that returns the table; nothing was sent to the database",
        )
    words = re.findall(r"\w+", statements[0]) if statements else []
    first = words[0].upper() if words else ""
    change = _CHANGES.search(statements[0]) if statements else None
    if first in _OTHER_STATEMENTS or (first in ("WITH", "SELECT") and change):
        verb = first if first in _OTHER_STATEMENTS or not change else change[0].split()[0].upper()
        raise _no_query(where, f"it says {verb}")


_OTHER_STATEMENTS = {
    "ALTER", "ANALYZE", "ATTACH", "BEGIN", "CALL", "COMMENT", "COMMIT", "COPY", "CREATE", "DELETE",
    "DETACH", "DO", "DROP", "EXEC", "EXECUTE", "GRANT", "IMPORT", "INSERT", "INSTALL", "LOAD",
    "LOCK", "MERGE", "PRAGMA", "REINDEX", "RENAME", "REPLACE", "REVOKE", "ROLLBACK", "SAVEPOINT",
    "SET", "TRUNCATE", "UPDATE", "UPSERT", "USE", "VACUUM",
}  # fmt: skip


def _no_query(where: str, why: str) -> DataError:
    return DataError(
        f"the statement is no query: {why}",
        where=where,
        expected="a SELECT; a source is only read",
        remedy="Set data.query to the SELECT that returns the table; nothing was changed",
    )


def _url(source: str, folder: Path) -> tuple[Any, Path | None]:
    import sqlalchemy
    from sqlalchemy.exc import ArgumentError

    refuse_password(source)
    lacking = [name for name in VARIABLE.findall(source) if name not in os.environ]
    if lacking:
        raise DataError(
            f"the environment variable {lacking[0]} is not set",
            where=source,
            remedy=f"Set it where the toolkit runs: export {lacking[0]}=...",
        )
    # A password may hold signs that mean something in an address.
    people, at, place = source.rpartition("@")
    quoted = VARIABLE.sub(lambda match: quote(os.environ[match[1]], safe=""), people)
    text = quoted + at + VARIABLE.sub(lambda match: os.environ[match[1]], place)
    try:
        url = sqlalchemy.make_url(text)
    except ArgumentError as error:
        raise DataError(
            "is not a database URL",
            where=shown(source),
            expected="such as postgresql://user:${DB_PASSWORD}@host/database",
        ) from error
    if not url.drivername.startswith("sqlite") or url.database in (None, "", ":memory:"):
        return url, None
    path = Path(str(url.database)).expanduser()
    path = path if path.is_absolute() else Path(folder) / path
    if not path.is_file():
        raise DataError("there is no such database file", where=str(path), remedy="Check the path")
    return url.set(database=str(path)), path


def refuse_password(source: str) -> None:
    """Raise if a password is written into a URL: the project file is shared and kept.

    Raises
    ------
    DataError
        With the way to keep it in the environment.
    """
    if holds_password(source):
        raise DataError(
            "a password is written into the address",
            where=shown(source),
            expected="a reference to an environment variable",
            remedy="Write ${DB_PASSWORD} in its place and set that variable",
        )


def digest(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of a query's rows."""
    from toolkit.table.cells import values

    total = hashlib.sha256()
    for name in frame.columns:
        found = values.cells(frame[name], ())
        total.update(f"\0{name}\0".encode())
        total.update("\0".join(found.texts).encode("utf-8", "surrogatepass"))
        total.update(found.codes.astype("<i8").tobytes())
    return "sha256:" + total.hexdigest()
