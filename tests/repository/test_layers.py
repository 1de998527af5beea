"""What import-linter cannot see of the layers that pyproject.toml states."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_no_module_imports_its_own_front_door() -> None:
    # Front doors load lazily: a cycle through one's own would be no import that a linter sees.
    found = []
    for path in (ROOT / "toolkit").rglob("*.py"):
        package = ".".join(path.relative_to(ROOT).parent.parts)
        if path.name == "__main__.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.module in (None, "toolkit"):
                continue
            if not f"{package}.".startswith(f"{node.module}."):
                continue
            folder = ROOT.joinpath(*node.module.split("."))
            modules = {each.stem for each in folder.iterdir()}
            found += [
                f"{path.relative_to(ROOT)}: {node.module}.{name.name}"
                for name in node.names
                if name.name not in modules
            ]
    assert found == [], found
