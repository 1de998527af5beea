"""Which modules of the package a piece of work needs, and a digest of their source."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from toolkit import canonical, paths
from toolkit.run.imports import Use, bindings, taken

_TEMPLATES = re.compile(r"(?<!def )\btemplates\(\)(?:\s*/\s*[\"'](\w+)[\"'])?")
_EVERY_TEMPLATE = "."
_FILE = re.compile(r"[\"'](\w+)\.py[\"']")


@dataclass(frozen=True)
class Module:
    """What the source of a module says.

    Attributes
    ----------
    digest : str
        Of the source.
    needs : frozenset of str
        The modules that it imports, names in a text, or finds as extensions.
    templates : frozenset of str
        The folders of templates that it renders; ``.`` stands for all of them.
    """

    digest: str
    needs: frozenset[str] = frozenset()
    templates: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Door:
    """What a package's ``__init__.py`` says.

    Attributes
    ----------
    names : dict of str to str
        Public name to the submodule that `toolkit._lazy.attach` gets it from.
    inert : bool
        Whether it does nothing else, so that its text changes no result.
    """

    names: dict[str, str]
    inert: bool


@functools.cache
def own() -> Package:
    """Return the toolkit itself, as it was when first asked for in this process."""
    return Package(Path(__file__).resolve().parents[1], paths.templates())


class Package:
    """The modules of a package.

    Parameters
    ----------
    folder : Path
        The package's folder, which bears its name.
    templates : Path
        The folder of its templates.
    """

    def __init__(self, folder: Path, templates: Path) -> None:
        self.name = folder.name
        self.templates = templates
        self.paths: dict[str, Path] = {}
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            self.paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        self._modules: dict[str, Module] = {}
        self._doors: dict[str, Door] = {}
        self._text = re.compile(rf"{self.name}((?:\.\w+)+)(\.\{{)?")

    def digest(self, work: Iterable[Use]) -> str:
        """Return the digest of the source of all modules and templates that some work needs."""
        modules = self.closure(work)
        facts = {name: self.module(name).digest for name in modules}
        for folder in set().union(*(self.module(name).templates for name in modules)):
            facts[f"templates/{folder}"] = canonical.digest_file(self.templates / folder)
        return canonical.digest(facts)

    def closure(self, work: Iterable[Use]) -> set[str]:
        """Return the modules that some work runs, and those that these need in turn."""
        found: set[str] = set()
        ahead = set().union(*(self.serving(*use) for use in work))
        while ahead:
            found |= ahead
            ahead = set().union(*(self.module(name).needs for name in ahead)) - found
        return found

    def serving(self, module: str, names: tuple[str, ...] = ()) -> set[str]:
        """Return the modules that run when a chain of names is taken from a module.

        A front door leads to the modules of the names that are asked for, and counts for
        nothing itself; where it is handed on whole, any of its names may be asked for.
        """
        if module not in self.paths:
            return set()
        found = self._above(module)
        while self._is_package(module):
            door = self._door(module)
            if not door.inert:
                found.add(module)
            if not names or names[0] == "*":
                return found.union(*(self.serving(module, (name,)) for name in door.names))
            if names[0] in door.names:
                module = f"{module}.{door.names[names[0]]}"
            elif f"{module}.{names[0]}" in self.paths:
                module, names = f"{module}.{names[0]}", names[1:]
            elif names[0].startswith("__"):
                return found  # a version or a path: a fact about the package, no code of it
            else:
                break
            found |= self._above(module)
        return found | {module}

    def module(self, name: str) -> Module:
        """Return what a module's source says."""
        if name not in self._modules:
            inside = name in self.paths
            self._modules[name] = self._read(name) if inside else Module(_digest_outside(name))
        return self._modules[name]

    def _read(self, name: str) -> Module:
        content = self.paths[name].read_bytes()
        source = content.decode()
        needs = self._named(source) | self._beside(name, source)
        for bound, (module, names) in bindings(source):
            needs |= self._imported(source, bound, self._absolute(module, name), names)
        # This module digests templates, and renders none.
        asks = "templates()" in source and name != __name__
        named = _TEMPLATES.findall(source) if asks else []
        rendered = {folder or _EVERY_TEMPLATE for folder in named}
        digest = hashlib.sha256(content).hexdigest()
        return Module(digest, frozenset(needs), frozenset(rendered))

    def _imported(self, source: str, bound: str, module: str, names: tuple[str, ...]) -> set[str]:
        room = ".".join([module, *names])
        if bound and room in self.paths and self._is_package(room):
            found = (self.serving(module, (*names, name)) for name in taken(source, bound))
            return set().union(*found)
        return self.serving(module, names)

    def _absolute(self, module: str, importer: str) -> str:
        tail = module.lstrip(".")
        level = len(module) - len(tail)
        if not level:
            return module
        parts = importer.split(".")
        base = parts[: len(parts) - level + self._is_package(importer)]
        return ".".join([*base, tail]).rstrip(".")

    def _named(self, source: str) -> set[str]:
        """Return modules that a text names: a worker's ``-m``, a registry, a class to load."""
        found: set[str] = set()
        for match in self._text.finditer(source):
            if source[match.start() - 1] not in "\"'":
                continue
            text, open_end = match.groups()
            parts = (self.name + text).split(".")
            length = len(parts)
            while length > 1 and ".".join(parts[:length]) not in self.paths:
                length -= 1
            module = ".".join(parts[:length])
            if length > 1:
                found |= self.serving(module, tuple(parts[length:]))
                if open_end:
                    below = (name for name in self.paths if name.startswith(f"{module}."))
                    found |= {name for name in below if not self._is_inert(name)}
            elif "entry_points" in source:
                found |= self._extensions(self.name + text)
        return found

    def _beside(self, name: str, source: str) -> set[str]:
        """Return modules that a text names as files in its own folder, to be copied or run."""
        if ".py" not in source:
            return set()
        folder = name if self._is_package(name) else name.rpartition(".")[0]
        found = (self.serving(f"{folder}.{stem}") for stem in _FILE.findall(source))
        return set().union(*found)

    def _extensions(self, group: str) -> set[str]:
        """Return the modules that this and other distributions offer in a group."""
        found: set[str] = set()
        for entry in importlib.metadata.entry_points(group=group):
            inside = entry.module.partition(".")[0] == self.name
            found |= self.serving(entry.module) if inside else {entry.module}
        return found

    def _above(self, module: str) -> set[str]:
        """Return the packages above a module whose import runs code of their own."""
        parts = module.split(".")
        above = (".".join(parts[:length]) for length in range(1, len(parts)))
        return {name for name in above if name in self.paths and not self._is_inert(name)}

    def _is_inert(self, module: str) -> bool:
        return self._is_package(module) and self._door(module).inert

    def _is_package(self, module: str) -> bool:
        return self.paths[module].name == "__init__.py"

    def _door(self, package: str) -> Door:
        if package not in self._doors:
            source = self.paths[package].read_text(encoding="utf-8")
            self._doors[package] = _read_door(ast.parse(source))
        return self._doors[package]


