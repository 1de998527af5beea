"""Free text: what it is made of, its commonest words, and what it is about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from toolkit.table import values
from toolkit.table.features_steps import Arrays, Facts, Part

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.feature_extraction.text import TfidfVectorizer

MOST_CHARACTERS = 20_000
"""A longer text counts with its beginning: a cell of a megabyte must not stop a model."""
FIT_TEXTS = 20_000
"""Distinct texts from which terms are learnt, at most."""
NGRAMS = {"word": (1, 2), "char_wb": (2, 4)}
SIZE = 40
"""Directions kept of a text column, at most."""
LEAST_SIZE = 4
ROWS_EACH = 100
"""Training rows for each direction: with few rows, many directions only invite overfitting."""
TERMS = 10_000
"""The most terms kept of each analyser."""
_BLOCK = 10_000  # texts at a time, so that their n-grams never fill the memory
_WORD = r"(?u)\b\w+\b"
_SHAPE: dict[str, tuple[str, str]] = {
    "digits": (r"\p{Nd}", "share of digits"),
    "capitals": (r"\p{Lu}", "share of capital letters"),
    "punctuation": (r"[\p{P}\p{S}]", "share of punctuation and signs"),
    "beyond ASCII": (r"[^\x00-\x7F]", "share of characters beyond ASCII"),
}


@dataclass(frozen=True)
class Topics:
    """Texts as points: TF-IDF of words and n-grams, turned onto its main directions.

    Latent semantic analysis (Deerwester and others, 1990), with sublinear term frequency.
    Texts that share words, or parts of words, lie close together, misspelt or not.

    Attributes
    ----------
    vocabularies : dict of str to list of str
        Terms by analyser: ``word``, ``char_wb``.
    ngrams : dict of str to tuple of int
        The shortest and longest n-gram of each analyser.
    weights : ndarray of float64, shape (terms,)
        Inverse document frequency of all terms, in the order of the vocabularies.
    components : ndarray of float64, shape (terms, k)
        The main directions.
    """

    vocabularies: dict[str, list[str]]
    ngrams: dict[str, tuple[int, int]]
    weights: np.ndarray[Any, Any]
    components: np.ndarray[Any, Any]

    @classmethod
    def fit(
        cls,
        texts: list[str],
        ngrams: dict[str, tuple[int, int]],
        *,
        size: int,
        terms: int,
        seed: int,
        least: int = 2,
    ) -> Self | None:
        """Learn from texts; None if they share too few terms.

        Parameters
        ----------
        texts : list of str
            The more, the longer it takes.
        ngrams : dict of str to tuple of int
            See `Topics`.
        size : int
            How many directions.
        terms : int
            The most terms for each analyser, the most frequent first.
        seed : int
            Of the randomised decomposition.
        least : int
            In how many texts a term must occur.
        """
        from scipy import sparse
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.utils.extmath import randomized_svd
        from threadpoolctl import threadpool_limits

        texts = [text[:MOST_CHARACTERS] for text in texts]
        parts, vocabularies, weights = [], {}, []
        for analyser, bounds in ngrams.items():
            vectorizer = TfidfVectorizer(
                **_settings(analyser, bounds), min_df=least, max_features=terms
            )
            try:
                parts.append(vectorizer.fit_transform(texts))
            except ValueError:  # no term occurs often enough
                continue
            vocabularies[analyser] = vectorizer.get_feature_names_out().tolist()
            weights.append(vectorizer.idf_)
        if not parts:
            return None
        matrix = sparse.hstack(parts).tocsr()
        size = min(size, min(matrix.shape) - 1)
        if size < 1:
            return None
        # One thread: the order in which threads add up would show in the last bits.
        with threadpool_limits(1):
            components = randomized_svd(matrix, size, n_iter=4, random_state=seed)[2]
        # Kept in single precision: that is exact enough, and half as large on disk.
        components = np.ascontiguousarray(components.T.astype("float32"))
        found = {name: bounds for name, bounds in ngrams.items() if name in vocabularies}
        return cls(vocabularies, found, np.concatenate(weights), components)

    def __len__(self) -> int:
        return int(self.components.shape[1])

    def __call__(self, texts: list[str]) -> np.ndarray[Any, Any]:
        """Return float64 of shape (texts, k)."""
        from scipy import sparse

        made = np.zeros((len(texts), len(self)))
        for start in range(0, len(texts), _BLOCK):
            block = [text[:MOST_CHARACTERS] for text in texts[start : start + _BLOCK]]
            matrix = sparse.hstack([part.transform(block) for part in self._parts]).tocsr()
            # Sparse times dense goes row by row: one text gives the same bits as many do.
            made[start : start + len(block)] = matrix @ self._wide
        return made

    @cached_property
    def _wide(self) -> np.ndarray[Any, Any]:
        return self.components.astype("float64")

    @cached_property
    def _parts(self) -> list[TfidfVectorizer]:
        from sklearn.feature_extraction.text import TfidfVectorizer

        made, start = [], 0
        for analyser, terms in self.vocabularies.items():
            part = TfidfVectorizer(**_settings(analyser, self.ngrams[analyser]), vocabulary=terms)
            part.idf_ = self.weights[start : start + len(terms)]
            start += len(terms)
            made.append(part)
        return made

    def meaning(self, k: int, most: int = 5) -> list[str]:
        """Return the terms that weigh most in a direction."""
        terms = [term for found in self.vocabularies.values() for term in found]
        heavy = np.argsort(-np.abs(self.components[:, k]), kind="stable")[:most]
        return [terms[place] for place in heavy]

    def state(self) -> tuple[Facts, Arrays]:
        """Return terms as JSON, numbers as arrays."""
        facts = {"vocabularies": self.vocabularies, "order": list(self.vocabularies)}
        facts["ngrams"] = {name: list(bounds) for name, bounds in self.ngrams.items()}
        return facts, {"weights": self.weights, "components": self.components}

    @classmethod
    def from_state(cls, facts: Facts, arrays: Arrays) -> Self:
        """Return what `state` told."""
        order = facts["order"]
        return cls(
            {name: facts["vocabularies"][name] for name in order},
            {name: (facts["ngrams"][name][0], facts["ngrams"][name][1]) for name in order},
            arrays["weights"],
            arrays["components"],
        )


def _settings(analyser: str, bounds: tuple[int, int]) -> Facts:
    return {
        "analyzer": analyser,
        "ngram_range": bounds,
        "token_pattern": _WORD if analyser == "word" else None,
        "sublinear_tf": True,
        "dtype": np.float64,
    }


@dataclass(frozen=True)
class Text:
    """A text as its length, its mix of characters, and what it is about.

    Attributes
    ----------
    name : str
        The text column.
    topics : Topics or None
        None where no words repeat.
    """

    name: str
    topics: Topics | None
    kind: ClassVar[str] = "text"

    @classmethod
    def fit(cls, series: pd.Series, name: str, seed: int) -> Self:
        """Learn terms and directions from distinct texts."""
        texts = sampled(sorted(values.cells(series, ()).texts), FIT_TEXTS, seed)
        size = min(SIZE, max(LEAST_SIZE, len(series) // ROWS_EACH))
        topics = Topics.fit(texts, NGRAMS, size=size, terms=TERMS, seed=seed)
        return cls(name, topics)

    @property
    def sources(self) -> tuple[str, ...]:
        """The column that it reads."""
        return (self.name,)

    def parts(self) -> dict[str, Part]:
        """Return what it makes."""
        made = {"characters": Part("number of characters"), "words": Part("number of words")}
        made |= {name: Part(what) for name, (_, what) in _SHAPE.items()}
        if self.topics is not None:
            made |= topic_parts(self.topics)
        return made

    def transform(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return the numbers; of a missing text, shape is missing and topics are 0."""
        found = values.cells(frame[self.name], ())
        shape = _shape(found.texts)
        made = {name: found.spread(numbers, np.nan) for name, numbers in shape.items()}
        if self.topics is not None:
            made |= topic_columns(self.topics, found)
        return made

    def state(self) -> tuple[Facts, Arrays]:
        """Return name and topics."""
        if self.topics is None:
            return {"name": self.name, "topics": None}, {}
        facts, arrays = self.topics.state()
        return {"name": self.name, "topics": facts}, arrays

    @classmethod
    def from_state(cls, facts: Facts, arrays: Arrays) -> Self:
        """Return the step."""
        topics = facts["topics"]
        return cls(facts["name"], Topics.from_state(topics, arrays) if topics else None)


