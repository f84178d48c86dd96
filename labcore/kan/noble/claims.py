"""What cannot be merged, what is learned at equal parameters, and how little a character model gains."""

from __future__ import annotations

from labcore.claims import Evidence, Seeds, claim, exact, geometric, mean, once, repeats, share

from .experiments import MODELS, language, sharp


@claim("A linear branch is one more matrix and can be merged; most of a CosNet branch no matrix holds")
def cosnet_cannot_be_merged(seeds: Seeds) -> Evidence:
    frame = once(sharp, seed=seeds.first, n_seeds=6, steps=600)
    left = frame.left.sel(branch="CosNet branch").values
    return Evidence(
        exact("largest error after merging the linear branch", float(frame.merge_gap.max())) <= 1e-5,
        # of the branch and not of the layer: how loud a branch is beside its main map says nothing about merging
        *(mean(f"share that the best matrix misses, branch {k + 1}", row) >= 0.5 for k, row in enumerate(left)),
        size="6 runs of 600 steps, rank 4, inputs from N(0, 1)",
        also={"smallest share of a branch": left.min()},
    )


@claim(
    "CosNet branches learn sharp detail that a wider network with as many parameters misses, in most runs", slow=True
)
def sharp_detail_at_equal_parameters(seeds: Seeds) -> Evidence:
    last = repeats(sharp, seeds, 32, steps=600).error.isel(time=-1)
    _, wider, linear, relu, cosnet = (last.sel(model=name).values for name in MODELS)
    return Evidence(
        geometric("error of CosNet / wider network", cosnet / wider) <= 0.1,
        geometric("error of CosNet / linear branch", cosnet / linear) <= 0.1,
        geometric("error of CosNet / ReLU branch", cosnet / relu) <= 1,
        # for some pairs of start and target no frequency has come near the sine when the learning rate has fallen;
        # with 1500 steps they find it
        share("runs below a tenth of the wider network", cosnet <= 0.1 * wider) >= 0.5,
        size="32 runs of 600 steps, 3473 parameters",
        also={
            "median error of CosNet": last.sel(model="CosNet branch").median(),
            "runs that miss most of the sine": (cosnet > 0.5 * wider).mean(),
        },
    )


@claim("In a language model branches lower the training loss of the same width", slow=True)
def branches_help_a_language_model(seeds: Seeds) -> Evidence:
    narrow, wide, branches = repeats(language, seeds, 6, steps=700, batch=24)["last"].values
    return Evidence(
        mean("loss of width 32 - with branches, nats", narrow - branches) >= 0,
        size="6 runs of 700 steps, batches of 24 windows of 32 characters; the mean of the last 100 steps",
        # the wider model has 5 % more parameters than the one with branches
        also={
            "smallest gain of a run": (narrow - branches).min(),
            "loss of a wider model - with branches": (wide - branches).mean(),
        },
    )
