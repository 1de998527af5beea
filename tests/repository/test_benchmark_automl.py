"""The benchmark's own logic, on systems that need no environment: ranks, resuming, failures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from sklearn.metrics import roc_auc_score

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "automl"

GOOD = """
from adapter import Fitted

def fit(task):
    means = task.train.groupby("group")[task.target].apply(lambda t: (t == task.classes[1]).mean())
    return Fitted(lambda frame: frame["group"].map(means), ["pandas"], {"winner": "means"})
"""
CONSTANT = """
import numpy as np
from adapter import Fitted

def fit(task):
    return Fitted(lambda frame: np.full(len(frame), 0.5), ["numpy"])
"""
RAISES = """
def fit(task):
    raise ValueError(f"nothing fits into {task.budget:g} s\\nand more")
"""
HANGS = """
import subprocess, sys, time

def fit(task):
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    child = subprocess.Popen(sleep, start_new_session=True)
    (task.folder / "child.txt").write_text(str(child.pid))
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    rng = np.random.default_rng(5)
    group = rng.choice(list("abcd"), 300)
    chance = pd.Series(group).map({"a": 0.1, "b": 0.4, "c": 0.6, "d": 0.9})
    answer = np.where(rng.random(300) < chance, "yes", "no")
    frame = pd.DataFrame({"group": group, "noise": rng.normal(size=300), "answer": answer})
    frame.to_csv(folder / "small.csv.gz", index=False)
    for name, text in (
        ("good", GOOD), ("constant", CONSTANT), ("raises", RAISES), ("hangs", HANGS),
    ):  # fmt: skip
        (folder / f"{name}.py").write_text(text)
    return folder


def run(folder, name, systems, *more, budget="120", seeds="2"):
    answer = subprocess.run(
        [
            sys.executable, BENCHMARK / "run.py", "--tables", "small:answer", "--data", folder,
            "--systems", ",".join(str(folder / f"{system}.py") for system in systems),
            "--json", folder / f"{name}.json", "--budget", budget, "--seeds", seeds, *more,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return answer.stdout, json.loads((folder / f"{name}.json").read_text())


@pytest.mark.slow
def test_ranks_and_goes_on_where_it_was(folder):
    first, _ = run(folder, "a", ["good", "raises"], seeds="1")
    assert "from before" not in first
    printed, result = run(folder, "a", ["constant", "raises", "good"])
    assert printed.count("(from before)") == 2
    assert result["mean_rank"] == {"constant": 2.0, "raises": 3.0, "good": 1.0}
    table = result["tables"]["small"]
    assert (table["metric"], table["higher_is_better"]) == ("auc", True)
    good, constant, raises = (table["systems"][name] for name in ("good", "constant", "raises"))
    assert good["low"] < good["score"] < good["high"]
    assert constant["score"] == constant["low"] == constant["high"] == 0.5
    assert good["wall"] > 0
    assert good["peak_mib"] > 10
    assert [seed["facts"] for seed in good["seeds"]] == [{"winner": "means"}] * 2
    assert result["versions"]["good"] == {"pandas": pd.__version__}
    assert raises["failures"] == 2
    assert raises["score"] is None
    assert raises["seeds"][0]["failure"] == "ValueError: nothing fits into 120 s"
    # Failures are results too, until they are asked for again or the adapter changes.
    printed, _ = run(folder, "a", ["constant", "raises", "good"], "--retry-failed")
    assert printed.count("(from before)") == 4
    (folder / "constant.py").write_text(CONSTANT.replace("0.5", "0.4"))
    printed, _ = run(folder, "a", ["constant", "raises", "good"])
    assert printed.count("(from before)") == 4
    _page(folder)


def _page(folder):
    page = folder / "page.md"
    page.write_text("Before\n<!-- results -->\nold\n<!-- end of results -->\nAfter\n")
    command = [sys.executable, BENCHMARK / "table.py", folder / "a.json", "--write", page]
    subprocess.run(command, check=True)
    text = page.read_text()
    assert text.startswith("Before\n<!-- results -->\n")
    assert text.endswith("<!-- end of results -->\nAfter\n")
    assert "old" not in text
    assert "seed 1, raises: ValueError" in text


def test_ends_what_takes_too_long_with_all_that_it_started(folder):
    printed, result = run(folder, "b", ["hangs"], budget="4", seeds="1")
    assert "no model after" in printed
    assert result["tables"]["small"]["systems"]["hangs"]["failures"] == 1
    started = folder / "b.work" / "cells" / "small" / "0" / "hangs" / "child.txt"
    if started.exists():  # on a very busy machine it did not come so far
        assert not psutil.pid_exists(int(started.read_text()))


def test_scores_on_resampled_rows(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARK))
    import scores

    rng = np.random.default_rng(2)
    truth = rng.integers(0, 2, 200)
    guess = np.round(rng.random(200) + 0.3 * truth, 1)  # with ties
    counts = np.bincount(rng.integers(0, 200, 200), minlength=200)
    found = scores.weighted("auc", truth, guess)(counts.astype(float))
    rows = np.repeat(np.arange(200), counts)
    assert found == pytest.approx(roc_auc_score(truth[rows], guess[rows]))
    places = scores.ranks("rmse", {"a": 2.0, "b": 1.0, "c": 2.0, "d": None, "e": None})
    assert places == {"a": 2.5, "b": 1.0, "c": 2.5, "d": 5.0, "e": 5.0}
    assert scores.score("log_loss", np.array([0]), np.array([[0.0, 1.0]])) < 40
