"""What of a Python file can change a number: its text without comments, docstrings and the words of its parameters.

A verdict costs minutes to measure again, and a better sentence, a label or a wider range is no reason to.
"""

from __future__ import annotations

import re

_STRING = r'(?:"""(?:\\.|[^\\])*?"""|' + r"'''(?:\\.|[^\\])*?'''|" + r'"(?:\\.|[^"\\\n])*"|' + r"'(?:\\.|[^'\\\n])*')"
# By expressions and not by the syntax tree, which takes seconds for all papers; a test holds it against the trees.
_PIECES = re.compile(
    rf"(?P<opening>\A\s*|:[ \t]*\n\s+){_STRING}[ \t]*(?=\n|\Z)"  # a docstring
    rf"|(?P<string>{_STRING})"
    r"|\n[ \t]*(?:#[^\n]*)?(?=\n)|[ \t]*#[^\n]*",  # an empty line, a comment
    re.S,
)
_HINT = re.compile(rf"{_STRING}|(?:(?P<owner>\w+)(?::| =) )?(?P<hint>\bAnnotated\[)", re.S)
_BRACKET = re.compile(rf"{_STRING}|[\[\](){{}},]", re.S)


def essence(text: str) -> str:
    """The text without comments, empty lines, what docstrings say, and all but the type in `Annotated[type, ...]`.

    The words and limits of `n_seeds` stay: `claims.repeats` makes its seeds by how many repetitions a run takes.
    """
    text = _PIECES.sub(_without_words, text)
    repetitions = {"n_seeds", *re.findall(r"\bn_seeds: (\w+)", text)}
    at = 0
    while found := _HINT.search(text, at):
        at = found.end()
        if found["hint"] and found["owner"] not in repetitions:
            text = _with_type_only(text, at)
    return text.strip()


def _without_words(found: re.Match) -> str:
    return found["opening"] + '""' if found["opening"] is not None else found["string"] or ""


def _with_type_only(text: str, first: int) -> str:
    """The text without what stands behind the first comma of the brackets whose inside begins at `first`."""
    comma, depth = None, 0
    for found in _BRACKET.finditer(text, first):
        if found[0] == "," and depth == 0 and comma is None:
            comma = found.start()
        depth += (found[0] in "[({") - (found[0] in "])}")
        if depth < 0:
            return text[:comma] + text[found.start() :]
    return text
