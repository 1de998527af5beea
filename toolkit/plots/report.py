"""Figures of the report. Each takes the plain data that ``report.json`` holds for it."""

from __future__ import annotations

from typing import Any

from toolkit.plots.style import BLUE, GREEN, GREY, ORANGE, RED, Plot, canvas, shorten

Data = dict[str, Any]

_CELL_LIMIT = 14
_MANY_CURVES = 2


def classes(data: Data) -> Plot:
    """Draw rows by class."""
    names = [name for name, _ in data["classes"]][:20]
    counts = [count for _, count in data["classes"]][:20]
    total = sum(count for _, count in data["classes"])
    alt = "; ".join(f"{shorten(n)}: {c:,} rows" for n, c in zip(names, counts, strict=True))
    with canvas("Rows by class of the target", alt, height=0.6 + 0.34 * len(names)) as sheet:
        axes = sheet.axes
        axes.barh(range(len(names)), counts, color=BLUE, height=0.6)
        for place, count in enumerate(counts):
            axes.text(count, place, f" {count:,} ({count / total:.1%})", va="center")
        _rows(axes, names)
        axes.set_xlim(0, max(counts) * 1.25)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("rows")
    return sheet.plot


def associations(data: Data) -> Plot:
    """Draw how well each column alone predicts the target."""
    columns = data["columns"]
    first = ", ".join(f"{shorten(c['column'])} ({c['association']:.2f})" for c in columns[:3])
    alt = f"Columns most associated with the target: {first}"
    title = "How well each column alone predicts the target, out of sample"
    with canvas(title, alt, height=0.8 + 0.26 * len(columns)) as sheet:
        axes = sheet.axes
        axes.barh(range(len(columns)), [c["association"] for c in columns], color=BLUE, height=0.6)
        _rows(axes, [c["column"] for c in columns])
        axes.set_xlim(0, 1)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("association: 0 none, 1 perfect")
    return sheet.plot


def leaderboard(data: Data) -> Plot:
    """Draw each model's score with its interval."""
    entries = [each for each in data["entries"] if each["score"]["value"] is not None]
    better = "higher" if data["greater_is_better"] else "lower"
    best = entries[0] if entries else None
    alt = (
        f"{len(entries)} models by {data['metric']}, {better} is better;"
        f" best is {shorten(best['name'])} with {best['score']['value']:.4g}"
        if best
        else "No model has a score"
    )
    title = f"{data['metric']} on the validation rows ({better} is better)"
    with canvas(title, alt, height=1 + 0.3 * len(entries)) as sheet:
        axes = sheet.axes
        for place, entry in enumerate(entries):
            chosen = entry["name"] == data["champion"]
            _interval(axes, place, entry["score"], ORANGE if chosen else BLUE,
                      "D" if chosen else "o")  # fmt: skip
        _rows(axes, [_marked(each["name"], data["champion"]) for each in entries])
        axes.set_xlabel(f"{data['metric']}, with interval; diamond: the champion")
    return sheet.plot


def calibration(data: Data) -> Plot:
    """Draw observed against predicted shares."""
    curves = data["curves"]
    gaps = [
        f"{curve['label']}: largest gap "
        f"{max(abs(b['predicted'] - b['observed']) for b in curve['bins']):.3f}"
        for curve in curves
    ]
    alt = f"Calibration on the {data['rows']} rows. " + "; ".join(gaps)
    title = f"Calibration on the {data['rows']} rows: predicted and observed probability"
    with canvas(title, alt, width=5, height=4.2) as sheet:
        axes = sheet.axes
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="ideal")
        styles = ((GREY, "s"), (BLUE, "o")) if len(curves) == _MANY_CURVES else ((BLUE, "o"),)
        for curve, (colour, marker) in zip(curves, styles, strict=False):
            x = [each["predicted"] for each in curve["bins"]]
            y = [each["observed"] for each in curve["bins"]]
            spread = [
                [max(each["observed"] - each["low"], 0) for each in curve["bins"]],
                [max(each["high"] - each["observed"], 0) for each in curve["bins"]],
            ]
            axes.errorbar(x, y, yerr=spread, color=colour, marker=marker, markersize=5,
                          linewidth=1.4, elinewidth=1, capsize=2, label=curve["label"])  # fmt: skip
        axes.set_xlabel("predicted probability (mean of a bin)")
        axes.set_ylabel("observed share")
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.legend(loc="upper left")
    return sheet.plot


