"""The questions of the lesson that `noble` answers, and their checkers."""

from __future__ import annotations

import unicodedata

from labcore.answers import number
from labcore.exercises import exercise
from labcore.experiment import Parameter

from .experiments import layer, sharp


def _plain(words: str) -> str:
    """Without capitals, and with subscripts as digits: p₁ is p1."""
    return unicodedata.normalize("NFKC", words).strip().lower()


def _spellings(p: Parameter) -> set[str]:
    """What a person may call a setting: its words, its symbol, both, or its name in Python."""
    words, _, symbol = p.label.rpartition(" ")
    return {_plain(spelling) for spelling in (p.name, p.label, words, symbol)}


@exercise(
    "Make CosNet's branch a constant without touching its size W_up: write one setting of the bench, for example "
    "<code>first phase = 1</code> or <code>p1 = 1</code>.",
    hint="The output of a cosine is constant when its input is. Which numbers multiply that input?",
)
def silent_branch(text: str, seed: int) -> bool | str:
    said, _, value = text.partition("=")
    words = {spelling: name for name, p in layer.parameters.items() for spelling in _spellings(p)}
    name = words.get(_plain(said))
    if name is None:
        return f"Name one of these: {', '.join(p.label for p in layer.parameters.values())}."
    frame = layer.run(seed=seed, **{name: number(value)})
    wiggle = float(frame.branch.max() - frame.branch.min())
    if wiggle < 1e-9 and name == "up":
        return "That silences the branch altogether. Leave its size as it is."
    return True if wiggle < 1e-9 else f"The branch still moves by {wiggle:.3f}."


@exercise(
    "How sharp may the target be before a plain network fails? Find a frequency ω of at least 2 that the wider network "
    "learns to an error below 0.01 in 600 steps.",
    hint="At ω = 8 it misses the sine altogether. Go down.",
)
def learned_by_all(text: str, seed: int) -> bool | str:
    omega = number(text)
    if omega < 2:
        return "That is smooth. Find a frequency of at least 2."
    last = sharp.run(omega=omega, n_seeds=1, steps=600, seed=seed).error.isel(time=-1).mean("repeat")
    wide, cosnet = float(last.sel(model="wider")), float(last.sel(model="CosNet branch"))
    return True if wide < 0.01 else f"The wider network is left with {wide:.3f} (CosNet {cosnet:.4f})."
