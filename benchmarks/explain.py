"""How fast SHAP values of trees are, and how exact, beside H2O's and shap's own.

``python benchmarks/explain.py [--rows 100000] [--columns 50] [--trees 100] [--depth 6]
[--repeats 3] [--slow 200] [--growth] [--json FILE]``

H2O's GBM, XGBoost and DRF, and LightGBM, are fitted to the same generated table. Then methods
take turns on the same rows, `--repeats` times, and the median counts. Time is that of the
processor, over all threads of the process that does the work, JVM included; memory is the most
that this process and what it started held. Methods that would take hours explain fewer rows:
the table says how many. Differences are to the first method of the same kind of values; the
additivity error is how far a method's values and base are from the sum of the trees in double
precision.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from toolkit.automl.engines.h2o.server import node
from toolkit.automl.engines.h2o.trees import MojoTrees
from toolkit.automl.engines.lightgbm import trees
from toolkit.forests import Forest, expected, margins, shapley_values
from toolkit.project.search import Budget
from toolkit.run.memory import Memory

BACKGROUND = 100


@dataclass
class Method:
    """One way to explain one model: takes rows, gives (n, columns) and the expected output."""

    model: str
    name: str
    values: str
    explain: Callable[[int], tuple[np.ndarray, float]]
    rows: int
    told: Callable[[int], np.ndarray] | None = None
    seconds: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    peak_mib: float = 0.0
    found: np.ndarray = field(default_factory=lambda: np.zeros(0))
    base: float = float("nan")


def table_of(rows: int, columns: int, seed: int = 7) -> tuple[pd.DataFrame, np.ndarray]:
    """Return numbers with gaps, and a class that hangs on ten of them."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns)).astype(np.float32).astype(np.float64)
    weights = np.zeros(columns)
    weights[:10] = rng.normal(size=min(10, columns))
    margin = values @ weights + values[:, 0] * values[:, 1] - np.abs(values[:, 2])
    target = (margin + rng.logistic(size=rows) > 0).astype(int)
    values[rng.random(values.shape) < 0.02] = np.nan
    return pd.DataFrame(values, columns=[f"c{n}" for n in range(columns)]), target


