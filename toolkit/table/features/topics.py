"""Texts as points: which of them are alike, by their words and by parts of words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from toolkit.table.features.steps import Arrays, Facts, StepColumn

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from toolkit.table.cells.values import Cells

MOST_CHARACTERS = 20_000
"""A longer text counts with its beginning: a cell of a megabyte must not stop a model."""
FIT_CHARACTERS = 10_000_000
"""Characters from which terms are learnt, in all."""
LEAST_SIZE = 4
_BLOCK_CHARACTERS = 2_000_000  # at a time, so that n-grams never fill the memory
_LEAST_TEXTS = 2
_WORD = r"(?u)\b\w+\b"


@dataclass(frozen=True)
class Topics:
    """Texts as points: TF-IDF of words and n-grams, turned onto its main directions.

    Latent semantic analysis (Deerwester and others, 1990), with sublinear term frequency.
    Texts that share words, or parts of words, lie close together, misspelt or not.

    Attributes
    ----------
    vocabularies : dict of str to list of str
        Terms by analyser: ``word``, ``char_wb`` (n-grams within words).
    ngrams : dict of str to tuple of int
        The shortest and longest n-gram of each analyser.
    weights : dict of str to ndarray of float64
        Inverse document frequency of each term, by analyser.
    components : ndarray of float32, shape (terms, k)
        The main directions, for the terms of all analysers.
    """

    vocabularies: dict[str, list[str]]
    ngrams: dict[str, tuple[int, int]]
    weights: dict[str, np.ndarray]
    components: np.ndarray

    @classmethod
    def fit(
        cls,
        texts: list[str],
        ngrams: dict[str, tuple[int, int]],
        *,
        size: int,
        terms: int,
        seed: int,
    ) -> Self | None:
        """Learn from texts; None if they share too few terms.

        Parameters
        ----------
        texts : list of str
            The more, the longer it takes.
        ngrams : dict of str to tuple of int
            See `Topics`.
        size : int
            How many directions, at most.
        terms : int
            The most terms for each analyser, the most frequent first.
        seed : int
            Of the randomised decomposition.
        """
        from scipy import sparse
        from sklearn.utils.extmath import randomized_svd
        from threadpoolctl import threadpool_limits

        texts = next(_blocks(texts, FIT_CHARACTERS), [])
        vocabularies, weights, parts = {}, {}, []
        for analyser, bounds in ngrams.items():
            found = _learnt(texts, analyser, bounds, terms)
            if found is not None:
                vocabularies[analyser], weights[analyser], counts = found
                parts.append(_weighted(counts, weights[analyser]))
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
        components = np.ascontiguousarray(components.T, dtype="float32")
        found_ngrams = {analyser: ngrams[analyser] for analyser in vocabularies}
        return cls(vocabularies, found_ngrams, weights, components)

    def __len__(self) -> int:
        return int(self.components.shape[1])

    def __call__(self, texts: list[str]) -> np.ndarray:
        """Return float64 of shape (texts, k)."""
        from scipy import sparse

        made = np.zeros((len(texts), len(self)))
        start = 0
        for block in _blocks(texts, _BLOCK_CHARACTERS):
            parts = [
                _weighted(_counted(block, analyser, self.ngrams[analyser], terms), weights)
                for (analyser, terms), weights in zip(
                    self.vocabularies.items(), self.weights.values(), strict=True
                )
            ]
            # Sparse times dense goes row by row: one text gives the same bits as many do.
            made[start : start + len(block)] = sparse.hstack(parts).tocsr() @ self._wide
            start += len(block)
        return made

    @cached_property
    def _wide(self) -> np.ndarray:
        return self.components.astype("float64")

    def meaning(self, k: int, most: int = 5) -> list[str]:
        """Return the terms that weigh most in a direction."""
        terms = [term for found in self.vocabularies.values() for term in found]
        heavy = np.argsort(-np.abs(self.components[:, k]), kind="stable")[:most]
        return [terms[place] for place in heavy]

    def state(self) -> tuple[Facts, Arrays]:
        """Return terms as JSON, numbers as arrays."""
        facts = {
            "analysers": [
                {"name": name, "ngrams": list(self.ngrams[name]), "terms": terms}
                for name, terms in self.vocabularies.items()
            ]
        }
        arrays = {f"weights {name}": weights for name, weights in self.weights.items()}
        return facts, arrays | {"components": self.components}

    @classmethod
    def from_state(cls, facts: Facts, arrays: Arrays) -> Self:
        """Return what `state` told."""
        found = facts["analysers"]
        return cls(
            {analyser["name"]: analyser["terms"] for analyser in found},
            {a["name"]: (a["ngrams"][0], a["ngrams"][1]) for a in found},
            {analyser["name"]: arrays[f"weights {analyser['name']}"] for analyser in found},
            arrays["components"],
        )


def topic_parts(topics: Topics) -> dict[str, StepColumn]:
    """Return what the directions of texts are called, and their heaviest terms."""
    what = "likeness to other values: a main direction of their words and n-grams"
    return {
        f"topic {k + 1}": StepColumn(what, {"terms": topics.meaning(k)}) for k in range(len(topics))
    }


def topic_columns(topics: Topics, found: Cells) -> dict[str, np.ndarray]:
    """Return a column for each direction; missing texts are at 0."""
    places = topics(found.texts)
    return {f"topic {k + 1}": found.spread(places[:, k], 0.0) for k in range(len(topics))}


def sampled(texts: list[str], most: int, seed: int) -> list[str]:
    """Return at most so many texts, drawn by the seed, in an order drawn by the seed."""
    drawn = np.random.default_rng(seed).permutation(len(texts))[:most]
    return [texts[place] for place in drawn]


def _blocks(texts: list[str], most: int) -> Iterator[list[str]]:
    """Give the texts, cut to length, in runs of at most so many characters."""
    block: list[str] = []
    held = 0
    for text in texts:
        cut = text[:MOST_CHARACTERS]
        if block and held + len(cut) > most:
            yield block
            block, held = [], 0
        block.append(cut)
        held += len(cut) + 1
    if block:
        yield block


# -- counting terms --------------------------------------------------------------------


def _learnt(
    texts: list[str], analyser: str, bounds: tuple[int, int], most: int
) -> tuple[list[str], np.ndarray, csr_matrix] | None:
    """Return the most frequent terms in alphabetical order, their weights and counts."""
    made = _vectoriser(analyser, bounds)
    try:
        if analyser == "word":
            counts = made.fit_transform(texts)
        else:
            words, held = _words(texts)
            counts = held @ made.fit_transform(words)
    except ValueError:  # no text has any term
        return None
    terms = made.get_feature_names_out()
    texts_with = np.asarray((counts > 0).sum(axis=0)).ravel()
    total = np.asarray(counts.sum(axis=0)).ravel()
    total[texts_with < _LEAST_TEXTS] = 0
    kept = np.argsort(-total, kind="stable")[:most]
    kept = np.sort(kept[total[kept] > 0])
    if not len(kept):
        return None
    weights = np.log((1 + len(texts)) / (1 + texts_with[kept])) + 1
    return terms[kept].tolist(), weights, counts.tocsr()[:, kept]


def _counted(
    texts: list[str], analyser: str, bounds: tuple[int, int], terms: list[str]
) -> csr_matrix:
    made = _vectoriser(analyser, bounds, vocabulary=terms)
    if analyser == "word":
        return made.transform(texts)
    words, held = _words(texts)
    return held @ made.transform(words)


def _vectoriser(analyser: str, bounds: tuple[int, int], **settings: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    pattern = _WORD if analyser == "word" else None
    return CountVectorizer(analyzer=analyser, ngram_range=bounds, token_pattern=pattern, **settings)


def _words(texts: list[str]) -> tuple[list[str], csr_matrix]:
    """Return the distinct words, and how often each text has each.

    N-grams within words need counting once for each word, not at each of its places.
    """
    from scipy import sparse

    place: dict[str, int] = {}
    found: list[int] = []
    ends = [0]
    for text in texts:
        found.extend(place.setdefault(word, len(place)) for word in text.lower().split())
        ends.append(len(found))
    ones = np.ones(len(found), dtype="int64")
    counts = sparse.csr_matrix((ones, found, ends), shape=(len(texts), len(place)))
    counts.sum_duplicates()
    return list(place), counts


def _weighted(counts: csr_matrix, weights: np.ndarray) -> csr_matrix:
    """Return sublinear TF-IDF, each text's of length 1; terms in the order of columns."""
    from sklearn.preprocessing import normalize

    matrix = counts.tocsr().astype("float64")
    matrix.eliminate_zeros()
    matrix.sort_indices()
    matrix.data = (np.log(matrix.data) + 1) * weights[matrix.indices]
    return normalize(matrix, copy=False)
