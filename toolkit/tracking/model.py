"""The champion as an MLflow model: its signature, an example, and where it is registered."""

from __future__ import annotations

import importlib.metadata
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import canonical, metrics
from toolkit.artifacts import Champion, Intake, Rows, Split
from toolkit.automl.files.model_file import read_facts
from toolkit.automl.model.saved_model import Model, saved_model
from toolkit.run.manifest import library_versions
from toolkit.table.images import images
from toolkit.table.read import layout
from toolkit.tracking import contents

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage

NAME = "champion"
CANDIDATE = "candidate"
"""The alias of a version whose verdict is not that it is fit."""
DIGEST_TAG = "toolkit.model_digest"
URI_TAG = "toolkit.model_uri"
_DISTRIBUTION = "jupyter-automl-toolkit"
_ALSO = ("pyarrow", "pydantic", "scipy", "skops")
_SAMPLE = 2_000
_NOT_ALLOWED = re.compile(r"[/:\\%\"']+")


def log_champion(stage: Stage, client: Any, run_id: str) -> str:
    """Log the champion under an MLflow run, unless the same files already are; return its URI."""
    import mlflow

    champion = stage.read(Champion)
    folder = stage.run.folder / champion.model
    digest = canonical.digest_file(folder)
    known = client.get_run(run_id).data.tags
    if known.get(DIGEST_TAG) == digest and known.get(URI_TAG):
        return str(known[URI_TAG])
    model = saved_model(folder)
    info = mlflow.pyfunc.log_model(
        name=NAME,
        python_model=str(Path(__file__).with_name("pyfunc.py")),
        artifacts={"model": str(folder)},
        signature=_signature(model, _written_with_blanks(stage)),
        input_example=_example(stage, model),
        pip_requirements=requirements(folder),
        metadata=_metadata(champion, model, digest),
    )
    client.set_tag(run_id, DIGEST_TAG, digest)
    client.set_tag(run_id, URI_TAG, info.model_uri)
    return str(info.model_uri)


def register(stage: Stage, client: Any, run_id: str, model_uri: str) -> tuple[str, str, str]:
    """Register a logged champion and give it an alias; return name, version and alias.

    The project's alias moves only to a model whose verdict is that it is fit; any other new
    version gets ``candidate``. A champion that is registered already keeps its version, and the
    alias stays where it is: mirroring an old run once more does not bring its model back. It
    gets the alias later if it has become fit since, unless a newer version has it.

    Returns
    -------
    tuple of str
        The alias is empty where the version has none of the two.
    """
    from mlflow.exceptions import MlflowException

    project = stage.project
    name = registered_name(project.name)
    digest = client.get_run(run_id).data.tags[DIGEST_TAG]
    try:
        client.get_registered_model(name)
    except MlflowException:
        client.create_registered_model(name, description=project.problem.question or None)
    verdict = contents.verdict(stage.run)
    quoted = name.replace("'", "")
    for version in client.search_model_versions(f"name = '{quoted}'"):
        if version.run_id == run_id and version.tags.get(DIGEST_TAG) == digest:
            for tag, value in verdict.items():
                client.set_model_version_tag(name, version.version, tag, value)
            changed = version.tags.get(contents.VERDICT_TAG) != verdict.get(contents.VERDICT_TAG)
            return name, str(version.version), _alias(stage, client, name, version, changed)
    version = client.create_model_version(
        name,
        source=model_uri,
        run_id=run_id,
        tags={DIGEST_TAG: digest, "toolkit.run_id": stage.run.id, **verdict},
        model_id=model_uri.removeprefix("models:/"),
    )
    return name, str(version.version), _alias(stage, client, name, version, True)


def _alias(stage: Stage, client: Any, name: str, version: Any, changed: bool) -> str:
    """Move an alias to a version that is new, or whose verdict changed; return the one it has."""
    wanted, number = stage.project.tracking.alias, int(version.version)

    def held() -> dict[str, int]:
        return {k: int(v) for k, v in client.get_registered_model(name).aliases.items()}

    fit, before = contents.fit(stage.run), held()
    if changed and fit and before.get(wanted, 0) <= number:
        client.set_registered_model_alias(name, wanted, version.version)
        if wanted != CANDIDATE and before.get(CANDIDATE) == number:
            client.delete_registered_model_alias(name, CANDIDATE)
    elif changed and not fit and before.get(wanted) != number:
        if before.get(CANDIDATE, 0) <= number:
            client.set_registered_model_alias(name, CANDIDATE, version.version)
    elif not fit and before.get(wanted) == number and wanted != CANDIDATE:
        stage.note(
            f"The alias {wanted} stays at version {number} of {name}, whose verdict is now:"
            f" {contents.verdict(stage.run).get(contents.VERDICT_TAG, 'not judged')}"
        )
    after = held()
    return next((alias for alias in (wanted, CANDIDATE) if after.get(alias) == number), "")


