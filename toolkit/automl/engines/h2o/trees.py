"""H2O's trees as plain arrays, read from the MOJO.

Those of GBM and DRF are laid out as ``hex.genmodel.algos.tree.SharedTreeMojoModel`` reads them,
XGBoost's as its own binary format has them.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile

import numpy as np

from toolkit.errors import ModelError
from toolkit.forests import TreeNodes

_LEAF = 65535
_REST, _LEFT_TOO = 1, (2, 4)
"""How missing values go: apart from all others, or to the left."""


def head(archive: bytes) -> dict[str, str]:
    """Return what ``model.ini`` of a MOJO says of the model."""
    with zipfile.ZipFile(io.BytesIO(archive)) as mojo:
        return _facts(mojo.read("model.ini").decode())


def _facts(text: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^(\w+) = (.*)$", text))


class MojoTrees:
    """What a MOJO of trees holds.

    Attributes
    ----------
    algorithm : str
        gbm, drf or xgboost.
    facts : dict of str to str
        The head of ``model.ini``.
    trees : list of TreeNodes
        In H2O's order; `TreeNodes.column` is the place of the column ``c<place>``.
    base : ndarray
        Added to every row, one number an output.
    zero_is_missing : bool
        Whether numbers that are 0 go where missing ones go: XGBoost on sparse rows.
    objective : str
        XGBoost's name of what it minimised.
    """

    zero_is_missing = False
    objective = ""

    def __init__(self, archive: bytes, where: str = "model.zip") -> None:
        with zipfile.ZipFile(io.BytesIO(archive)) as mojo:
            text = mojo.read("model.ini").decode()
            self.facts = _facts(text)
            self.algorithm = self.facts["algo"]
            start = float(self.facts.get("init_f", 0.0))
            if self.algorithm in ("gbm", "drf"):
                self.trees = _shared_trees(mojo, text)
            elif self.algorithm == "xgboost":
                self.zero_is_missing = self.facts["sparse"] == "true"
                self.trees, start, self.objective = _boosters(mojo, self.zero_is_missing, where)
            else:
                raise ModelError(f"has no trees: it is a {self.algorithm}", where=where)
        count = int(self.facts["n_classes"])
        outputs = count if count > 2 else 1
        self.base = np.full(outputs, start)
        if self.algorithm == "drf":
            grown = len(self.trees) / outputs
            for tree in self.trees:
                tree.value = tree.value / grown


def _shared_trees(mojo: zipfile.ZipFile, text: str) -> list[TreeNodes]:
    names = text.partition("[columns]")[2].partition("[")[0].split()
    places = np.array([int(name[1:]) if re.fullmatch(r"c\d+", name) else -2 for name in names])
    found = []
    for name in sorted(n for n in mojo.namelist() if re.fullmatch(r"trees/t\d+_\d+\.bin", n)):
        output, number = map(int, re.findall(r"\d+", name))
        tree = _Bytes(mojo.read(name), mojo.read(name.replace(".bin", "_aux.bin"))).tree()
        inner = tree.column >= 0
        tree.column[inner] = places[tree.column[inner]]
        tree.output = output
        found.append((number, output, tree))
    return [tree for *_, tree in sorted(found, key=lambda item: item[:2])]


class _Bytes:
    """One compressed tree."""

    def __init__(self, body: bytes, beside: bytes) -> None:
        self.body = body
        self.rows: list[tuple[int, float, bool, float, float]] = []
        self.links: list[list[int]] = []
        self.sets: dict[int, np.ndarray] = {}
        # The weights of a node's children, and their numbers, by its own.
        self.beside = {
            nid: (left, right, first, second)
            for nid, _, left, right, *_, first, second in struct.iter_unpack("<ii6fii", beside)
        }

    def tree(self) -> TreeNodes:
        root = self.beside.get(0, (1.0, 0.0, 0, 0))
        self._grow(root[0] + root[1])
        column, threshold, missing_left, cover, value = map(np.array, zip(*self.rows, strict=True))
        left, right = np.array(self.links).T
        return TreeNodes(
            column, threshold, left, right, missing_left, cover, value.astype(np.float64), self.sets
        )

    def _grow(self, weight: float) -> None:
        body = self.body
        # What is still to be read: where, its number, its weight, and whose child it is.
        waiting = [(0, 0, weight, -1, False, False)]
        links: list[list[int]] = []
        while waiting:
            at, nid, weight, above, is_right, is_leaf = waiting.pop()
            here = len(self.rows)
            links.append([-1, -1])
            if above >= 0:
                links[above][is_right] = here
            if not is_leaf:
                kind, column = struct.unpack_from("<BH", body, at)
                if column == _LEAF:
                    is_leaf, at = True, at + 3
            if is_leaf:
                (value,) = struct.unpack_from("<f", body, at)
                self.rows.append((-1, 0.0, False, weight, value))
                continue
            way, at = body[at + 3], at + 4
            threshold, at = self._split(here, kind & 12, way, at)
            self.rows.append((column, threshold, way in _LEFT_TOO, weight, 0.0))
            left_leaf, right_leaf = kind & 48 == 48, kind & 192 == 192
            if left_leaf:
                left, right = at, at + 4
            else:
                size = (kind & 3) + 1
                left = at + size
                right = left + int.from_bytes(body[at:left], "little")
            weights = self.beside[nid]
            waiting.append((right, weights[3], weights[1], here, True, right_leaf))
            waiting.append((left, weights[2], weights[0], here, False, left_leaf))
        self.links = links

    def _split(self, here: int, kind: int, way: int, at: int) -> tuple[float, int]:
        if way == _REST:
            return math.inf, at  # all that is known goes left
        if kind == 0:
            (threshold,) = struct.unpack_from("<f", self.body, at)
            return float(threshold), at + 4
        offset, bits = 0, 32
        if kind == 12:
            offset, bits = struct.unpack_from("<Hi", self.body, at)
            at += 6
        size = ((bits - 1) >> 3) + 1
        words = np.frombuffer(self.body, np.uint8, size, at)
        right = np.unpackbits(words, bitorder="little")[:bits].astype(bool)
        # Codes before the first bit go where missing ones go.
        self.sets[here] = np.concatenate([np.full(offset, way in _LEFT_TOO), ~right])
        return 0.0, at + size


_NODE = np.dtype(
    [("parent", "<i4"), ("left", "<i4"), ("right", "<i4"), ("split", "<u4"), ("info", "<f4")]
)
_STATISTIC = np.dtype([("gain", "<f4"), ("cover", "<f4"), ("weight", "<f4"), ("leaves", "<i4")])
_LEARNER, _GBTREE, _TREE = 136, 160, 148  # bytes of what stands before names, trees and nodes
_DEFAULT_LEFT = 1 << 31


def _boosters(
    mojo: zipfile.ZipFile, sparse: bool, where: str
) -> tuple[list[TreeNodes], float, str]:
    """Return XGBoost's trees, from its binary format, the base of the margin, the objective."""
    columns = [line.split()[1] for line in mojo.read("feature_map").decode().splitlines()]
    levels: dict[str, int] = {}
    for column in columns:
        name, _, level = column.partition(".")
        levels[name] = levels.get(name, 0) + (level[:1] == "L")
    body = mojo.read("boosterBytes")
    at = 4 if body.startswith(b"binf") else 0
    base, *_ = struct.unpack_from("<fIi", body, at)
    at += _LEARNER
    names = []
    for _ in range(2):
        (length,) = struct.unpack_from("<Q", body, at)
        names.append(body[at + 8 : at + 8 + length].decode())
        at += 8 + length
    if names[1] != "gbtree":
        raise ModelError(f"has no trees that can be read: its booster is {names[1]}", where=where)
    (count,) = struct.unpack_from("<i", body, at)
    at += _GBTREE
    trees = []
    for _ in range(count):
        (size,) = struct.unpack_from("<i", body, at + 4)
        at += _TREE
        nodes = np.frombuffer(body, _NODE, size, at)
        statistics = np.frombuffer(body, _STATISTIC, size, at + size * _NODE.itemsize)
        at += size * (_NODE.itemsize + _STATISTIC.itemsize)
        trees.append(_booster(nodes, statistics["cover"], columns, levels, sparse))
    outputs = np.frombuffer(body, "<i4", count, at)
    for tree, output in zip(trees, outputs, strict=True):
        tree.output = int(output)
    logistic = names[0] == "binary:logistic"
    return trees, math.log(base / (1 - base)) if logistic else float(base), names[0]