class H2oModels:
    """Models in a server, and their contributions there."""

    def __init__(self, frame: pd.DataFrame, target: np.ndarray, folder: Path) -> None:
        import h2o

        self.h2o = h2o
        self.shared = node.start_shared(Budget(memory_gib=8.0, threads=2))
        server = self.shared.server
        h2o.connect(
            url=server.url, auth=(server.user, server.password), verbose=False,
            strict_version_check=False,
        )  # fmt: skip
        h2o.no_progress()
        whole = folder / "table.parquet"
        frame.assign(y=np.where(target == 1, "yes", "no")).to_parquet(whole)
        self.frame = h2o.import_file(str(whole))
        self.frame["y"] = self.frame["y"].asfactor()
        self.columns = list(frame.columns)
        self.folder = folder

    @property
    def process(self) -> psutil.Process:
        """The JVM."""
        facts = json.loads(next(iter(self.shared.environment.values())))
        return psutil.Process(facts["pid"])

    def fit(self, name: str, trees: int, depth: int) -> Any:
        from h2o import estimators

        known = {
            "gbm": lambda: estimators.H2OGradientBoostingEstimator(
                ntrees=trees, max_depth=depth, seed=1, min_rows=20
            ),
            "xgboost": lambda: estimators.H2OXGBoostEstimator(
                ntrees=trees, max_depth=depth, seed=1, tree_method="hist"
            ),
            "drf": lambda: estimators.H2ORandomForestEstimator(
                ntrees=max(10, trees // 2), max_depth=20, seed=1
            ),
            "glm": lambda: estimators.H2OGeneralizedLinearEstimator(family="binomial"),
        }
        model = known[name]()
        model.train(self.columns, "y", self.frame)
        return model

    def forest(self, model: Any) -> tuple[Forest, float]:
        """Return a model's forest, and the sign that turns it to the second class."""
        path = model.download_mojo(str(self.folder))
        trees = MojoTrees(Path(path).read_bytes())
        found = Forest.build(trees.trees, trees.base, self.columns)
        return found, -1.0 if trees.algorithm == "drf" else 1.0

    def contributions(self, model: Any, rows: int) -> tuple[np.ndarray, float]:
        options = {"output_format": "compact"} if model.algo == "xgboost" else {}
        found = model.predict_contributions(self.frame[:rows, :], **options)
        found = found.as_data_frame(use_multi_thread=True)
        order = [*self.columns, "BiasTerm"]
        values = found[order].to_numpy()
        return values[:, :-1], float(values[0, -1])

    def score(self, model: Any, matrix: np.ndarray) -> np.ndarray:
        frame = self.h2o.H2OFrame(pd.DataFrame(matrix, columns=self.columns))
        found = model.predict(frame).as_data_frame(use_multi_thread=True)
        self.h2o.remove(frame)
        return found["yes"].to_numpy()


def methods_of(
    h2o: H2oModels, frame: pd.DataFrame, target: np.ndarray, asked: argparse.Namespace
) -> list[Method]:
    """Return every way, ours before the others of a model."""
    matrix = frame.to_numpy()
    single = matrix.astype(np.float32).astype(np.float64)
    background = matrix[:: max(1, len(matrix) // BACKGROUND)][:BACKGROUND]
    found: list[Method] = []

    def ours(model: str, forest: Forest, rows: np.ndarray, sign: float = 1.0) -> None:
        def told(count: int) -> np.ndarray:
            return sign * margins(forest, rows[:count])[:, 0] + (sign < 0)

        def by_cover(count: int) -> tuple[np.ndarray, float]:
            values = shapley_values(forest, rows[:count])[..., 0]
            return sign * values, sign * float(expected(forest)[0]) + (sign < 0)

        def by_rows(count: int) -> tuple[np.ndarray, float]:
            values = shapley_values(forest, rows[:count], background)[..., 0]
            return sign * values, sign * float(expected(forest, background)[0]) + (sign < 0)

        deep = forest.column.size / len(forest.roots) > 2000
        most = min(asked.rows, 20 * asked.slow) if deep else asked.rows
        found.append(Method(model, "toolkit", "tree_path_dependent", by_cover, most))
        most = min(asked.rows, asked.slow) if deep else asked.rows
        found.append(Method(model, "toolkit", f"interventional ({BACKGROUND})", by_rows, most))
        found[-2].told = found[-1].told = told

    for name in ("gbm", "xgboost", "drf"):
        model = h2o.fit(name, asked.trees, asked.depth)
        forest, sign = h2o.forest(model)
        label = f"H2O {name} ({len(forest.roots)} trees, {len(forest.column):,} nodes)"
        ours(label, forest, single if name == "xgboost" else matrix, sign)
        most = min(asked.rows, 20 * asked.slow) if name == "drf" else asked.rows
        found.append(
            Method(label, "H2O predict_contributions", "tree_path_dependent",
                   lambda count, model=model: h2o.contributions(model, count), most)
        )  # fmt: skip
    booster = _lightgbm(matrix, target, asked)
    text = booster.model_to_string()
    label = f"LightGBM ({asked.trees} trees)"
    ours(label, Forest.build(trees.trees(text), [0.0], list(frame.columns)), matrix)
    found += _shap(label, booster, matrix, background, asked)
    glm = h2o.fit("glm", 1, 1)
    found += _through_h2o(h2o, glm, matrix, background, asked)
    return found


def _lightgbm(matrix: np.ndarray, target: np.ndarray, asked: argparse.Namespace) -> Any:
    import lightgbm

    parameters = {
        "objective": "binary", "max_depth": asked.depth, "num_leaves": 2**asked.depth,
        "verbosity": -1, "num_threads": 2, "seed": 1,
    }  # fmt: skip
    return lightgbm.train(parameters, lightgbm.Dataset(matrix, target), asked.trees)


def _shap(
    label: str, booster: Any, matrix: np.ndarray, background: np.ndarray, asked: argparse.Namespace
) -> list[Method]:
    import shap

    def second(values: Any) -> np.ndarray:
        return np.asarray(values[1] if isinstance(values, list) else values)

    def by_cover(count: int) -> tuple[np.ndarray, float]:
        explainer = shap.TreeExplainer(booster)
        values = second(explainer.shap_values(matrix[:count]))
        return values, float(np.ravel(explainer.expected_value)[-1])

    def own(count: int) -> tuple[np.ndarray, float]:
        values = booster.predict(matrix[:count], pred_contrib=True)
        return values[:, :-1], float(values[0, -1])

    def by_rows(count: int) -> tuple[np.ndarray, float]:
        explainer = shap.TreeExplainer(booster, background, feature_perturbation="interventional")
        values = second(explainer.shap_values(matrix[:count], check_additivity=False))
        return values, float(np.ravel(explainer.expected_value)[-1])

    few = min(asked.rows, 20 * asked.slow)
    return [
        Method(label, "LightGBM pred_contrib", "tree_path_dependent", own, asked.rows),
        Method(label, "shap.TreeExplainer", "tree_path_dependent", by_cover, asked.rows),
        Method(label, "shap.TreeExplainer", f"interventional ({BACKGROUND})", by_rows, few),
    ]


def _through_h2o(
    h2o: H2oModels,
    model: Any,
    matrix: np.ndarray,
    background: np.ndarray,
    asked: argparse.Namespace,
) -> list[Method]:
    """Return model-agnostic methods on a model that only H2O can score."""
    import shap

    filled = np.nan_to_num(matrix)
    against = np.nan_to_num(background[:20])

    def score(rows: np.ndarray) -> np.ndarray:
        return h2o.score(model, rows)

    def permutation(count: int) -> tuple[np.ndarray, float]:
        explainer = shap.PermutationExplainer(score, against, seed=1)
        values = explainer(filled[:count], max_evals=2 * matrix.shape[1] + 1, silent=True)
        return values.values, float(np.ravel(values.base_values)[0])

    def kernel(count: int) -> tuple[np.ndarray, float]:
        explainer = shap.KernelExplainer(score, against)
        values = explainer.shap_values(filled[:count], nsamples=200, silent=True)
        return np.asarray(values), float(explainer.expected_value)

    def toolkit(count: int) -> tuple[np.ndarray, float]:
        from toolkit.explain.shap.sampling import (
            FeatureGroups,
            TableValueFunction,
            sampled,
            summarise,
        )

        names = [f"c{n}" for n in range(matrix.shape[1])]
        groups = FeatureGroups(names, [[name] for name in names])
        function = TableValueFunction(
            lambda frame: score(frame.to_numpy())[:, None],
            pd.DataFrame(filled[:count], columns=names),
            pd.DataFrame(against, columns=names),
            groups,
        )
        values = [
            summarise(c, 2)[0][:, 0] for c in sampled(function, 2, [[1, n] for n in range(count)])
        ]
        return np.stack(values), float(function.reference.mean())

    label = "any model, scored by H2O (GLM)"
    values = "interventional (20), sampled"
    return [
        Method(label, "toolkit", values, toolkit, min(asked.slow, asked.rows)),
        Method(label, "shap.PermutationExplainer", values, permutation, 3),
        Method(label, "shap.KernelExplainer", values, kernel, 1),
    ]


def measure(method: Method, jvm: psutil.Process) -> None:
    """Run a method once, and keep what it took."""
    memory = Memory()
    memory.watch()
    began, wall = _spent(jvm), time.monotonic()
    values, base = method.explain(method.rows)
    method.seconds.append(max(_spent(jvm) - began, 1e-3))
    method.wall.append(time.monotonic() - wall)
    memory.stop()
    method.peak_mib = max(method.peak_mib, memory.peak_mib)
    method.found = values
    method.base = base


def _spent(jvm: psutil.Process) -> float:
    times = [psutil.Process().cpu_times(), jvm.cpu_times()]
    return float(sum(each.user + each.system for each in times))


def warm() -> None:
    """Compile the inner loops before anything is measured."""
    rng = np.random.default_rng(0)
    import lightgbm

    matrix, target = rng.normal(size=(600, 12)), rng.integers(2, size=600)
    for leaves in (7, 500):
        booster = lightgbm.train(
            {"objective": "binary", "verbosity": -1, "num_leaves": leaves, "min_data_in_leaf": 1},
            lightgbm.Dataset(matrix, target), 2,
        )  # fmt: skip
        names = [f"c{n}" for n in range(12)]
        forest = Forest.build(trees.trees(booster.model_to_string()), [0.0], names)
        shapley_values(forest, matrix[:50])
        shapley_values(forest, matrix[:50], matrix[:20])


def result_of(method: Method, first: dict[tuple[str, str], Method]) -> dict[str, Any]:
    """Return a method's line: speeds, memory, and the difference to the first of its kind."""
    leader = first.setdefault((method.model, method.values), method)
    count = min(len(method.found), len(leader.found))
    difference = None
    if leader is not method and "sampled" not in method.values:
        difference = float(np.abs(method.found[:count] - leader.found[:count]).max())
        difference = max(difference, abs(method.base - leader.base))
    error = None
    if leader.told is not None:
        added = method.base + method.found.sum(axis=1)
        error = float(np.abs(added - leader.told(len(method.found))).max())
    return {
        "model": method.model,
        "method": method.name,
        "values": method.values,
        "rows": method.rows,
        "rows_per_cpu_second": method.rows / statistics.median(method.seconds),
        "rows_per_second": method.rows / statistics.median(method.wall),
        "max_abs_difference": difference,
        "additivity_error": error,
        "peak_mib": round(method.peak_mib),
    }


def growth(columns: int) -> list[dict[str, Any]]:
    """Return how cost grows with rows, trees and depth, for LightGBM's trees."""
    import lightgbm

    frame, target = table_of(20_000, columns)
    matrix = frame.to_numpy()
    lines = []
    plain = {"rows": 20_000, "trees": 100, "depth": 6}
    for change in (
        {}, {"rows": 2_000}, {"trees": 400}, {"depth": 4}, {"depth": 8}, {"depth": 10},
    ):  # fmt: skip
        one = plain | change
        parameters = {
            "objective": "binary", "verbosity": -1, "max_depth": one["depth"],
            "num_leaves": 2 ** one["depth"], "min_data_in_leaf": 5, "num_threads": 2,
        }  # fmt: skip
        booster = lightgbm.train(parameters, lightgbm.Dataset(matrix, target), one["trees"])
        text = booster.model_to_string()
        forest = Forest.build(trees.trees(text), [0.0], list(frame.columns))
        line: dict[str, Any] = dict(one)
        for values, back in (
            ("tree_path_dependent", None),
            ("interventional", matrix[:BACKGROUND]),
        ):
            began = time.process_time()
            shapley_values(forest, matrix[: one["rows"]], back)
            line[values] = one["rows"] / (time.process_time() - began)
        lines.append(line)
    return lines


def grid(lines: list[dict[str, Any]], columns: list[str]) -> str:
    """Return a Markdown table."""

    def cell(value: Any) -> str:
        if value is None:
            return "–"
        return f"{value:,.3g}" if isinstance(value, float) and value < 100 else (
            f"{value:,.0f}" if isinstance(value, float) else f"{value:,}"
            if isinstance(value, int) else str(value)
        )  # fmt: skip

    head = [name.replace("_", " ") for name in columns]
    rows = [[cell(line[name]) for name in columns] for line in lines]
    parts = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(part) + " |" for part in parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--slow", type=int, default=200, help="rows of slow methods")
    parser.add_argument("--growth", action="store_true", help="with rows, trees and depth")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    frame, target = table_of(asked.rows, asked.columns)
    warm()
    with tempfile.TemporaryDirectory() as folder:
        h2o = H2oModels(frame, target, Path(folder))
        methods = methods_of(h2o, frame, target, asked)
        for turn in range(asked.repeats):
            for method in methods:
                measure(method, h2o.process)
                print(f"{turn + 1}/{asked.repeats} {method.model}: {method.name},"
                      f" {method.values}: {method.wall[-1]:.1f} s", flush=True)  # fmt: skip
        h2o.shared.stop()
    first: dict[tuple[str, str], Method] = {}
    lines = [result_of(method, first) for method in methods]
    print()
    print(grid(lines, ["model", "method", "values", "rows", "rows_per_cpu_second",
                       "max_abs_difference", "additivity_error", "peak_mib"]))  # fmt: skip
    result: dict[str, Any] = {"rows": asked.rows, "columns": asked.columns, "methods": lines}
    for key in ("rows_per_cpu_second", "max_abs_difference"):
        result[key] = {
            f"{line['model']} | {line['method']} | {line['values']}": line[key] for line in lines
        }
    if asked.growth:
        result["growth"] = growth(asked.columns)
        print()
        print(grid(result["growth"], ["rows", "trees", "depth", "tree_path_dependent",
                                      "interventional"]))  # fmt: skip
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
