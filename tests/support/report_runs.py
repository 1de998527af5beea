"""Small but complete runs with hand-made values and nasty names, for the report's tests."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd

from toolkit import artifacts as a
from toolkit import open_stage, paths
from toolkit.artifacts import Check, Interval
from toolkit.table.images import images

NASTY = "<script>alert('x')</script>"
"""A category and a part of column names."""
SECRET = "Zoë Geheim"
"""A value of the identifier and of the text column: it must never be seen."""

CLASSES = {"binary": ["good", NASTY], "multiclass": ["roja", NASTY, "zöld"], "regression": []}
METRIC = {"binary": "log_loss", "multiclass": "log_loss", "regression": "rmse"}
NUMBER, CATEGORY = 'Größe "in" <b>cm</b> & more', f"purpose {NASTY}"


def make_project(folder: Path, task: str, **sections: dict) -> Path:
    """Write a project file and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = {
        "id": {"type": "text", "role": "identifier"},
        "note": {"type": "text", "role": "feature"},
        NUMBER: {"type": "number", "role": "feature"},
        CATEGORY: {"type": "category", "role": "feature"},
        "sex": {"type": "category", "role": "feature", "protected": True},
        "label": {"type": "number" if task == "regression" else "category", "role": "target"},
    }
    project = {
        "name": f"A {task} model & <i>co</i>",
        "data": {"source": "/home/somebody/table.csv"},
        "columns": columns,
        "target": {"column": "label", "task": task},
        "acceptance": [{"metric": METRIC[task], "at_most": 0.6}],
        **sections,
    }
    if task == "binary":
        project["target"]["positive"] = NASTY
        project.setdefault("costs", {"false_positive": 1, "false_negative": 5, "unit": "EUR"})
    # JSON is YAML, and its quotes take any name.
    (folder / "project.yaml").write_text(json.dumps(project, ensure_ascii=False), encoding="utf-8")
    return folder


ANSWERED = {
    "problem": {
        "question": "Will an applicant < 30 not repay?",
        "business_goal": "Fewer losses at the same volume.",
        "decision": "Whether a clerk looks at the application.",
        "decision_maker": "A clerk.",
        "users": "Clerks.",
        "affected": "Applicants.",
        "out_of_scope": f"Pricing. {NASTY}",
        "unit": "An application.",
        "prediction_time": "When it is complete.",
        "constraints": "",
    },
    "fairness": {
        "people_affected": True,
        "protected_confirmed": True,
        "outcome_is_benefit": False,
        "label_trusted": False,
        "errors_matter_most": "both",
    },
    "governance": {
        "risk_tier": "medium",
        "owner": "Ana",
        "reviewer": "Béla",
        "review_date": "2027-01-31",
    },
    "report": {"statement": "Fit for the pilot.\nNot for pricing."},
}


def write_artifacts(folder: Path, task: str) -> None:
    """Write what the five stages before the report make, as finished stages of a run."""
    made = {name: [] for name in paths.STAGES}
    for artifact in _artifacts(task):
        made[artifact.stage].append(artifact)
    for name in paths.STAGES[:-1]:
        stage = open_stage(name, folder, "runs/one")
        for artifact in made[name]:
            stage.write(artifact)
        if name == "label_review":
            stage.note("The ranking comes from 3 folds, since a class has only 3 rows.")
        stage.finish()


def make_run(folder: Path, task: str, *, answered: bool = True) -> Path:
    """Write project and run; return the project's folder."""
    answers = dict(ANSWERED) if answered else {}
    if answered and task == "multiclass":
        answers["costs"] = {"matrix": {"zöld": {NASTY: 3}}, "unit": "hours"}
    make_project(folder, task, **answers)
    write_artifacts(folder, task)
    return folder


def _artifacts(task: str) -> list:
    return [
        *_scoping(task),
        *_eda(task),
        *_labels(task),
        *_automl(task),
        *_explain(task),
        *_errors(task),
    ]


