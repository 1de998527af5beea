"""Tables: reading any source, typing its columns, and what models take."""

from toolkit._lazy import attach

_MODULES = {
    "read.source": "RawTable read_source",
    "read.inspection": "detect find_header inspect",
    "types.infer": "infer_columns",
    "types.target": "check_target class_counts target_values",
    "types.typed": "conform effective_columns pick table_digest",
    "frames": "as_frame",
    "schema.input_schema": "InputSchema",
    "ordering": "drawn_together moments",
    "parts": "Part check_weights leak_suspects load_part",
    "duplicates": "copies_together duplicate_groups row_hashes",
    "features.unlearned": "design",
    "features.featuriser": "Features",
    "features.preprocessor": "Preprocessor make_preprocessor",
    "predictor": "Predictor",
}

__getattr__, __dir__, __all__ = attach(
    __name__, {name: module for module, names in _MODULES.items() for name in names.split()}
)