def topic_parts(topics: Topics) -> dict[str, Part]:
    """Return what the directions of texts are called, and their heaviest terms."""
    what = "likeness to other values: a main direction of their words and n-grams"
    return {f"topic {k + 1}": Part(what, {"terms": topics.meaning(k)}) for k in range(len(topics))}


def topic_columns(topics: Topics, found: values.Cells) -> dict[str, np.ndarray[Any, Any]]:
    """Return a column for each direction; missing texts are at 0."""
    places = topics(found.texts)
    return {f"topic {k + 1}": found.spread(places[:, k], 0.0) for k in range(len(topics))}


def sampled(texts: list[str], most: int, seed: int) -> list[str]:
    """Return at most so many texts, drawn by the seed, in their order."""
    if len(texts) <= most:
        return texts
    drawn = np.random.default_rng(seed).choice(len(texts), most, replace=False)
    return [texts[place] for place in np.sort(drawn)]


def _shape(texts: list[str]) -> dict[str, np.ndarray[Any, Any]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    array = pa.array(texts, pa.large_string())
    length = pc.utf8_length(array).to_numpy(zero_copy_only=False).astype("float64")

    def count(pattern: str) -> np.ndarray[Any, Any]:
        found = pc.count_substring_regex(array, pattern)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype="float64")

    shares = {name: count(sign) / np.maximum(length, 1) for name, (sign, _) in _SHAPE.items()}
    return {"characters": length, "words": count(r"\S+")} | shares
