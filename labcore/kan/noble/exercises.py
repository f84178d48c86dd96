"""The questions of the lesson that `noble` answers, and their checkers."""

from __future__ import annotations

from labcore.answers import number
from labcore.exercises import exercise

from .experiments import layer, sharp


@exercise(
    "Make CosNet's branch a constant without touching up: write one setting, for example <code>phase = 1</code>.",
    hint="The output of a cosine is constant when its input is. Which numbers multiply that input?",
)
def silent_branch(text: str, seed: int) -> bool | str:
    name, _, value = text.partition("=")
    frame = layer.run(seed=seed, **{name.strip(): number(value)})
    wiggle = float(frame.branch.max() - frame.branch.min())
    if wiggle < 1e-9 and name.strip() == "up":
        return "That silences the branch altogether. Leave up as it is."
    return True if wiggle < 1e-9 else f"The branch still moves by {wiggle:.3f}."


@exercise(
    "How sharp may the target be before a plain network fails? Find an omega of at least 2 that the wider network "
    "learns to an error below 0.01 in 600 steps.",
    hint="At omega = 8 it misses the sine altogether. Go down.",
)
def learned_by_all(text: str, seed: int) -> bool | str:
    omega = number(text)
    if omega < 2:
        return "That is smooth. Find a frequency of at least 2."
    last = sharp.run(omega=omega, n_seeds=1, steps=600, seed=seed).error.isel(time=-1).mean("repeat")
    wide, cosnet = float(last.sel(model="wider")), float(last.sel(model="CosNet branch"))
    return True if wide < 0.01 else f"The wider network is left with {wide:.3f} (CosNet {cosnet:.4f})."
