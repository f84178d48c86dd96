"""The questions of the lesson that two-way weights answer, and their checkers."""

from __future__ import annotations

from labcore.exercises import exercise

from .experiments import attack, train


@exercise(
    "Find a test digit (0 to 496) on which an attack of 0.1 fools the one-way network but not the two-way network. "
    "There are many.",
    attack.parameters["image"],
    hint="Move the test digit in the last bench.",
)
def fools_one_only(image: int, seed: int) -> bool | str:
    frame = attack.run(image=image, eps=0.1, seed=seed)
    one, two = frame.belief.sel(picture="attacked").argmax("digit").values
    if one == frame.label:
        return "The one-way network still knows this digit."
    return True if two == frame.label else "Both networks are fooled on this digit."


@exercise(
    "The network need not learn to draw all the time. Find a share of the training below 1 after which, at the end, "
    "its drawings still have a likeness of 0.95 or more.",
    train.parameters["share"],
    hint="What has the classifier done to the weights since the last generator step?",
)
def draws_with_less(share: float, seed: int) -> bool | str:
    frame = train.run(share=share, n_seeds=1, seed=seed)
    like = frame.likeness.sel(learner="two ways").item()
    if share >= 1:
        return "That is all of the training. Find a share below 1."
    return True if like >= 0.95 else f"With this share the drawings end at a likeness of {like:.3f}."
