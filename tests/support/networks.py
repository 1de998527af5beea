"""What tests of networks share: the engine, its trials, and what JAX has compiled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from toolkit.automl import engines
from toolkit.automl.engines.autokeras.engine import load_keras
from toolkit.automl.engines.base import Trial
from toolkit.automl.task import SearchTask

ENGINE = engines.get("autokeras")


@pytest.fixture(scope="module", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let tests share what JAX has compiled: most of their time goes into that."""
    load_keras(1)
    import jax

    wanted = {
        "jax_compilation_cache_dir": str(tmp_path_factory.mktemp("compiled")),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
    }
    before = {name: getattr(jax.config, name) for name in wanted}
    for name, value in wanted.items():
        jax.config.update(name, value)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def trial_of(task: SearchTask, name: str) -> Trial:
    """Return the planned trial of a name."""
    return next(trial for trial in ENGINE.plan(task.facts) if trial.name == name)
