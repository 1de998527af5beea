"""What Python source imports, read from its text: nothing of it is run."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

Use = tuple[str, tuple[str, ...]]
"""A module, and the chain of names that is taken from it; none where it is used as a whole."""

# To parse a whole package takes seconds; its import statements are a small part of it.
# A test holds these patterns to what `ast` finds in every module.
_TYPING = re.compile(r"\nif (?:\w+\.)?TYPE_CHECKING:[^\n]*(?:\n[ \t]*(?=\n)|\n[ \t]+[^\n]*)*")
_STATEMENT = re.compile(
    r"^[ \t]*((?:from[ \t]+[\w.]+[ \t]+import|import)\b[ \t]*(?:\([^)]*\)|[^\n]*))", re.MULTILINE
)
_DYNAMIC = re.compile(r"\bimport_module\(\s*[\"']([\w.]+)[\"']")
_QUOTED = r'"{3}[\s\S]*?"{3}|\'{3}[\s\S]*?\'{3}|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
_NO_CODE = re.compile(rf"(?P<code>\b(?:[rR]?[fF]|[fF][rR])(?:{_QUOTED}))|{_QUOTED}|#[^\n]*")


def uses(source: str) -> list[Use]:
    """Return what Python source imports, also inside functions; not what is for types only."""
    found = [use for _, use in bindings(source)]
    if "import_module" in source:
        found += [(name, ()) for name in _DYNAMIC.findall(source)]
    return found


def bindings(source: str) -> list[tuple[str, Use]]:
    """Return each name that an import of Python source binds, and what it stands for."""
    source = _TYPING.sub("\\nif 0: pass", source)
    try:
        nodes = ast.parse("\n".join(_STATEMENT.findall(source))).body
    except SyntaxError:  # a statement that the pattern cut short
        return list(_bindings(ast.walk(ast.parse(source))))
    return list(_bindings(nodes))


def taken(source: str, name: str) -> set[str]:
    """Return the attributes that code takes from a name; ``*`` where it is handed on itself."""
    code = _NO_CODE.sub(lambda match: match["code"] or "", _TYPING.sub("", source))
    code = _STATEMENT.sub("", code)
    found = set(re.findall(rf"(?<![\w.]){name}\b(?!\s*=[^=])(?:\s*\.\s*(\w+))?", code))
    if "" in found:  # or a word of an f-string's prose
        chains = (chain for bound, chain in _chains(ast.parse(source)) if bound == name)
        found = {(*chain, "*")[0] for chain in chains}
    return found


def notebook_uses(path: Path) -> list[Use] | None:
    """Return what a notebook's cells take from modules.

    Attributes of an imported module belong to the chain: ``automl.search`` is one name of
    ``toolkit.automl``. None for a notebook with a cell that is not plain Python.
    """
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    try:
        tree = ast.parse("\n".join(sources))
    except SyntaxError:
        return None
    chains = list(_chains(tree))
    return [
        (module, names + chain)
        for bound, (module, names) in _bindings(ast.walk(tree))
        for name, chain in chains
        if name == bound
    ]


def _bindings(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, Use]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or "", (alias.name, ())
                if not alias.asname:
                    top = alias.name.partition(".")[0]
                    yield top, (top, ())
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                yield alias.asname or alias.name, (module, (alias.name,))


def _chains(node: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give each name, with the attributes that are taken from it."""
    names: tuple[str, ...] = ()
    while isinstance(node, ast.Attribute):
        names = (node.attr, *names)
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id, names
    for child in ast.iter_child_nodes(node):
        yield from _chains(child)
