"""Whether the model is fit for the stated use: rules in one table, and who asks them."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__, {"RULES": "rules", "Rule": "rules", "judge": "judging"}
)
