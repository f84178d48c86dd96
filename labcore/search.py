"""Search in the catalogue, as the index and `labcore list WORD` do it.

Every row has a text: what it says, the words that the catalogue gives it, and all words that mean the same as one of
these. A row is found when each typed word begins a word of its text. Capitals, accents and hyphens do not count, s and
z are one letter, and a plural finds what its singular does.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from labcore import catalog
from labcore.catalog import Lesson, Paper


def fold(text: str) -> str:
    """Plain words in small letters, with z for s, a blank between two of them."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", letters)).replace("s", "z")


@functools.cache
def _alike() -> list[tuple[re.Pattern[str], str]]:
    """Each group of words that mean the same: what finds one of them in a text, and all of them."""
    groups = [[fold(word) for word in group] for group in catalog.alike()]
    return [(re.compile(rf"\b(?:{'|'.join(map(re.escape, g))})z?\b"), " ".join(g)) for g in groups]


def _with_alike(text: str) -> str:
    folded = fold(text)
    return " ".join([folded, *(words for pattern, words in _alike() if pattern.search(folded))])


def text_of(row: Paper | Lesson) -> str:
    """What a search reads of a paper or a lesson, folded. That of a lesson holds those of its papers."""
    if isinstance(row, Paper):
        theme = next((t.title for t in catalog.themes() if t.key == row.theme), "")
        return _with_alike(" ".join([row.title, row.idea, row.key, str(row.year), theme, *row.words]))
    own = _with_alike(" ".join([row.question, row.level, row.mechanism, *row.words]))
    return " ".join([own, *map(text_of, row.papers)])


def fits(typed: str, text: str) -> bool:
    """Whether each typed word begins a word of this text, which is one of `text_of`."""
    words = [word[:-1] if len(word) > 3 and word.endswith("z") else word for word in fold(typed).split()]
    return all(f" {word}" in f" {text}" for word in words)


def find(typed: str, rows: list[Paper] | list[Lesson]) -> list:
    """Those of the rows that fit what was typed; all where nothing was."""
    return [row for row in rows if fits(typed, text_of(row))]
