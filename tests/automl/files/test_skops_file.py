"""Scikit-learn objects on disk: read again, also as version 0.1 wrote them."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from toolkit.automl.files import skops_file
from toolkit.errors import ModelError
from toolkit.table import make_preprocessor

FRAME = pd.DataFrame({"n": [1.0, np.nan, 3.0], "c": pd.Categorical(["a", "b", "a"])})


def with_module(content: bytes, old: str, new: str) -> bytes:
    """Return a skops file whose schema names another module."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            body = source.read(name)
            if name == "schema.json":
                assert old.encode() in body
                body = body.replace(old.encode(), new.encode())
            target.writestr(name, body)
    return stream.getvalue()


@pytest.mark.parametrize(
    "module", ["toolkit.table.preprocess", "toolkit.table.features.preprocessor"]
)
def test_a_preprocessor_is_read_under_its_old_and_its_present_name(tmp_path, module):
    fitted = make_preprocessor(FRAME).fit(FRAME)
    path = tmp_path / "a.skops"
    skops_file.save(fitted, path)
    path.write_bytes(with_module(path.read_bytes(), type(fitted).__module__, module))
    np.testing.assert_array_equal(skops_file.load(path).transform(FRAME), fitted.transform(FRAME))


def test_any_other_module_is_refused(tmp_path):
    fitted = make_preprocessor(FRAME).fit(FRAME)
    path = tmp_path / "a.skops"
    skops_file.save(fitted, path)
    path.write_bytes(with_module(path.read_bytes(), type(fitted).__module__, "toolkit.other"))
    with pytest.raises(ModelError, match=r"toolkit\.other\.Preprocessor"):
        skops_file.load(path)
