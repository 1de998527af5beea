"""The benchmark's JSON as Markdown: ``python benchmarks/automl/table.py FILE [--write PAGE]``.

``--write`` puts it into a page between ``<!-- results -->`` and ``<!-- end of results -->``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- results -->", "<!-- end of results -->"
TITLES = {"auc": "AUC, higher is better", "log_loss": "log loss, lower is better",
          "rmse": "RMSE, lower is better"}  # fmt: skip


def markdown(result: dict[str, Any]) -> str:
    """Return all of a result as Markdown."""
    machine = result["machine"]
    lines = [
        f"{result['budget']:g} s a table and system, {machine['cores_used']} of"
        f" {machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB,"
        f" {len(result['seeds'])} seeds.",
        *([f"The toolkit with {', '.join(result['choices'])}."] if result["choices"] else []),
        "",
        *_ranks(result),
    ]
    for name, table in result["tables"].items():
        lines += ["", f"**{name}** ({TITLES[table['metric']]})", "", *_table(table)]
    lines += ["", *_optimism(result["optimism"]), *_failures(result), *_versions(result)]
    return "\n".join(lines).strip() + "\n"


def _ranks(result: dict[str, Any]) -> list[str]:
    ranked = sorted(
        ((rank, name) for name, rank in result["mean_rank"].items() if rank is not None),
    )
    rows = [[name, f"{rank:.2f}"] for rank, name in ranked]
    return grid(["system", "mean rank"], rows)


def _table(table: dict[str, Any]) -> list[str]:
    rows = []
    for name, one in sorted(table["systems"].items(), key=lambda item: item[1]["rank"] or 99):
        behind = one["behind_toolkit"]
        rows.append(
            [
                name,
                number(one["score"]),
                f"{number(one['low'])} to {number(one['high'])}",
                f"{behind['by']:+.4g} ({behind['low']:+.4g} to {behind['high']:+.4g})"
                if behind
                else "",
                number(one["wall"], ".0f"),
                number(one["wall_most"], ".0f"),
                number(one["predict"], ".1f"),
                number(one["peak_mib"], ".0f"),
                number(one["rank"], ".2f"),
                str(one["failures"] or ""),
            ]
        )
    heads = [
        "system", "score", "95 %", "behind the toolkit", "fit s", "most", "predict s",
        "peak MiB", "rank", "failed",
    ]  # fmt: skip
    return grid(heads, rows)


def _optimism(optimism: dict[str, Any]) -> list[str]:
    if not optimism["tables"]:
        return []
    rows = [
        [
            name, one["metric"], number(one["selection"]), number(one["holdout"]),
            f"{one['optimism']:+.4g}", number(one["selection_bias"]),
            f"{one['explained']} of {one['cells']}",
        ]
        for name, one in optimism["tables"].items()
    ]  # fmt: skip
    means = [f"{metric} {value:+.4g}" for metric, value in optimism["mean"].items()]
    return [
        f"**Optimism of the toolkit's selection**, mean by metric: {', '.join(means)}",
        "",
        *grid(
            ["table", "metric", "selection", "holdout", "optimism", "selection_bias", "explained"],
            rows,
        ),
    ]


def _failures(result: dict[str, Any]) -> list[str]:
    lines = [
        f"- {table}, seed {cell['seed']}, {name}: {cell['failure']}"
        for table, facts in result["tables"].items()
        for name, one in facts["systems"].items()
        for cell in one["seeds"]
        if cell["failure"]
    ]
    return ["", "Failures:", "", *lines] if lines else []


def _versions(result: dict[str, Any]) -> list[str]:
    if not result["versions"]:
        return []
    lines = [
        f"- {name}: {', '.join(f'{package} {version}' for package, version in found.items())}"
        for name, found in result["versions"].items()
    ]
    return ["", "Versions:", "", *lines]


def number(value: float | None, form: str = ".5g") -> str:
    return "–" if value is None else f"{value:{form}}"


def grid(heads: list[str], rows: list[list[str]]) -> list[str]:
    """Return a Markdown table that is legible as text too."""
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"

    return [line(heads), line(["-" * width for width in widths]), *map(line, rows)]


def main() -> int:
    parser = argparse.ArgumentParser(description="The benchmark's JSON as Markdown.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="replace the page's results")
    arguments = parser.parse_args()
    text = markdown(json.loads(arguments.file.read_text(encoding="utf-8")))
    if arguments.write is None:
        print(text, end="")
        return 0
    page = arguments.write.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{arguments.write} has no {BEGIN} ... {END}")
    arguments.write.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
