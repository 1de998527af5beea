"""How each number of the report is computed again.

A claim's ``recipe`` is one of these names, with its argument in brackets where it takes one:
``test_metric(roc_auc)``. Every claim that is not derived is also held, as it is, at ``pointer``
in ``source``; the recipe says where that artefact has it from.
"""

from __future__ import annotations

RECIPES: dict[str, str] = {
    "intake": "Read the source again with the project's `data` section and count.",
    "feasibility": "Compute `metrics` on the known targets of table.parquet and the costs.",
    "profile": "Count or describe the column's values in table.parquet.",
    "association": "Score a model on this one column, out of sample, on the rows of table.parquet.",
    "drift": "Compare the column's bins in the two samples (population stability index).",
    "split": "Count the rows and targets of split.parquet and table.parquet by part.",
    "baseline": "Fit it on the train rows and score it on the validation rows (20,000 at most).",
    "labels": "Count in label_scores.parquet, or in the event log behind label_patch.parquet.",
    "out_of_fold_metric": "`metrics.bootstrap` of the metric on out_of_fold.parquet.",
    "features": "Count the columns of feature_map.json, or those whose first source is named.",
    "weights": "Select the ensemble again from out_of_fold.parquet.",
    "winner": "`metrics.joint` on out_of_fold.parquet, with the single models as contenders.",
    "complexity": "Count coefficients, leaves or weights in the model's folder.",
    "size": "Add up the sizes of the files in the model's folder.",
    "search": "Count what the engine returned; only a new search can confirm it.",
    "calibration": "Calibrate out_of_fold.parquet, cross-fitted, and bin or score it.",
    "threshold": "Minimise the mean cost over out_of_fold.parquet, within the limit if the project"
    " sets one; or the project's number.",
    "beside": "`Winner.ensemble_gain` with the best single model, else `metrics.paired_difference`"
    " on out_of_fold.parquet.",
    "holdout": "`metrics.bootstrap` of the metric on the champion's predictions of the rows that"
    " split.parquet calls `validation`; the selection's score from out_of_fold.parquet.",
    "shuffled": "Fit a model of the champion's kind on labels shuffled with the project's seed,"
    " and score it on rows held out from it.",
    "conformal": "Take the champion's intervals or sets on the rows that split.parquet calls"
    " `validation`, and count how often the truth is inside.",
    "test_metric": "`metrics.bootstrap` of the metric on test_predictions.parquet.",
    "constant": "Score a constant guess, made from the train rows, on the test rows.",
    "confusion": "Cross-tabulate `actual` and `predicted` in test_predictions.parquet.",
    "slice": "Compare the losses of test_predictions.parquet inside and outside the condition.",
    "error_tree": "Grow the tree again on half of the test rows, and measure it on the other half.",
    "confusion_rows": "Count the rows of test_predictions.parquet by `actual` and `predicted`.",
    "error_curve": "Mean residual or loss of the test rows in the range.",
    "perturbed": "Perturb the test rows again with the same seed, and score the saved champion.",
    "group": "Wilson's interval of a share, Student's of a mean error, or `metrics.bootstrap` of"
    " another metric, on the test rows of one protected group.",
    "fairness": "`evaluate.compare` of the groups that have enough of the rows which the fairness"
    " metric is over, in test_predictions.parquet.",
    "crossing": "As for a group, on the test rows of one group of each of two protected columns.",
    "trade_off": "`evaluate.fairness_detail` with the saved champion: decide the test rows as the"
    " point says, and count.",
    "acceptance": "Hold the metric on test_predictions.parquet against `acceptance`.",
    "explanation": "Explain the saved champion again with the same seed.",
    "importance": "Mean of |shap| in attributions.parquet for the column and class.",
    "global_effects": "Compute the global effects of the saved champion again with the same seed;"
    " counts are those of the rows scored.",
    "interaction": "Partial dependence of both columns, less that of each, over the sampled rows.",
    "permutation": "Shuffle the column between test rows with the project's seed, score them, and"
    " compare the metric.",
    "stability": "Resample the rows of attributions.parquet and rank the columns by mean |shap|.",
    "surrogate": "Fit the tree to the champion's outputs on train rows and compare both on test"
    " rows.",
    "attribution": "The `shap` of one row and column in attributions.parquet.",
    "prediction": "Load the saved champion and predict the row.",
    "log_odds": "The logarithm of p / (1 - p) of the predicted probability p; of several"
    " classes, the logarithm of p less the mean of all classes' logarithms.",
    "row_reports": "`toolkit.explain.row_reports` again with the saved champion and the same seed.",
    "counterfactual": "Apply the changes to the row, load the saved champion and predict it.",
    "similar": "Count the outcomes of the row's `similar` in row_reports.json.",
    "contents": "Mask the parts of the texts and images in content_explanation.json again,"
    " with the same seed, and count.",
    "choice": "What the project says at this key.",
    "count": "Count the items at `pointer` that meet the condition named in brackets.",
    "completeness": "`toolkit.project.completeness.questions`, answered over asked.",
}
"""Name to description."""


def name(recipe: str) -> str:
    """Return a recipe's name without its argument."""
    return recipe.partition("(")[0]
