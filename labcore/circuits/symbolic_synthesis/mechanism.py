"""The mechanism of `symbolic_synthesis`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from labcore.experiment import variable

from .graph_programs import Graph, Library, Program, compress, description_length, expand, shown
from .graph_structured import Trained


def _circle(graph: Graph) -> np.ndarray:
    """Where to draw the nodes, (n, 2): on a circle, in the order of creation."""
    angle = np.pi / 2 - 2 * np.pi * np.arange(len(graph.nodes)) / len(graph.nodes)
    return np.stack([np.cos(angle), np.sin(angle)], 1)


class Generation(NamedTuple):
    """One generation: its programs, how they did, and what was kept."""

    programs: list[Program]
    graphs: list[Graph]
    scores: Trained
    kept: list[int]  # places in `programs`, best first; empty while it trains
    bits: tuple[float, float]  # description length of the kept programs, spelled out and with the library


def select(programs: list[Program], graphs: list[Graph], scores: Trained, library: Library) -> tuple:
    """Keep the better half by training accuracy and compress it: the generation, the new programs, the new library."""
    # a stable order: of equals the older program stays
    order = np.argsort(-scores.train[:, 0], kind="stable")[: max(1, len(programs) // 2)].tolist()
    survivors, library = compress([programs[i] for i in order], library)
    plain = [expand(p, library) for p in survivors]
    bits = description_length(plain, {}), description_length(survivors, library)
    return Generation(programs, graphs, scores, order, bits), survivors, library


def _evolution(done: list[Generation], library: Library, population: int, progress: float) -> xr.Dataset:
    """The frame of all generations so far; the newest is drawn."""
    accuracy = np.full((2, len(done), population), -1.0)
    kept = np.zeros((len(done), population), bool)
    for i, g in enumerate(done):
        accuracy[0, i, : len(g.programs)] = g.scores.train[:, 0]
        accuracy[1, i, : len(g.programs)] = -1 if g.scores.test is None else g.scores.test[:, 0]
        kept[i, g.kept] = True
    last = done[-1]
    xy = np.concatenate([_circle(g) for g in last.graphs])
    first = np.cumsum([0, *(len(g.nodes) for g in last.graphs)])
    ends = np.concatenate([np.array(g.ends) + first[i] for i, g in enumerate(last.graphs)])
    told = f"{len(last.programs)} networks train; {last.scores.train.mean():.1%} of the training rows are right."
    if last.kept:
        told = (
            f"{len(last.kept)} of {len(last.programs)} programs are kept; their mean training accuracy is "
            f"{last.scores.train[last.kept, 0].mean():.1%}. The mean test accuracy of all is "
            f"{last.scores.test.mean():.1%}. Spelled out, the kept programs take {last.bits[0]:.0f} bits; "
            f"with a library of {len(library)}, {last.bits[1]:.0f}."
        )
    return xr.Dataset(
        {
            "train": variable(("generation", "place"), accuracy[0], "training accuracy"),
            "test": variable(("generation", "place"), accuracy[1], "test accuracy"),
            "kept": variable(("generation", "place"), kept, "whether the program is kept"),
            "bits": variable(("generation", "stage"), [g.bits for g in done], "description length", "bits"),
            "x": variable("node", xy[:, 0], "place to draw"),
            "y": variable("node", xy[:, 1], "place to draw"),
            "owner": variable("node", np.repeat(np.arange(len(last.graphs)), np.diff(first)), "place of its graph"),
            "end_a": variable("edge", ends[:, 0], "node at one end"),
            "end_b": variable("edge", ends[:, 1], "node at the other end"),
        },
        coords={
            "generation": variable("generation", np.arange(1, len(done) + 1), "generation"),
            "place": variable("place", np.arange(population), "program"),
            "stage": variable("stage", ["spelled out", "with the library"], "how programs are written"),
            "node": variable("node", np.arange(len(xy)), "node"),
            "edge": variable("edge", np.arange(len(ends)), "edge"),
        },
        attrs={
            "reading": f"Generation {len(done)}: {told}",
            "progress": progress,
            "programs": "\n".join(map(shown, last.programs)),
            "library": "\n".join(f"{name} = {shown(body)}" for name, body in library.items()),
        },
    )
