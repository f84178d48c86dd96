"""What hiding does to the function, whether hidden gates are restored, and whether a text helps."""

from __future__ import annotations

from labcore.claims import Evidence, Seeds, claim, exact, mean, repeats, share

from .experiments import alignment, masking, pretrain

SMALL = ("add", "lt", "eq", "mux", "parity")


@claim("Hidden in the latent space, gates leave the function as it was; hidden in the circuit, not")
def function_is_preserved(seeds: Seeds) -> Evidence:
    frames = [masking.run(family=SMALL[i % 5], steps=0, seed=seed) for i, seed in enumerate(seeds(60))]
    damage = max(float(f.damage.sel(hiding="latent").max()) for f in frames)
    left = [int(f.functions[-1]) for f in frames if f.sizes["gate"] >= 2]
    return Evidence(
        exact("damage, hidden in the latent space", damage) <= 0,
        share("circuits with several possible functions", [n >= 2 for n in left]) >= 0.9,
        size="circuits of 3-bit words, 30 % of the gates, 2 or more, hidden",
        also={"fewest functions": min(left)},
    )


@claim("Nodes hidden in the latent space are restored from their neighbours", slow=True)
def latent_gates_are_restored(seeds: Seeds) -> Evidence:
    frame = repeats(pretrain, seeds, 10, steps=200)
    latent, circuit = frame.accuracy[:, :, -1].transpose("hiding", "repeat").values
    return Evidence(
        mean("accuracy, hidden in the latent space", latent) >= 0.9,
        mean("accuracy lost with shuffled edges", latent - frame.shuffled_edges.values) >= 0.15,
        size="four types, 30 % hidden, 200 steps",
        also={"hidden in the circuit": circuit.mean()},
    )


@claim(
    "A line of Verilog helps to guess gates that are hidden in the circuit, and it must be the line of the circuit",
    slow=True,
)
def text_helps(seeds: Seeds) -> Evidence:
    frame = repeats(alignment, seeds, 6, steps=1000)
    true, zero, wrong = frame.accuracy[:, :, -1].transpose("text", "repeat").values
    return Evidence(
        mean("accuracy with the true line - without one", true - zero) >= 0.0,
        mean("accuracy with the true line - with that of another circuit", true - wrong) >= 0.0,
        size="polarity, 80 % hidden, 1000 steps",
        also={"true": true.mean(), "none": zero.mean(), "of another circuit": wrong.mean()},
    )