def _scoping(task: str) -> list:
    facts = [
        a.ColumnFacts(name=name, type=kind, role=role, protected=name == "sex", missing=3,
                      distinct=9, examples=[SECRET])
        for name, kind, role in (
            ("id", "text", "identifier"), ("note", "text", "feature"),
            (NUMBER, "number", "feature"), (CATEGORY, "category", "feature"),
            ("sex", "category", "feature"), ("label", "category", "target"))
    ]  # fmt: skip
    message = f"3 cells of 'note' such as '{SECRET}' were cut."
    check = Check(
        name="Texts", severity="warning", message=message, columns=["note"], remedy="Shorten them"
    )
    classes = dict.fromkeys(reversed(CLASSES[task]), 300)
    return [
        a.Intake(source="/home/somebody/table.csv", digest="sha256:aa", table_digest="sha256:bb",
                 rows=600, columns=facts, checks=[check]),
        a.Rows(pd.DataFrame({"label": ["x"] * 3})),
        a.Feasibility(task=task, rows=598, classes=classes, metric=METRIC[task],
                      positive=NASTY if task == "binary" else None,
                      metric_reason="The probability itself is used.",
                      fairness_metric="equalized_odds_difference",
                      fairness_reason="Both errors harm people.",
                      cost_threshold=1 / 6 if task == "binary" else None,
                      constant={METRIC[task]: 0.69}, detectable=0.081, test_rows=120,
                      checks=[Check(name="Rows", severity="ok", message="600 rows are enough.")]),
    ]  # fmt: skip


def _eda(task: str) -> list:
    columns = [
        a.ColumnProfile(name="id", type="text", role="identifier", protected=False, missing=0,
                        distinct=600, top=[(SECRET, 1)]),
        a.ColumnProfile(name="note", type="text", role="feature", protected=False, missing=60,
                        distinct=540, top=[(SECRET, 2)], association=0.02),
        a.ColumnProfile(name=NUMBER, type="number", role="feature", protected=False, missing=12,
                        distinct=311, mean=170.0, association=0.41),
        a.ColumnProfile(name=CATEGORY, type="category", role="feature", protected=False,
                        missing=0, distinct=7, top=[(NASTY, 240), ("boat", 2)], association=0.33),
        a.ColumnProfile(name="sex", type="category", role="feature", protected=True, missing=0,
                        distinct=2, top=[("f", 310), ("m", 290)], association=0.05),
    ]  # fmt: skip
    shares = dict.fromkeys(CLASSES[task], 1 / max(len(CLASSES[task]), 1)) or {
        "mean": 206855.8, "std": 115395.6}  # fmt: skip
    parts = [
        a.SplitPart(part=part, rows=rows, target=shares)
        for part, rows in (("train", 360), ("validation", 120), ("test", 118), ("unused", 2))
    ]
    return [
        a.Profile(rows=600, sampled=600, duplicates=4, columns=columns,
                  suspects=[a.Suspect(column=NUMBER, score=0.97, reason="Predicts it alone.")],
                  drift=[a.Drift(column=NUMBER, axis="split", distance=0.31, severity="warning")]),
        a.Quality(checks=[
            Check(name="Duplicate rows", severity="warning", message="4 rows equal another one."),
            Check(name="Leakage", severity="critical", columns=[NUMBER], remedy="Ask its owner",
                  message=f"{NUMBER} alone predicts the target at 0.97."),
            Check(name="Constant columns", severity="ok", message="None."),
        ]),
        a.Contract(pandera_version="0.26", schema_text="{}"),
        a.Split(pd.DataFrame({"row": range(3), "part": ["train", "test", "validation"]})),
        a.SplitSummary(method="stratified", parts=parts, metric=METRIC[task],
                       baseline={"constant": Interval(value=0.69),
                                 "linear": Interval(value=0.55, low=0.5, high=0.6)}),
    ]  # fmt: skip


def _labels(task: str) -> list:
    return [
        a.LabelScores(pd.DataFrame({"row": [0], "given": ["x"], "suggested": ["y"],
                                    "score": [0.1], "issue": [True], "rank": [0]})),
        a.LabelPatch(pd.DataFrame({"row": [0, 1], "action": ["accept", "relabel"],
                                   "label": [None, "good"]})),
        a.LabelReview(model="logistic regression, 5 folds", metric=METRIC[task], model_score=0.58,
                      rows=598, issues=31, issues_by_class={NASTY: 20, "good": 11}, queued=100,
                      reviewed=2 if task == "binary" else 0, accepted=1, relabelled=1, dropped=0,
                      skipped=0, reviewers=[a.Reviewer(name="Ana <a@b>", decisions=2)],
                      events_digest="sha256:cc" if task == "binary" else None, applied=True),
    ]  # fmt: skip


