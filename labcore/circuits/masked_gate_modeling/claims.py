"""What hiding does to the function, whether hidden gates are restored, and whether a text helps."""

from __future__ import annotations

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import alignment, masking, pretrain


@claim("Hidden in the latent space, gates leave the function as it was; hidden in the circuit, not")
def function_is_preserved(budget: Budget) -> Evidence:
    damage, several, count = 0.0, 0, 0
    for i in range(20):
        family = ("add", "lt", "eq", "mux", "parity")[i % 5]
        frame = once(masking, family=family, steps=0, seed=i)
        damage = max(damage, float(frame.damage.sel(hiding="latent").max()))
        if frame.sizes["gate"] >= 2:
            count += 1
            several += int(frame.functions[-1]) >= 2
    return Evidence(
        {"damage, latent": damage, "circuits": count, "share with several functions": several / count},
        "20 masks: input and output of the encoder bit-identical (difference 0); at least 2 functions left in >= 90 % "
        "of the circuits with 2 or more gates hidden in the circuit",
        damage == 0 and several / count >= 0.9,
        n_seeds=20,
    )


@claim("Nodes hidden in the latent space are restored from their neighbours")
def latent_gates_are_restored(budget: Budget) -> Evidence:
    frame = once(pretrain, steps=200, n_seeds=1)
    latent, circuit = frame.accuracy[:, :, -1].mean("repeat").values
    wrong = float(frame.shuffled_edges.mean())
    return Evidence(
        {"latent": latent, "shuffled edges": wrong, "most frequent type": float(frame.majority), "circuit": circuit},
        "four types, 30 % hidden: >= 0.90 on unseen circuits, and at least 0.15 less with shuffled edges",
        latent >= 0.9 and latent - wrong >= 0.15,
        n_seeds=frame.sizes["repeat"],
    )


@claim(
    "A line of Verilog helps to guess gates that are hidden in the circuit, and a wrong line does not",
    expected="not reproduced",
    reason="The wires of small circuits tell most of the function; the gain grows slowly and nears 0.03 at 600 steps.",
)
def text_helps(budget: Budget) -> Evidence:
    frame = once(alignment, steps=100, n_seeds=2)
    true, zero, wrong = frame.accuracy[:, :, -1].mean("repeat").values
    return Evidence(
        {"true": true, "none": zero, "wrong": wrong, "gain": true - zero, "gain of a wrong line": wrong - zero},
        "polarity, 80 % hidden: the gain of the true line over none >= 0.03, that of a wrong line below 0.03",
        true - zero >= 0.03 > wrong - zero,
        n_seeds=2,
    )
