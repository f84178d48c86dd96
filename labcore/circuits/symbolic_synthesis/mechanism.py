"""One generation of graph programs: what learns best is kept and compressed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .graph_programs import Graph, Library, Program, expand
from .graph_structured import Trained
from .program_library import compress, description_length


class Generation(NamedTuple):
    """One generation: its programs, how they did, and what was kept."""

    programs: list[Program]
    graphs: list[Graph]
    scores: Trained
    kept: list[int]  # places in `programs`, best first; empty while it trains
    bits: tuple[float, float]  # description length of the kept programs, spelled out and with the library


def select(
    programs: list[Program], graphs: list[Graph], scores: Trained, library: Library
) -> tuple[Generation, list[Program], Library]:
    """Keep the better half by training accuracy and compress it: the generation, the new programs, the new library."""
    # a stable order: of equals the older program stays
    order = np.argsort(-scores.train[:, 0], kind="stable")[: max(1, len(programs) // 2)].tolist()
    survivors, library = compress([programs[i] for i in order], library)
    plain = [expand(p, library) for p in survivors]
    bits = description_length(plain, {}), description_length(survivors, library)
    return Generation(programs, graphs, scores, order, bits), survivors, library
