"""Where the report comes from: digests, versions, sources of choices; and times, apart."""

from __future__ import annotations

from typing import Any

from toolkit import canonical, paths
from toolkit.artifacts import Champion, Intake, LabelReview, Leaderboard, SearchSummary
from toolkit.artifacts.base import Facts, JsonArtifact
from toolkit.project.sources import Source, now
from toolkit.report import blocks
from toolkit.report.book import Book, every_artifact
from toolkit.run import fingerprint

_SHOWN_CHOICES = 200


def provenance(book: Book) -> Facts:
    """Return digests, versions and the source of each choice; equal for equal runs.

    A JSON artefact that holds times counts without them.
    """
    manifest = book.stage.run.manifest()
    intake, review = book.get(Intake), book.get(LabelReview)
    return {
        "project": book.project.name,
        "project_digest": book.stage.file.digest(),
        "source_digest": intake.digest if intake else None,
        "table_digest": intake.table_digest if intake else None,
        "label_events_digest": review.events_digest if review else None,
        "toolkit": manifest.toolkit,
        "code_digest": canonical.digest(
            {stage: record.code for stage, record in manifest.stages.items()}
        ),
        "python": manifest.python,
        "platform": manifest.platform,
        "libraries": [[name, version] for name, version in manifest.libraries.items()],
        "seed": book.project.seed,
        "artifacts": _digests(book),
        "choices": _choices(book),
    }


def _digests(book: Book) -> list[Facts]:
    found = []
    for kind in every_artifact():
        artifact = book.get(kind)
        if artifact is None:
            digest, note = None, "not there"
        elif isinstance(artifact, JsonArtifact) and artifact.time_fields:
            without = artifact.model_dump(mode="json", exclude=set(artifact.time_fields))
            digest, note = canonical.digest(without), "of its content without times"
        else:
            digest, note = canonical.digest_file(kind.path(book.stage.run.folder)), ""
        found.append({"file": kind.file, "stage": kind.stage, "digest": digest, "note": note})
    return found


def _choices(book: Book) -> list[Facts]:
    """Return key, value and source of each choice that is no default.

    The columns of the table are many and were inferred together: they are one line.
    """
    values = book.project.model_dump(mode="json")
    listed: list[Facts] = []
    columns = 0
    for key, source in book.stage.file.sources().items():
        if source.kind == "default":
            continue
        if key.startswith("columns.") and source.kind == "project file":
            columns += 1
        elif len(listed) < _SHOWN_CHOICES:
            listed.append({"key": key, "value": _value(values, key), **_origin(source)})
    if columns:
        listed.append(
            {"key": f"columns ({columns} keys)", "value": "", "kind": "project file", "by": "",
             "at": ""}
        )  # fmt: skip
    return listed


def _origin(source: Source) -> Facts:
    return {"kind": source.kind, "by": source.by, "at": source.at}


def _value(values: Any, key: str) -> str:
    if key in ("data.source", "data.query", "tracking.uri"):
        return "[not shown]"  # an address or a folder of somebody's machine
    found = values
    while key and isinstance(found, dict):
        # A name of a column or a class may itself hold dots: the longest match is it.
        name = max((n for n in found if key == n or key.startswith(f"{n}.")), key=len, default="")
        if not name:
            return ""
        found, key = found[name], key[len(name) + 1 :]
    text = found if isinstance(found, str) else canonical.dumps(found).strip()
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:79] + "…"


def stale(book: Book) -> list[tuple[str, str]]:
    """Return stages whose results do not follow from today's choices and files, and why."""
    run, file = book.stage.run, book.stage.file
    records = run.manifest().stages
    found = []
    for name in paths.STAGES[: paths.STAGES.index(book.stage.name)]:
        record = records.get(name)
        if record is None:
            found.append((name, "it was not run"))
        elif record.status != "done":
            found.append((name, f"it did not finish ({record.status})"))
        # What scoping computes does not hang on the words of its many answers.
        elif name != "scoping" and record.choices != fingerprint.choices_digest(name, file):
            found.append((name, "choices were changed after it ran"))
        else:
            files = {**record.inputs, **record.outputs}
            changed = [
                path.removeprefix(fingerprint.PROJECT)
                for path, digest in files.items()
                if fingerprint.digest_or_absent(fingerprint.resolve(path, run, file)) != digest
                and not path.startswith(fingerprint.PROJECT + "/")
            ]
            if changed:
                found.append(
                    (name, f"files changed after it ran: {', '.join(sorted(changed)[:5])}")
                )
    return found


def times(book: Book) -> Facts:
    """Return what differs between two equal runs: the run's id, times, and files with times."""
    run = book.stage.run
    manifest = run.manifest()
    search, champion = book.get(SearchSummary), book.get(Champion)
    model = run.folder / champion.model if champion else None
    return {
        "run": run.id,
        "run_created": manifest.created,
        "report_made": now(),
        "stages": [
            {"name": name, "started": record.started, "finished": record.finished,
             "seconds": record.seconds, "peak_mib": record.peak_mib}
            for name in paths.STAGES
            if (record := manifest.stages.get(name)) and name != book.stage.name
        ],
        "engines": [{"name": e.engine, "seconds": e.seconds} for e in search.engines]
        if search else [],
        "search_seconds": search.seconds if search else None,
        "search_peak_mib": search.peak_mib if search else None,
        "models": _models(search) if search else [],
        "figures": _timed_figures(book),
        "model_digest": canonical.digest_file(model) if model and model.exists() else None,
    }  # fmt: skip


def _models(search: SearchSummary) -> list[Facts]:
    names = sorted({*search.fit_seconds, *search.scoring_seconds})
    return [
        {"name": name, "seconds": search.fit_seconds.get(name),
         "scoring": search.scoring_seconds.get(name)}
        for name in names
    ]  # fmt: skip


def _timed_figures(book: Book) -> list[Facts]:
    """Return the figures that two equal runs draw differently."""
    search, board = book.get(SearchSummary), book.get(Leaderboard)
    if search is None or board is None:
        return []
    bare = [entry.model_copy(update={"metrics": {}, "details": {}}) for entry in board.entries]
    board = board.model_copy(update={"entries": bare})
    found = []
    if search.scoring_seconds:
        kept = search.model_copy(update={"trials": [], "timeline": [], "checks": []})
        found.append(blocks.figure("automl.pareto", board, beside=kept))
    if search.timeline:
        kept = search.model_copy(update={"trials": [], "checks": []})
        found.append(blocks.figure("automl.timeline", board, beside=kept))
    return found