def _automl(task: str) -> list:
    entries = [
        a.Entry(name=name, engine=engine, family=family, size_kib=size,
                score=Interval(value=score, low=score - 0.04, high=score + 0.05),
                calibration_error=0.03 if task != "regression" else None,
                complexity=12.0 * size, within_noise=index == 1,
                members={"h2o_gbm_2": 0.75, "autokeras_1": 0.25} if engine == "ensemble" else {},
                violates=["age: the prediction is not always increasing."] * (index == 2))
        for index, (name, engine, family, score, size) in enumerate((
            ("ensemble", "ensemble", "weighted ensemble", 0.47, 2210.5),
            ("h2o_gbm_2", "h2o", "gradient boosting", 0.48, 310.0),
            ("autokeras_1", "autokeras", "neural network", 0.53, 15720.0),
            ("baseline_linear", "baseline", "logistic regression", 0.55, 12.0)))
    ]  # fmt: skip
    bins = [a.Bin(predicted=p, observed=p + 0.04 * math.sin(9 * p), low=max(p - 0.1, 0),
                  high=min(p + 0.12, 1), rows=24) for p in (0.05, 0.2, 0.4, 0.6, 0.9)]  # fmt: skip
    curve = [
        a.CurvePoint(threshold=t / 20, cost=0.4 + (t / 20 - 0.17) ** 2, precision=0.5, recall=0.8,
                     flagged=1 - t / 20)
        for t in range(1, 20)
    ]  # fmt: skip
    classes, binary = task != "regression", task == "binary"
    return [
        a.Leaderboard(metric=METRIC[task], greater_is_better=False, train_rows=360,
                      scored_rows=360, folds=5, fold_method="classes shared out evenly",
                      entries=entries,
                      winner=a.Winner(name="h2o_gbm_2", among=3, selection_bias=0.004,
                                      score=Interval(value=0.484, low=0.43, high=0.54),
                                      ensemble_gain=Interval(value=0.009, low=-0.002, high=0.02))),
        a.FeatureMap(columns=[
            a.DerivedColumn(name=NUMBER, sources=[NUMBER], kind="number", what="as it is"),
            a.DerivedColumn(name=f"note: {SECRET}", sources=["note"], kind="text", what="topic",
                            parameters={"words": [SECRET]}),
            a.DerivedColumn(name="note: length", sources=["note"], kind="text", what="length")],
            left_out=["sex"], notes=["Topics are learnt from 360 rows."]),
        a.SearchSummary(preset="balanced", engines=[
            a.EngineRun(engine="h2o", version="3.46.0.11", models=8, seconds=31.0,
                        failures=["XGBoost needs more memory than there was."]),
            a.EngineRun(engine="autokeras", version="3.0.0", models=3, seconds=20.0)],
            trials=[
                a.TrialRun(name="h2o_gbm_2", engine="h2o", family="GBM", round=1, status="done"),
                a.TrialRun(name="h2o_xgboost_1", engine="h2o", family="XGBoost", round=2,
                           status="failed", reason=f"out of memory {NASTY}"),
                a.TrialRun(name="h2o_drf_1", engine="h2o", family="DRF", round=2,
                           status="skipped", reason="Nothing more is to gain.")],
            ended="Round 2 improved the ensemble by less than the interval can resolve.",
            scoring_seconds={"ensemble": 0.2, "h2o_gbm_2": 0.04},
            fit_seconds={"ensemble": 50.0, "h2o_gbm_2": 4.5},
            timeline=[(5.1, "h2o_gbm_2", 0.48), (30.2, "autokeras_1", 0.53)],
            seconds=61.5, peak_mib=2300.0,
            reproducible=True, reproducible_reason="counts, no time limit"),
        a.OutOfFoldPredictions(pd.DataFrame({"row": [1, 2], "fold": [0, 1]})),
        a.Champion(name="h2o_gbm_2", engine="h2o", family="gradient boosting", rule="by hand",
                   reason="As good as the ensemble, and one model to explain.",
                   best="ensemble", model="models/champion",
                   calibration="isotonic" if classes else "none",
                   calibration_scores={"none": 0.49, "isotonic": 0.48} if classes else {},
                   calibration_error=0.021 if classes else None,
                   error_before=0.034 if classes else None,
                   holdout=a.Holdout(metric=METRIC[task], rows=120, selection=0.48, optimism=0.011,
                                   score=Interval(value=0.491, low=0.43, high=0.56),
                                   optimism_low=-0.07, optimism_high=0.09, selection_bias=0.004,
                                   explained=True),
                   shuffled=a.Shuffled(metric=METRIC[task], chance=0.69,
                                       score=Interval(value=0.7, low=0.68, high=0.73),
                                       better_than_chance=False),
                   conformal=a.Conformal(method="absolute error", coverage=0.9, rows=360,
                                         measured=Interval(value=0.91, low=0.85, high=0.95),
                                         size=1.4),
                   calibration_before=bins if binary else [],
                   calibration_after=bins if binary else [],
                   threshold=0.172 if binary else None, threshold_rule="lowest cost",
                   threshold_curve=curve if binary else []),
    ]  # fmt: skip


