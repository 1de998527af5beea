"""Trees of any library as plain arrays, and exact Shapley values of what they predict."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Forest": "forest",
        "TreeNodes": "forest",
        "TreeEnsemble": "ensembles",
        "AdditiveModel": "ensembles",
        "expected": "values",
        "margins": "values",
        "shapley_values": "values",
        "seconds": "values",
    },
)