def registered_name(text: str) -> str:
    """Return a project's name as a registered model's."""
    return _NOT_ALLOWED.sub("-", " ".join(text.split())).strip() or "model"


def requirements(folder: Path) -> list[str]:
    """Return pip requirements that load a model: the toolkit, its engines, what shapes numbers."""
    names = {name: v for name, v in library_versions().items() if v != "not installed"}
    for name in (*_ALSO, *read_facts(folder)["requires"]):
        names[name] = importlib.metadata.version(name)
    unused = ("papermill", "pandera", "fairlearn", "cleanlab", "shap")
    own = f"{_DISTRIBUTION}=={importlib.metadata.version(_DISTRIBUTION)}"
    return [own, *(f"{n}=={v}" for n, v in sorted(names.items()) if n not in unused)]


def _written_with_blanks(stage: Stage) -> list[str]:
    """Return the names of the source's header that have blanks around them, as written."""
    checks = stage.read(Intake).checks
    return [name for check in checks if check.name == layout.BLANKS for name in check.columns]


def _signature(model: Model, written: list[str]) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, DataType, ParamSchema, ParamSpec, Schema

    # pandas reads one and the same column as integers, floats, booleans or text, depending on
    # the batch; MLflow refuses integers for floats. The model reads all of them, so any goes in.
    # Columns that MLflow does not know it drops, before the model can find them by their name:
    # it has to know both ways of writing one.
    twice = {name.strip() for name in written}
    inputs: list[Any] = [
        ColSpec(DataType.binary if column.type == "image" else AnyType(), name, name not in twice)
        for name, column in model.columns.items()
    ]
    inputs += [ColSpec(AnyType(), name, False) for name in written if name.strip() in model.columns]
    outputs: list[Any] = [ColSpec(DataType.double, f"p:{name}") for name in model.classes]
    kinds = {"i": DataType.long, "f": DataType.double, "b": DataType.boolean}
    last = DataType.double
    if model.classes:
        last = kinds.get(metrics.label_values(model.classes).dtype.kind, DataType.string)
    return ModelSignature(
        Schema(inputs),
        Schema([*outputs, ColSpec(last, "predicted")]),
        ParamSchema([ParamSpec("unusual", DataType.string, "warn")]),
    )


def _metadata(champion: Champion, model: Model, digest: str) -> dict[str, Any]:
    return {
        "champion": champion.name,
        "family": champion.family,
        "task": model.task,
        "classes": model.classes,
        "threshold": model.threshold,
        "columns": {name: column.type for name, column in model.columns.items()},
        "digest": digest,
    }


def _example(stage: Stage, model: Model) -> pd.DataFrame:
    """Return one made-up row, as `pandas.read_csv` would read it: what is usual in each column.

    It is no person's row. Texts, each of which may name somebody, are left empty; an image is a
    grey square.
    """
    import pandas as pd

    split = stage.read(Split).frame
    training = split.loc[split["part"] == "train", "row"].to_numpy()[:_SAMPLE]
    typed = stage.read(Rows).frame[list(model.columns)].iloc[training]
    pictures = [name for name, column in model.columns.items() if column.type == "image"]
    typed = typed.assign(**dict.fromkeys(pictures))
    sample = pd.read_csv(io.StringIO(typed.to_csv(index=False)), skip_blank_lines=False)
    row: dict[str, Any] = {}
    for name, column in zip(sample.columns, model.columns.values(), strict=True):
        values = sample[name].dropna()
        if column.type == "image":
            row[name] = images.encode(np.full((8, 8), 128, dtype=np.uint8))
        elif column.type == "text" or values.empty:
            row[name] = None
        elif column.type == "number":
            row[name] = values.sort_values().iloc[len(values) // 2]
        else:
            row[name] = values.mode().iloc[0]
    return pd.DataFrame([row.values()], columns=list(model.columns))