def _explain(task: str) -> list:
    names = CLASSES[task]
    outputs = {"binary": [NASTY], "multiclass": names, "regression": ["value"]}[task]
    predictions = pd.DataFrame({"row": [3, 7, 12, 40]})
    actual = pd.Series((names * 4)[:4] if names else [1.5, 2.5, 80.0, 3.0])
    predictions["actual"] = actual
    for index, name in enumerate(names):
        predictions[f"p:{name}"] = [(0.1 + 0.2 * row + 0.3 * index) % 1 for row in range(4)]
    predictions["predicted"] = (names[::-1] * 4)[:4] if names else [1.0, 2.0, 70.0, 3.0]
    lines = [
        {"row": row, "class": name, "column": column, "value": value, "number": number,
         "shap": 0.1 * (index - 1.4) * (1 + row % 3), "standard_error": 0.002}
        for row in (3, 7, 12, 40)
        for name in outputs
        for index, (column, value, number) in enumerate((
            ("note", SECRET, math.nan), (NUMBER, "181.0", 181.0),
            (CATEGORY, NASTY if row < 10 else "boat", math.nan), ("sex", "f", math.nan)))
    ]  # fmt: skip
    importance = [
        a.Importance(column=column, mean_abs=Interval(value=v, low=v - 0.01, high=v + 0.02),
                     standard_error=0.003)
        for column, v in ((NUMBER, 0.21), (CATEGORY, 0.12), ("sex", 0.04), ("note", 0.01))
    ]  # fmt: skip
    score = Interval(value=0.5, low=0.44, high=0.57)
    metrics = {METRIC[task]: score}
    metrics |= {"r2": score} if task == "regression" else {"accuracy": score, "brier": score}
    groups = [
        a.Group(column="sex", group=group, rows=rows, judged=rows > 30,
                metrics={METRIC[task]: score, "selection_rate": score},
                base={METRIC[task]: rows, "selection_rate": rows,
                      **({"true_positive_rate": rows - 5} if task == "binary" else {})},
                too_few=[] if rows > 30 else ["selection_rate"])
        for group, rows in (("f", 60), ("m", 50), (NASTY, 8))
    ]  # fmt: skip
    return [
        a.TestPredictions(predictions),
        a.Evaluation(
            rows=118, metric=METRIC[task], metrics=metrics, constant={METRIC[task]: 0.69},
            confusion={x: {y: 40 if x == y else 9 for y in names} for x in names},
            cost=Interval(value=0.42, low=0.36, high=0.49) if names else None,
            constant_cost=0.7 if names else None,
            calibration=[a.Bin(predicted=0.3, observed=0.35, low=0.2, high=0.5, rows=50)]
            if task == "binary" else [],
            slices=[
                a.Slice(where=f"{CATEGORY} = {NASTY}", columns=[CATEGORY], rows=24, score=score,
                        difference=0.2, p_value=0.0004),
                a.Slice(where=f"note = {SECRET}", columns=["note"], rows=5, score=score,
                        difference=0.3, p_value=0.04),
            ],
            groups=groups,
            fairness=[a.FairnessVerdict(column="sex", metric="equalized_odds_difference",
                                        difference=Interval(value=0.08, low=0.01, high=0.2),
                                        limit=0.1, verdict="unclear")],
            acceptance=[a.AcceptanceVerdict(metric=METRIC[task], limit="at most 0.6", score=score,
                                            verdict="met")],
        ),
        a.Explanation(method="permutation SHAP", output="probability of the class",
                      base=dict.fromkeys(outputs, 0.3), classes=outputs, rows=4,
                      background=100, permutations=16, evaluations=51200,
                      additivity_error=3e-9, additivity_tolerance=1e-6,
                      importance=dict.fromkeys(outputs, importance)),
        a.Attributions(pd.DataFrame(lines)),
        _row_reports(task),
        _effects_artifact(outputs),
        _fairness(task, score),
        _inside(task),
    ]  # fmt: skip


