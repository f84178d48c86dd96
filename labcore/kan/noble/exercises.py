"""The questions of the lesson that `noble` answers, and their checkers."""

from __future__ import annotations

from labcore.answers import called, taken
from labcore.exercises import exercise

from .experiments import layer, sharp


@exercise(
    "Make CosNet's branch a constant without touching its size W_up: write one setting of the bench, for example "
    "<code>first phase = 1</code> or <code>p1 = 1</code>.",
    hint=("The output of a cosine is constant when its input is.", "Which numbers multiply that input?"),
)
def silent_branch(text: str, seed: int) -> bool | str:
    numbers = [p for p in layer.parameters.values() if p.kind != "choice" and p.name != "seed"]
    said = text.partition("=")[0]
    named = [p for p in numbers if p.name == said.strip()] or [p for p in numbers if called(said, p)]
    if len(named) != 1:
        return f"Write one of these, with its value: {', '.join(p.label for p in numbers)}."
    (setting,) = named
    name = setting.name
    frame = layer.run(seed=seed, **{name: taken(setting, text)})
    wiggle = float(frame.branch.max() - frame.branch.min())
    if wiggle < 1e-9 and name == "up":
        return "That silences the branch altogether. Leave its size as it is."
    return True if wiggle < 1e-9 else f"The branch still moves by {wiggle:.3f}."


@exercise(
    "How sharp may the target be before a plain network fails? Find a frequency ω of at least 2 that the wider network "
    "learns to an error below 0.01 in 600 steps.",
    sharp.parameters["omega"],
    hint="At ω = 8 it misses the sine altogether. Go down.",
)
def learned_by_all(omega: float, seed: int) -> bool | str:
    if omega < 2:
        return "That is smooth. Find a frequency of at least 2."
    last = sharp.run(omega=omega, n_seeds=1, steps=600, seed=seed).error.isel(time=-1).mean("repeat")
    wide, cosnet = float(last.sel(model="wider")), float(last.sel(model="CosNet branch"))
    return True if wide < 0.01 else f"The wider network is left with {wide:.3f} (CosNet {cosnet:.4f})."
