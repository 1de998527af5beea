"""Tables: reading any source, typing its columns, and what models take."""

from toolkit._lazy import attach

_MODULES = {
    "source": "RawTable read_source",
    "sniff": "detect find_header inspect",
    "infer": "infer_columns",
    "target": "check_target class_counts target_values",
    "typed": "conform effective_columns pick table_digest",
    "frames": "as_frame",
    "input_schema": "InputSchema",
    "ordering": "drawn_together moments",
    "parts": "Part check_weights leak_suspects load_part",
    "duplicates": "copies_together duplicate_groups row_hashes",
    "features": "design",
    "featurise": "Features",
    "preprocess": "Preprocessor make_preprocessor",
    "predictor": "Predictor",
}

__getattr__, __dir__, __all__ = attach(
    __name__, {name: module for module, names in _MODULES.items() for name in names.split()}
)