def _row_reports(task: str) -> a.RowReports:
    names = CLASSES[task]
    decision, wanted = (names[-1], names[0]) if names else ("70", "1 to 20")
    reasons = [
        a.Reason(column=column, value=value, shap=shap, standard_error=0.002, protected=flag,
                 text=f"{column} is {value}")
        for column, value, shap, flag in (
            ("note", SECRET, 0.2, False), (NUMBER, "181", 0.15, False),
            (CATEGORY, "boat", 0.1, False), ("sex", "f", 0.05, True))
    ]  # fmt: skip
    changes = [
        a.CellChange(column=NUMBER, before=181.0, after=170.5, size=1.2),
        a.CellChange(column=CATEGORY, before="boat", after=NASTY, size=1.0),
    ]
    way = a.Counterfactual(changes=changes, score=0.12, decision=wanted, size=2.2,
                           plausibility=0.31)  # fmt: skip
    similar = [
        a.Similar(row=9, distance=0.1, actual=decision, decision=wanted, score=0.2),
        a.Similar(row=11, distance=0.2, actual=wanted, decision=wanted, score=0.1),
    ]
    reports = [
        a.RowReport(row=row, actual=decision, decision=decision, score=0.6, wanted=wanted,
                   reasons=reasons if row != 12 else [], similar=similar,
                   counterfactuals=[way] if row == 3 else [],
                   blocked="" if row == 3 else "Every column is fixed.")
        for row in (3, 7, 12, 40)
    ]  # fmt: skip
    return a.RowReports(task=task, adverse=f"{NASTY} is adverse.", output=f"probability of {NASTY}",
                        threshold=0.172 if task == "binary" else None, adverse_rows=4,
                        compared=360, training=360, evaluations=14000,
                        fixed={"sex": "protected"}, reports=reports)  # fmt: skip


