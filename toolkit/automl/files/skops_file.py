"""Scikit-learn objects on disk, without pickle: skops files with a list of what may be in them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from toolkit.automl.files.archive import Renumbering, normalised
from toolkit.errors import ModelError

_SCHEMA = "schema.json"
TRUSTED = frozenset(
    {
        "functools.partial",
        "numpy.dtype",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines.BSpline",
        "scipy.interpolate._bsplines._BSpline",  # of SciPy 1.18, inside a BSpline
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
        "sklearn.utils.validation.check_array",
        "toolkit.table.features.preprocessor.Preprocessor",
    }
)
"""Types beyond those that skops itself trusts; a file with any other is refused."""
_MOVED = {"table.preprocess": "table.features.preprocessor"}
"""Modules of trusted types, below ``toolkit``, by the name that files of version 0.1 have."""


def save(thing: Any, path: Path) -> None:
    """Write an estimator or transformer."""
    import skops.io

    path.write_bytes(_stable(skops.io.dumps(thing)))


def _stable(archive: bytes) -> bytes:
    # skops names objects and their files by address in memory.
    renumber = Renumbering(r'"(?:__id__|file)": "?(\d+)')
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        schema = renumber(source.read(_SCHEMA).decode())

    def edit(name: str, content: bytes) -> tuple[str, bytes]:
        if name == _SCHEMA:
            return name, schema.encode()
        stem, dot, ending = name.partition(".")
        return renumber.numbers.get(stem, stem) + dot + ending, content

    return normalised(archive, edit)


def _with_moved(name: str, content: bytes) -> tuple[str, bytes]:
    if name == _SCHEMA:
        for old, new in _MOVED.items():
            content = content.replace(
                b'"toolkit.%b"' % old.encode(), b'"toolkit.%b"' % new.encode()
            )
    return name, content


def load(path: Path) -> Any:
    """Return what `save` wrote.

    Raises
    ------
    ModelError
        If the file is damaged, or holds a type that is not on the list.
    """
    import skops.io

    try:
        content = normalised(path.read_bytes(), _with_moved)
        unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - TRUSTED)
        if unknown:
            raise ModelError(
                f"holds what no model of the toolkit holds: {', '.join(unknown)}",
                where=str(path),
                remedy="Do not use this file: make the model again",
            )
        return skops.io.loads(content, trusted=sorted(TRUSTED))
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"cannot be read: {error}",
            where=str(path),
            remedy="Run 04_automl.ipynb again with --fresh",
        ) from error
