"""The four readings of a diagram agree, over the twelve architectures; and what a picture without names loses."""

from __future__ import annotations

import torch

from labcore.claims import Evidence, Seeds, claim, exact, once
from labcore.diagrams.architectures import ARCHITECTURES, architecture
from labcore.diagrams.backprop import backprop, needed
from labcore.diagrams.checks import draw, flops, variations
from labcore.diagrams.code import compile
from labcore.diagrams.cost import cost
from labcore.diagrams.drawing import layout
from labcore.diagrams.fuse import schedule
from labcore.diagrams.laws import LAWS
from labcore.diagrams.read_back import read_back
from labcore.diagrams.references import reference

from .experiments import STIFF, diagram, readings, rewrite, scaling

MATMUL_ONLY = [n for n in ARCHITECTURES if n not in ("transformer_block", "vit_block", "linear_attention")]


@claim("The program of a diagram is the network: it equals torch that is written by hand")
def program_is_the_network(seeds: Seeds) -> Evidence:
    worst = max(float(once(diagram, arch=name, seed=seeds.first).max_abs_diff) for name in ARCHITECTURES)
    for name in ARCHITECTURES:
        for seed, (built, stride, dilation) in zip(seeds(3), variations(name, 3, seeds.first), strict=True):
            inputs, module = draw(built, seed), compile(built, seed)
            with torch.no_grad():
                wanted = reference(name, inputs, dict(module.learned), stride, dilation)
                worst = max(worst, float((module(*inputs) - wanted).abs().max()))
    return Evidence(
        exact("largest difference", worst) <= 1e-10,
        size="float64, 12 architectures x 3 random sizes and the usual ones",
    )


@claim("The cost that is read off the diagram is the cost that torch counts")
def cost_is_counted(seeds: Seeds) -> Evidence:
    cases = [built for name in MATMUL_ONLY for built, *_ in variations(name, 5, seeds.first)]
    wrong = sum(flops(built) != 2 * cost(built).multiply_adds for built in cases)
    return Evidence(
        exact("diagrams whose counted FLOPs are not 2 x the multiply-adds", wrong) <= 0,
        size=f"{len(MATMUL_ONLY)} architectures x 5 random sizes",
    )


@claim("Softmax attention holds an array that grows with the square of the length, linear attention none")
def memory_grows_with_the_square(seeds: Seeds) -> Evidence:
    # the more keys and values there are to a position, the later their own growth, with the length itself, is outgrown
    frame, wide = (once(scaling, k=k, x_max=1024, seed=seeds.first) for k in (2, 8))
    return Evidence(
        exact("|log-log slope of the peak - 2|, softmax", abs(frame.attrs["slope_attention"] - 2)) <= 0.02,
        exact("|log-log slope of the peak - 1|, linear", abs(frame.attrs["slope_linear"] - 1)) <= 0.02,
        size="x = 64 to 1024, k = 2",
        also={"slope at k = 8, softmax": wide.attrs["slope_attention"], "linear": wide.attrs["slope_linear"]},
    )


@claim("The gradient of a diagram is a diagram, which takes twice the multiply-adds")
def gradient_is_a_diagram(seeds: Seeds) -> Evidence:
    worst = max(float(once(diagram, arch=name, seed=seeds.first).grad_diff) for name in ARCHITECTURES)
    ratios = []
    for name in ARCHITECTURES:
        built = architecture(name)
        again = sum(n.term.work for n in needed(schedule(built)) if n.term and len(n.term.operands) > 1)
        ratios.append((cost(backprop(built)).multiply_adds - again) / cost(built).multiply_adds)
    return Evidence(
        exact("largest difference to autograd", worst) <= 1e-9,
        exact("|multiply-adds, backward / forward - 2|, without what is repeated", max(abs(r - 2) for r in ratios))
        <= 0,
        size="12 architectures at their usual sizes",
    )


@claim("The drawing loses nothing; without the names of axes it means many programs")
def drawing_is_faithful(seeds: Seeds) -> Evidence:
    built = [architecture(name) for name in ARCHITECTURES]
    lost = sum(read_back(layout(d)) != d for d in [*built, *map(backprop, built)])
    without, named = once(readings, x=4, y=4, k=4, h=4, seed=seeds.first).functions.values
    return Evidence(
        exact("drawings that are not read back as they were", lost) <= 0,
        exact("functions of a picture with sizes only", without) >= 4,
        exact("functions of a picture with named axes", named) <= 1,
        size="12 architectures, forward and backward; multi-head attention with all sizes 4",
    )


@claim("A rewrite law changes the drawing and the cost, never the function; where a law refuses, the function changes")
def laws_keep_the_function(seeds: Seeds) -> Evidence:
    kept = [once(rewrite, law=law, seed=seeds.first) for law in LAWS]
    broken = [once(rewrite, law=law, way="bias or softmax in the way", seed=seeds.first) for law in STIFF]
    return Evidence(
        exact("largest difference of the outputs, by law", max(float(f.apart) for f in kept)) <= 1e-9,
        exact("smallest difference where the law refuses", min(float(f.apart) for f in broken)) >= 0.01,
        size="float64, 64 positions of 8 numbers",
        also=dict(zip(("multiply-adds before sliding", "after"), dict(zip(LAWS, kept))["slide"].macs.values)),
    )