def _errors(task: str) -> list:
    names, regression = CLASSES[task], task == "regression"
    score = Interval(value=0.5, low=0.44, high=0.57)
    changed = None if regression else 0.1

    def node(parent, depth, condition, column, **more):
        return a.ErrorNode(parent=parent, depth=depth, condition=condition, where=condition or
                           "all rows", columns=[column] if column else [], leaf=depth > 0,
                           fitted_rows=60, rows=29, loss=score, **more)  # fmt: skip

    def harm(column, setting=None):
        return a.ColumnHarm(column=column, setting=setting, score=0.6, changed=changed,
                      harm=Interval(value=0.1, low=0.05, high=0.2))  # fmt: skip

    curves = [
        a.ErrorCurve(over=over, kind=kind, parts=[
            a.CurvePart(name="below 3", rows=60, value=score),
            a.CurvePart(name=part, rows=58, value=score)])
        for over, kind, part in (("prediction", "prediction", "from 3"),
                                 (CATEGORY, "column", NASTY), ("note", "column", SECRET))
    ]  # fmt: skip
    return [
        a.ErrorsFound(
            rows=118, of_rows=118, loss="root mean squared error" if regression else
            "mean log loss", mean_loss=score, overall=score, curves=curves,
            measure="mean residual (actual minus predicted)" if regression else "mean log loss",
            tree=[node(None, 0, "", ""),
                  node(0, 1, f"{CATEGORY} = {NASTY}", CATEGORY, p_value=0.001, worse=True),
                  node(0, 1, f"note = {SECRET}", "note", p_value=1.0)],
            confusions=[a.Confusion(actual=names[0], decided=NASTY, rows=9, share=0.2,
                                    examples=[3, 7], certainty=[0.9, 0.8])] if names else [],
            checks=[Check(name="Error tree", severity="warning", columns=["note"],
                          message=f"A leaf is worse: note = '{SECRET}'.")],
        ),
        a.Robustness(
            metric=METRIC[task], rows=118, of_rows=118, evaluations=9000, baseline=score,
            constant=0.69,
            noise=[a.Dose(strength=s, score=score, changed=changed) for s in (0.0, 0.5)],
            blanks=[a.Dose(strength=0.1, score=score, changed=changed)],
            missing=[harm(NUMBER), harm("note")], shifts=[harm(NUMBER, 2.0)],
            unseen=[harm(CATEGORY)],
            extremes=[a.Extreme(column=NUMBER, setting="above", value=250.0, change=0.2)],
            outside=[a.OutsideData(made="columns permuted independently", rows=118, limit=0.9,
                               share=Interval(value=0.2, low=0.1, high=0.3),
                               verdict="overconfident")],
            checks=[Check(name="Refused rows", severity="critical", columns=[CATEGORY],
                          message=f"The model cannot score rows with {CATEGORY}.")],
        ),
    ]  # fmt: skip


def _effects_artifact(outputs: list[str]) -> a.GlobalEffects:
    curve = a.Curve(pdp=[0.2, 0.3, 0.5], ale=[-0.1, 0.0, 0.1], ale_low=[-0.2, -0.1, 0.0],
                    ale_high=[0.0, 0.1, 0.2], ice=[[0.1, 0.3, 0.4], [0.3, 0.3, 0.6]])  # fmt: skip
    curves = dict.fromkeys(outputs, curve)
    score = Interval(value=0.04, low=0.01, high=0.07)
    leaves = [a.TreeNode(rows=rows, values=dict.fromkeys(outputs, 0.3)) for rows in (200, 160)]
    root = a.TreeNode(column=CATEGORY, test=f"is {NASTY}", yes=1, no=2, rows=360,
                      values=dict.fromkeys(outputs, 0.3))  # fmt: skip
    compared = [
        a.ComparedImportance(column=column, loss=score, rank=4 - place, shap=0.2 / (place + 1),
                             shap_rank=place + 1, why="It may not help." * (place == 0))
        for place, column in enumerate((NUMBER, CATEGORY, "sex", "note"))
    ]  # fmt: skip
    return a.GlobalEffects(
        output="probability of the class", outputs=outputs, mean=dict.fromkeys(outputs, 0.3),
        rows=360, of_rows=360, effect_rows=200, ale_rows=360, evaluations=51000,
        effects=[
            a.FeatureEffect(column=NUMBER, kind="number", grid=[150.0, 170.0, 190.0],
                     counts=[180, 168], outside=[0.0, 0.1, 0.6], related=[CATEGORY], curves=curves),
            a.FeatureEffect(column=CATEGORY, kind="category", levels=[NASTY, "car", "boat"],
                     counts=[240, 100, 2], outside=[0.0, 0.0, 0.3], curves=curves)],
        interactions=a.Interactions(
            columns=[NUMBER, CATEGORY, "sex"], rows=50, strongest={NUMBER: CATEGORY},
            pairs=[a.PairStrength(first=NUMBER, second=CATEGORY, size=score, h=score),
                   a.PairStrength(first=NUMBER, second="sex", size=score,
                                  h=Interval(value=None))]),
        permutation=a.PermutationComparison(metric="log_loss", rows=118, of_rows=118, repeats=5,
                                            agreement=-0.4, columns=compared),
        stability=[a.RankStability(column=NUMBER, rank=1, kept=0.9, low=1, high=2, top3=1.0)],
        surrogate=a.Surrogate(depth=1, rows=360, test_rows=118, r2=0.64, agreement=0.8,
                              nodes=[root, *leaves], rules=[f"If {CATEGORY} is {NASTY}: 0.3"]),
        checks=[Check(name="Surrogate tree", severity="warning", message="It explains 64%.")],
    )  # fmt: skip