def _read_door(tree: ast.Module) -> Door:
    names: dict[str, str] = {}
    constants: dict[str, object] = {"__builtins__": {}}
    inert = True
    for node in tree.body:
        value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "attach":
            # A literal, or a comprehension over one; it sees nothing but constants.
            names = eval(compile(ast.Expression(value.args[1]), "attach", "eval"), constants)
        elif isinstance(node, ast.Assign) and isinstance(value, ast.Constant | ast.Dict):
            for target in node.targets:
                constants[ast.unparse(target)] = ast.literal_eval(value)
        elif isinstance(node, ast.ImportFrom):
            inert &= node.module in ("__future__", "typing") or str(node.module).endswith("._lazy")
        elif isinstance(node, ast.If):
            inert &= ast.unparse(node.test) == "TYPE_CHECKING" and not node.orelse
        else:
            inert &= isinstance(value, ast.Constant)
    return Door(names, inert)


def _digest_outside(module: str) -> str:
    """Return the digest of all Python files of another distribution's top-level package."""
    top = module.partition(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is None:
        return "absent"
    found: dict[str, str] = {}
    for folder in spec.submodule_search_locations or ():
        for path in Path(folder).rglob("*.py"):
            found[path.relative_to(folder).as_posix()] = canonical.digest_file(path)
    if not found and spec.origin:
        found[top] = canonical.digest_file(Path(spec.origin))
    return canonical.digest(found)
