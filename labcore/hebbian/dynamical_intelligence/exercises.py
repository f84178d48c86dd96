"""The questions of the lesson about rhythms, and their checkers."""

from __future__ import annotations

from labcore.exercises import exercise

from .experiments import buffer, modules


@exercise(
    "The slow rhythm is 7 Hz. Find a fast rhythm (Hz) that holds nine items in order, but not ten.",
    buffer.parameters["f_gamma"],
    hint="0.9 times fast over slow, rounded up.",
)
def nine_words(fast: float, seed: int) -> bool | str:
    frame = buffer.run(n_items=9, f_theta=7, f_gamma=fast, seed=seed)
    over = buffer.run(n_items=10, f_theta=7, f_gamma=fast, seed=seed)
    if not frame.recall_ok.values.all():
        return f"With this fast rhythm nine items come back in order in {int(frame.recall_ok.sum())} of 10 cycles."
    return "Ten fit as well." if over.recall_ok.values.all() else True


@exercise(
    "Find a coupling K at which the modules are ahead of the whole by 0.35 or more (the other settings as they are).",
    modules.parameters["K"],
    hint="Look at the distance between the blue curve and the dark orange one.",
)
def widest_gap(coupling: float, seed: int) -> bool | str:
    frame = modules.run(K=coupling, seed=seed)
    late = slice(len(frame.time) // 2, None)
    inside, everyone = float(frame.r_local[late].mean()), float(frame.r_global[late].mean())
    return True if inside - everyone >= 0.35 else f"At this K modules have r = {inside:.2f} and all {everyone:.2f}."
