"""Products against an equal network, the order of interaction, and what a drawn future keeps in chaos."""

from __future__ import annotations

from labcore.claims import Evidence, Seeds, claim, geometric, mean, repeats

from .experiments import fit, rollout


@claim("A sum of a few products of curves learns a separable function far better than an equal MLP")
def products_beat_an_mlp(seeds: Seeds) -> Evidence:
    error = repeats(fit, seeds, 5, steps=1000).error.isel(time=-1)
    cp, mlp = error.sel(model="CP").values, error.sel(model="MLP").values
    return Evidence(
        geometric("error of CP", cp) <= 0.2,
        geometric("error of CP / MLP", cp / mlp) <= 0.4,
        size="5 runs of 1000 steps, R = 4, six inputs, 3000 samples, each at the best of three rates",
        also={"worst error of CP": cp.max(), "best error of the MLP": mlp.min()},
    )


@claim("The order of the interaction decides: without products the same curves learn almost nothing")
def order_matters(seeds: Seeds) -> Evidence:
    error = repeats(fit, seeds, 8, steps=200).error.isel(time=-1)
    return Evidence(
        mean("error of the best additive model", error.sel(model="additive")) >= 0.9,
        size="8 sets of 3000 samples, six inputs; solved, not trained",
    )


@claim("In chaos a drawn future stays realistic, where the mean future shrinks to a state that never comes", slow=True)
def distribution_keeps_the_measure(seeds: Seeds) -> Evidence:
    frame = repeats(rollout, seeds, 16, steps=600)
    square, drawn = frame.w1.values
    return Evidence(
        mean("W1 to the true states, distributional", drawn) <= 0.02,
        mean("W1 to the true states, mean-square", square) >= 0.1,
        mean("spread of mean-square / true", frame.spread.values[0]) <= 0.5,
        size="16 runs of 600 steps, the map seen every 6 steps, roll-outs of 3000 states",
        also={"worst W1, distributional": drawn.max(), "best W1, mean-square": square.min()},
    )