def _booster(
    nodes: np.ndarray, cover: np.ndarray, columns: list[str], levels: dict[str, int], sparse: bool
) -> TreeNodes:
    leaf = nodes["left"] < 0
    missing_left = nodes["split"] >= _DEFAULT_LEFT
    place = np.where(leaf, 0, nodes["split"] & (_DEFAULT_LEFT - 1))
    parts = [columns[which].partition(".") for which in place]
    column = np.array([int(name[1:]) for name, *_ in parts])
    threshold = nodes["info"].astype(np.float64)
    sets = {}
    for node in np.flatnonzero(~leaf):
        name, _, level = parts[node]
        if not level:
            continue
        # A column of the level alone: 1 where the row has it, else 0, or missing if sparse.
        absent = bool(missing_left[node]) if sparse else threshold[node] > 0.0
        present = threshold[node] > 1.0
        codes = np.full(levels[name], absent)
        if level.startswith("L"):
            codes[int(level[1:])] = present
        missing_left[node] = absent if level.startswith("L") else present
        sets[int(node)] = codes
    return TreeNodes(
        column=np.where(leaf, -1, column),
        threshold=threshold,
        left=nodes["left"],
        right=nodes["right"],
        missing_left=missing_left,
        cover=cover.astype(np.float64),
        value=np.where(leaf, threshold, 0.0),
        sets=sets,
    )
