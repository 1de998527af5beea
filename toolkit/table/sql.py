"""Read a table from a database; passwords stay in environment variables."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from toolkit.errors import DataError
from toolkit.project.address import VARIABLE, holds_password, shown

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import Data


def read(data: Data, folder: Path) -> tuple[pd.DataFrame, Path | None]:
    """Return a query's rows, and the file behind the database if it is SQLite.

    Raises
    ------
    DataError
        For a query or URL that does not work, or a password written into the URL.
    """
    import pandas as pd
    import sqlalchemy
    from sqlalchemy.exc import SQLAlchemyError

    if not data.query:
        raise DataError(
            "a database needs a query",
            where=shown(data.source),
            remedy="Set data.query, such as SELECT * FROM customers",
        )
    url, path = _url(data.source, folder)
    try:
        engine = sqlalchemy.create_engine(url)
        try:
            with engine.connect() as connection:
                frame = pd.read_sql_query(sqlalchemy.text(data.query), connection)
        finally:
            engine.dispose()
    except ImportError as error:
        raise DataError(
            f"the database driver {error.name!r} is not installed",
            where=shown(data.source),
            remedy=f"Install it: pip install {error.name}",
        ) from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise DataError(
            f"the query failed: {str(cause).splitlines()[0][:300]}",
            where=shown(data.source),
            remedy="Check data.query and the address",
        ) from error
    return frame, path


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
    from toolkit.table import values

    total = hashlib.sha256()
    for name in frame.columns:
        found = values.cells(frame[name], ())
        total.update(f"\0{name}\0".encode())
        total.update("\0".join(found.texts).encode("utf-8", "surrogatepass"))
        total.update(found.codes.astype("<i8").tobytes())
    return "sha256:" + total.hexdigest()
