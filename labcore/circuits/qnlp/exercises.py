"""The questions on sentences: angles that make one true, the cups of a long one, and what its gradient costs."""

from __future__ import annotations

from labcore.exercises import asked, exercise

from .experiments import gradients, sentence


@exercise(
    "Find three angles of Alice for which <i>Alice sleeps</i> has p(true) of at least 0.9. Write them with spaces "
    "between. Any angles that do it are right.",
    *(sentence.parameters[f"angle_{k}"] for k in (1, 2, 3)),
    hint=(
        "In the first bench the object is nobody, and under More the verb is sleeps.",
        "Move one angle to the top of its curve, then the next, and go round again.",
    ),
)
def alice_makes_it_true(first: float, second: float, third: float, seed: int) -> bool | str:
    here = sentence.run(verb="sleeps", whom="-", angle_1=first, angle_2=second, angle_3=third, seed=seed)
    return True if float(here.p) >= 0.9 else f"With these angles p(true) is {float(here.p):.3f}."


@exercise(
    "How many cups does <i>Alice whom Bob loves loves clever Bob</i> need? Work it out from the types.",
    asked("cups", 0, 100),
    hint=(
        "A cup joins two wires, and one wire of the sentence stays open.",
        "The types: Bob n, loves n.r s n.l, whom n.r n n.l.l s.l, clever n n.l. Count their parts.",
    ),
)
def cups_needed(cups: int, seed: int) -> bool | str:
    frame = sentence.run(subject="Alice whom Bob loves", verb="loves", whom="clever Bob", seed=seed)
    needed = int((frame.partner >= 0).sum()) // 2
    return cups == needed or f"Count the wires: there are {frame.sizes['wire']}, and one of them stays open."


@exercise(
    "A quantum computer measures p of one circuit at a time. How many circuits does the whole gradient of "
    "<i>Alice loves Bob</i> need at depth 1?",
    asked("circuits", 0, 1000),
    hint=(
        "How many angles has a noun, and how many has loves?",
        "The bench of the gradient shows as many bars as an angle needs circuits: look at one of each kind of gate.",
    ),
)
def evaluations(circuits: int, seed: int) -> bool | str:
    counts = {"Rx": 2, "Rz": 2, "CRz": 4}
    for gate, by in (("Rx", "first Rx of Alice"), ("CRz", "CRz of loves")):
        counts[gate] = gradients.run(by=by, depth=1, seed=seed).sizes["term"]
    alice = bob = 3 * counts["Rx"]
    loves = 4 * counts["Rx"] + counts["CRz"]
    right = circuits == alice + bob + loves
    return right or "Each noun has three angles; loves has four of one kind and one of another."
