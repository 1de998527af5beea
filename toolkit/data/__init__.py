"""Scoping and the look at the data: what the first two notebooks compute."""

from toolkit._lazy import attach

# No module may bear the name of a public function: importing it would hide the function.
_MODULES = {
    "scoping.intake": "intake",
    "scoping.feasibility": "feasibility feasibility_of live_feasibility",
    "split.split": "make_split preview_split live_split",
    "profile.table_profile": "profile proxies",
    "quality.grading": "quality",
    "quality.contract": "check_contract contract keep_contract",
    "scoping.baselines": "baseline",
}

__getattr__, __dir__, __all__ = attach(
    __name__, {name: module for module, names in _MODULES.items() for name in names.split()}
)