def _fairness(task: str, score: Interval) -> a.FairnessDetail:
    binary = task == "binary"
    rates = {"selection_rate": score} if binary else {METRIC[task]: score}
    crossings = [
        a.Intersection(columns=columns, groups=["f", group], rows=rows, judged=rows > 30,
                       metrics=rates)
        for columns, group, rows in ((["sex", CATEGORY], NASTY, 44), (["sex", CATEGORY], "car", 9),
                                     (["sex", "note"], SECRET, 3))
    ]  # fmt: skip
    curve = [
        a.TradeOffPoint(
            name=f"{method} sex {strength:g}", method=method, column="sex", strength=strength,
            thresholds={"f": 0.1, NASTY: 0.2} if strength and method == "thresholds" else {},
            fallback=0.17 if method == "thresholds" else None, difference=score, verdict="beyond",
            accuracy=score, cost=score, difference_change=score, accuracy_change=score,
            cost_change=score, changed=strength / 10,
            groups=[a.GroupRates(group="f", rows=60, judged=True, rates=rates)])
        for method, strength in (("thresholds", 0.0), ("thresholds", 1.0), ("surrogate", 0.0),
                                 ("reweighting", 1.0))
    ]  # fmt: skip
    chosen = a.Mitigation(
        name="thresholds sex 1", reason=f"It costs little. {NASTY}", method="thresholds",
        column="sex", thresholds={"f": 0.1, NASTY: 0.2}, fallback=0.17, applies=True,
    )  # fmt: skip
    verdict = a.FairnessVerdict(column=f"sex × {CATEGORY}", metric="equalized_odds_difference",
                                difference=score, limit=0.1, verdict="beyond")  # fmt: skip
    return a.FairnessDetail(
        metric="equalized_odds_difference", metric_asked=True, limit=0.1, rows=118,
        minimum_group=30, crossings=crossings, crossing_verdicts=[verdict], crossings_left_out=2,
        rows_left_out=5, fit_rows=120 if binary else 0, surrogate="a small model" * binary,
        surrogate_rows=360, surrogate_of=360, curve=curve if binary else [],
        no_curve="" if binary else "Mitigation is traced for two classes only.",
        mitigation=chosen if binary else None,
    )  # fmt: skip


def _inside(task: str) -> a.ContentExplanation:
    of = "value" if task == "regression" else NASTY
    values = a.ContentValues(of=of, base=0.3, output=0.7, values=[0.3, 0.1],
                             standard_error=[0.01, 0.2])  # fmt: skip
    about = {"row": 7, "why": "most certain and right", "actual": NASTY, "predicted": NASTY}
    first, last = (len(word) for word in SECRET.split())
    text = a.ContentRow(column="note", kind="text", orders=0, text=SECRET, words=2,
                        parts=[(0, first), (first + 1, first + 1 + last)], outputs=[values],
                        **about)  # fmt: skip
    pixels = np.arange(96, dtype=np.uint8).reshape(8, 12)
    image = a.ContentRow(column=f"photo {NASTY}", kind="image", orders=64, down=[0, 8],
                         across=[0, 6, 12], outputs=[values],
                         image=images.thumbnail(images.encode(pixels)), **about)  # fmt: skip
    columns = [
        a.ContentColumn(column=row.column, kind=row.kind, masking="removed", rows=1, empty=2,
                        parts=2, unclear=1, noise=0.4, orders=row.orders,
                        words=[a.WordEffect(word=SECRET.lower(), rows=2, mean_abs=0.3, mean=0.3)]
                        if row is text else [])
        for row in (text, image)
    ]  # fmt: skip
    return a.ContentExplanation(
        said="2 contents.",
        output="probability",
        looked=118,
        evaluations=4000,
        additivity_error=2e-9,
        additivity_tolerance=1e-6,
        columns=columns,
        rows=[text, image],
    )
