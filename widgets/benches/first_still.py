"""What stands where a bench will be, while the page still makes its widgets: the card of its paper."""

from __future__ import annotations

import sys

from labcore import catalog
from labcore.catalog import Paper
from labcore.experiment import Experiment
from labcore.figure import view_of

_STYLE = (
    ".labcore-first svg { display: block; width: min(100%, 640px); height: auto; margin: auto; opacity: 0.6 } "
    ".jp-OutputArea:has(.labcore-bench) .labcore-first { display: none }"
)


def card(paper: Paper) -> tuple[str, str]:
    """The experiment that the card of a paper is a picture of, and its panel ("": the first with a pinnable curve)."""
    first = catalog.load_experiment(f"{paper.key}.{paper.experiments[0]}")
    return getattr(sys.modules[view_of(first).__module__], "CARD", (paper.experiments[0], ""))


def first_still(experiment: Experiment) -> str:
    """The card as HTML that goes when the bench has come; "" where it is a picture of another experiment, and for a
    function, which has none.
    """
    if not experiment.named:
        return ""
    paper = catalog.paper(experiment.key)
    file = paper.folder / "preview.svg"
    if card(paper)[0] != experiment.name or not file.exists():
        return ""
    picture = file.read_text(encoding="utf-8")
    return f'<div class="labcore-first" aria-hidden="true"><style>{_STYLE}</style>{picture}</div>'