def threshold(data: Data) -> Plot:
    """Draw the mean cost by threshold."""
    points = data["curve"]
    least = min(points, key=lambda point: point["cost"])
    alt = (
        f"Mean cost a row by threshold: lowest at {least['threshold']:.3f} with"
        f" {least['cost']:.4g}; used: {data['threshold']:.3f}"
    )
    with canvas("Mean cost a row on the validation rows, by threshold", alt, height=3.2) as sheet:
        axes = sheet.axes
        x = [point["threshold"] for point in points]
        axes.plot(x, [point["cost"] for point in points], color=BLUE)
        axes.axvline(data["threshold"], color=ORANGE, linewidth=1.6, linestyle="--")
        axes.annotate(f"used: {data['threshold']:.3f}", (data["threshold"], 1),
                      xycoords=("data", "axes fraction"), xytext=(5, -12),
                      textcoords="offset points", color="#7A4F00")  # fmt: skip
        axes.set_xlabel("threshold on the probability of the positive class")
        axes.set_ylabel(f"cost a row ({shorten(data['unit'], 18)})")
        axes.set_ylim(bottom=min(0, *(point["cost"] for point in points)))
    return sheet.plot


def confusion(data: Data) -> Plot:
    """Draw the confusion matrix: shares of each actual class, with counts."""
    names, counts = data["classes"], data["confusion"]
    totals = [sum(row) or 1 for row in counts]
    shares = [[cell / total for cell in row] for row, total in zip(counts, totals, strict=True)]
    alt = "; ".join(
        f"{shorten(name)}: {row[i]:,} of {sum(row):,} predicted rightly"
        for i, (name, row) in enumerate(zip(names, counts, strict=True))
    )
    side = max(2.8, 0.75 * len(names) + 1.6)
    title = "Decisions on the test rows: share of each actual class, and rows"
    with canvas(title, alt, width=min(side + 1.6, 8.5), height=min(side, 7)) as sheet:
        axes = sheet.axes
        # A mesh, since an image would put a bitmap into the SVG.
        axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=1)
        axes.set_ylim(len(names), 0)
        small = 8 if len(names) > 6 else 10
        for i, row in enumerate(counts):
            for j, cell in enumerate(row):
                ink = "white" if shares[i][j] > 0.55 else "#111827"
                text = f"{shares[i][j]:.0%}\n{cell:,}"
                axes.text(
                    j + 0.5, i + 0.5, text, ha="center", va="center", fontsize=small, color=ink
                )
        labels = [shorten(name, _CELL_LIMIT) for name in names]
        many = len(names) > 4
        middles = [place + 0.5 for place in range(len(names))]
        axes.set_xticks(middles, labels, rotation=45 if many else 0,
                        ha="right" if many else "center")  # fmt: skip
        axes.set_yticks(middles, labels)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("actual class")
        axes.grid(visible=False)
    return sheet.plot


def importance(data: Data) -> Plot:
    """Draw mean absolute SHAP values with intervals."""
    columns = data["columns"]
    of = f" for {shorten(data['of'])}" if data["of"] else ""
    first = ", ".join(
        f"{shorten(each['column'])} ({each['mean_abs']['value']:.3g})" for each in columns[:3]
    )
    alt = f"Most important columns{of}, by mean absolute SHAP value: {first}"
    title = f"Which columns move the output most{of}"
    with canvas(title, alt, height=0.9 + 0.28 * max(len(columns), 1)) as sheet:
        axes = sheet.axes
        for place, each in enumerate(columns):
            value = each["mean_abs"]
            axes.barh(place, value["value"], color=BLUE, height=0.62)
            if value["low"] is not None and value["high"] is not None:
                axes.plot([value["low"], value["high"]], [place, place], color="#111827",
                          linewidth=1.4)  # fmt: skip
        _rows(axes, [each["column"] for each in columns])
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"mean |SHAP|; line: interval\n{shorten(data['output'], 70)}")
    return sheet.plot


