"""What is shown of a search: its runs, and the circuit that the drawn one has found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from labcore.frames import Frame, axis, var
from labcore.primitives.logic.simulation import simulate

from .relax_reflect import State
from .side_by_side import Standing
from .threshold_circuits import NOT_READ, Task, circuit, quantise, read_gates
from .wiring import Array, accuracy

RUNS = Frame(
    repeat=axis("run", start=1),
    iteration=axis("iteration"),
    check=axis("iteration"),
    edge=axis("edge"),
    neuron=axis("node of the neuron"),
    layer=axis("layer"),
    iterations=var("repeat", "iterations done", "iterations"),
    solved=var("repeat", "run is solved"),
    quantised=var("repeat", "right with weights -1, 0, +1"),
    unseen=var("repeat", "share of output bits right on other rows", optional=True),
    gap=var("repeat iteration", "gap"),
    right=var("repeat check", "share of output bits right"),
    weights=var("repeat edge", "weight"),
    source=var("edge", "node that the edge comes from"),
    target=var("edge", "node that the edge goes to"),
    kept=var("edge", "sign of the edge in its gate, 0 when it is not in it"),
    gate=var("neuron", "kind of gate"),
    fan_in=var("neuron", "edges into the neuron"),
    width=var("layer", "nodes of the layer"),
)


def circuit_frame(
    made: Task,
    states: Sequence[State],
    standing: Standing,
    checks: Int[Array, " checks"],
    right: Float[Array, "checks runs"],
) -> xr.Dataset:
    """The frame of these runs. Drawn is the one that was solved first, and the first of all until then.

    right: the share of output bits that each run had right after `checks` iterations.
    """
    net, (gaps, ended, solved, progress), bits = made.net, standing, made.Y.size
    runs, now = gaps.shape
    drawn = int(np.where(solved, ended, now + 1).argmin())
    w, m, logic = states[drawn].wB, net.fan_in, ""
    kinds, kept = np.full(len(m), NOT_READ, np.int8), np.zeros(len(w), np.int8)
    if solved[drawn]:
        kinds, kept = read_gates(net, w, made.X)
        logic = f" Of its {len(m)} neurons {(kinds >= 0).sum()} are gates."
        if (netlist := circuit(net, kinds, kept)) is not None:
            agrees = (simulate(netlist, made.X > 0, netlist.outputs) == (made.Y > 0)).all(1)
            logic += f" The logic circuit agrees with the table on {agrees.sum()} of {len(agrees)} rows."
    found = f" ({', '.join(str(k) for k in sorted(ended[solved]))} iterations)" if solved.any() else ""
    values = {}
    if len(made.X_test):
        values["unseen"] = unseen = [accuracy.kernel(net, s.wB, made.X_test, made.Y_test) for s in states]
        logic += f" On the {len(made.X_test)} rows not learned from, {unseen[drawn]:.0%} of the bits are right."
    grid = np.unique(np.logspace(0, np.log10(now), 240).astype(int))
    values |= dict(
        iterations=ended,
        solved=solved,
        quantised=[accuracy.kernel(net, quantise(net, s.wB), made.X, made.Y) for s in states],
        gap=gaps[:, grid - 1],
        right=right.T,
        weights=np.stack([s.wB for s in states]),
        source=net.source,
        target=net.inputs + net.neuron,
        kept=kept,
        gate=kinds,
        fan_in=m,
        width=net.widths,
        iteration=grid,
        check=checks,
        neuron=np.arange(net.inputs, net.nodes),
    )
    return RUNS(
        values,
        f"After {now} iterations the number of solved runs is {solved.sum()} of {runs}{found}. Run {drawn + 1} (drawn) "
        f"has the gap {gaps[drawn, -1]:.3f} and {right[-1, drawn] * bits:.0f} of {bits} output bits right.{logic}",
        progress,
        drawn=drawn,
        task=made.name,
    )