def waterfall(data: Data) -> Plot:
    """Draw how the columns lead from the mean output to one row's output."""
    parts = data["parts"]
    alt = (
        f"{data['title']}. From {data['base']:.4g} on average to {data['prediction']:.4g}. "
        + "; ".join(f"{shorten(p['column'])} {p['shap']:+.3g}" for p in parts[:5])
    )
    labels = [
        f"{shorten(p['column'], 22)} = {shorten(p['value'], 16)}" if p["value"] else p["column"]
        for p in parts
    ]
    with canvas(data["title"], alt, height=1.2 + 0.3 * len(parts)) as sheet:
        axes = sheet.axes
        # From the mean upwards: the smallest part first, so that the largest meets the output.
        level, ends = data["base"], [data["base"]]
        for place in reversed(range(len(parts))):
            step = parts[place]["shap"]
            axes.barh(place, step, left=level, color=RED if step > 0 else BLUE, height=0.62)
            level += step
            ends.append(level)
        width = (max(ends) - min(ends)) or 1.0
        level = data["base"]
        for place in reversed(range(len(parts))):
            step = parts[place]["shap"]
            level += step
            side = 1 if step >= 0 else -1
            axes.text(level + side * 0.012 * width, place, f"{step:+.3g}", va="center",
                      ha="left" if side > 0 else "right", fontsize=8.5)  # fmt: skip
        axes.axvline(data["base"], color=GREY, linewidth=1, linestyle=":")
        axes.axvline(data["prediction"], color="#111827", linewidth=1)
        _rows(axes, labels, shortened=True)
        axes.set_xlim(min(ends) - 0.16 * width, max(ends) + 0.16 * width)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(
            f"{shorten(data['output'], 70)}\n"
            f"dotted: {data['base']:.4g} on average; line: {data['prediction']:.4g} for this row"
        )
    return sheet.plot


def groups(data: Data) -> Plot:
    """Draw metrics by protected group, with intervals."""
    members, metrics = data["groups"], data["metrics"]
    sizes = "; ".join(f"{shorten(g['group'])}: {g['rows']:,} rows" for g in members[:8])
    alt = f"Test results by group of {shorten(data['column'])}. {sizes}"
    title = f"Test results by group of {shorten(data['column'], 40)}"
    with canvas(title, alt, height=1.2 + 0.34 * len(members), cols=max(len(metrics), 1)) as sheet:
        panes = sheet.axes if len(metrics) > 1 else [sheet.axes]
        for number, (axes, metric) in enumerate(zip(panes, metrics, strict=True)):
            for place, group in enumerate(members):
                found = group["metrics"].get(metric["name"])
                if found is not None and found["value"] is not None:
                    _interval(axes, place, found, GREEN if group["judged"] else GREY,
                              "o" if group["judged"] else "x")  # fmt: skip
            names = [f"{shorten(g['group'], 18)} ({g['rows']:,})" for g in members]
            _rows(axes, names if number == 0 else ["" for _ in members], shortened=True)
            axes.set_xlabel(shorten(metric["title"], 26))
            axes.locator_params(axis="x", nbins=4)
    return sheet.plot


def _rows(axes: Any, names: list[str], *, shortened: bool = False) -> None:
    labels = names if shortened else [shorten(name, 34) for name in names]
    axes.set_yticks(range(len(names)), labels)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _marked(name: str, champion: str) -> str:
    return f"▸ {shorten(name, 30)}" if name == champion else name


def _interval(axes: Any, place: int, score: Data, colour: str, marker: str) -> None:
    if score["low"] is not None and score["high"] is not None:
        axes.plot([score["low"], score["high"]], [place, place], color=colour, linewidth=1.8)
    axes.plot(score["value"], place, marker=marker, color=colour, markersize=6, linestyle="")
