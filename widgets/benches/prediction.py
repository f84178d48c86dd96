"""Predict first: a question before the result. The bench shows what it asks about once the learner has committed."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import ipywidgets as w
import xarray as xr

from widgets.benches.parts import button, layout, prose, row, style, words
from widgets.benches.plot import Spec
from widgets.benches.question import offer

Rule = Callable[[xr.Dataset], str | tuple[str, ...]]


@dataclass(frozen=True)
class Prediction:
    """A question, the options to choose from, and what happens after the choice.

    With `then`, the bench shows its figure, waits, and on commitment pins it and runs with these values to the end.
    Without, the figure itself stays covered until commitment; with `start`, it shows where the run starts.

    `right(frame)` names the option that holds on that run's last frame, or several where it is a tie; `why`, in
    Markdown, is unfolded after the answer. `instead[option]` are the values with which that option would have held.
    """

    question: str
    options: tuple[str, ...]
    right: Rule
    then: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    instead: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    start: bool = False

    def __post_init__(self) -> None:
        if len(self.options) < 2:
            raise ValueError(f"a prediction needs at least 2 options, got {self.options!r}")
        for option in self.instead:
            self._check(option, "instead")

    def holding(self, frame: xr.Dataset) -> tuple[str, ...]:
        """The options that hold on this frame, in the order in which they were offered.

        Raises `ValueError` where the rule names none, or one that was not offered.
        """
        named = self.right(frame)
        named = (named,) if isinstance(named, str) else tuple(named)
        for option in named or ("",):
            self._check(option, "right")
        return tuple(o for o in self.options if o in named)

    def _check(self, option: Any, where: str) -> None:
        if option not in self.options:
            raise ValueError(f"{where} names the option {option!r}; it must be one of {', '.join(self.options)}")

    def panel(self, committed: Callable[[str | None], None]) -> PredictionPanel:
        """The widget that asks, and calls `committed(choice)` once; choice is None when the learner skips."""
        return PredictionPanel(self, committed)


class PredictionPanel(w.VBox):
    """The question with its options, and then what came of it.

    `play(values)` shows a bench's run with these values to its end; whoever has a bench sets it.
    """

    def __init__(self, prediction: Prediction, committed: Callable[[str | None], None]):
        self._prediction, self._committed, self._closed = prediction, committed, False
        self._choice: str | None = None
        self.play: Callable[[Mapping[str, Any]], None] | None = None
        look = {"layout": layout(width="auto"), "style": style(w.RadioButtons)}
        self._options = w.RadioButtons(options=list(prediction.options), value=None, **look)
        self._commit = button("Commit", "check", "", lambda: self._close(self._options.value), "primary")
        self._commit.disabled = True
        self._commit.add_class("labcore-commit")  # by which a class's page knows it
        skip = button("Skip", "", "Show the result without a prediction", lambda: self._close(None))
        skip.add_class("labcore-skip")
        question = words(f'<div class="labcore-question">Predict first. {escape(prediction.question)}</div>')
        answers = row([self._options, row([self._commit, skip], "labcore-toolbar")], "labcore-answers")
        super().__init__([question, answers], layout=layout())
        self.add_class("labcore-predict")
        self._options.observe(lambda _: setattr(self._commit, "disabled", self._options.value is None), "value")

    def _close(self, choice: str | None) -> None:
        if self._closed:  # a double click sends two clicks before the page can take the button away
            return
        self._closed, self._choice = True, choice
        self._commit_choice()

    @property
    def kept(self) -> str | None:
        return self._choice

    def restore(self, choice: Any) -> bool:
        """Show the choice of an earlier sitting, and offer the result."""
        if self._closed or choice not in self._prediction.options:
            return False
        self._closed, self._choice = True, choice
        self._say("", offer(self._commit_choice))
        return True

    def _commit_choice(self) -> None:
        self._say("<div>The experiment runs; the answer comes at its end.</div>")
        self._committed(self._choice)

    def _say(self, then: str, *more: w.Widget) -> None:
        question = f'<div class="labcore-question">{escape(self._prediction.question)}</div>'
        choice = self._choice
        said = "You skipped the prediction." if choice is None else f"You predicted: <b>{escape(choice)}</b>."
        self.children = [words(f'{question}<div role="status"><div>{said}</div>{then}</div>'), *more]

    def measured(self, frame: xr.Dataset) -> None:
        """Say what came out, which option it was and why, and offer the experiment of a wrong option."""
        asked, choice = self._prediction, self._choice
        held = asked.holding(frame)
        was = " and ".join(f"<b>{escape(option)}</b>" for option in held)
        was = f"It was a tie between {was}." if len(held) > 1 else f"It was: {was}."
        if choice in held:
            was = "That is what happened." if len(held) == 1 else was
        verdict = f'<div class="labcore-verdict {"labcore-holds" if choice in held else ""}">{was}</div>'
        parts = [prose(asked.why, "labcore-why")] if asked.why else []
        values = asked.instead.get(choice) if choice not in held else None
        if values and self.play is not None:
            play = lambda: self.play(values)  # noqa: E731
            tip = f"Run the experiment where this holds: {choice}"
            parts.append(row([button("When would that be right?", "question-circle", tip, play)], "labcore-toolbar"))
        self._say(f"{verdict}<div>Measured: {escape(frame.attrs['reading'])}</div>", *parts)


def covered(spec: Spec) -> Spec:
    """What a figure will show, in words: the titles of its axes, and nothing else of it."""
    panels = sorted({(trace.get("xaxis", "x"), trace.get("yaxis", "y")) for trace in spec["data"]})
    titles = [[_title(spec["layout"].get(f"{name[0]}axis{name[1:]}")) for name in pair] for pair in panels]
    lines = list(dict.fromkeys(f"{y} over {x}" if x and y else x or y for x, y in titles))
    words = [part for line in lines for part in textwrap.wrap(line, 60)]  # a phone has room for as much
    words = ["<span style='font-size:18px'>First your prediction</span>", *words]
    place = {"xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5, "showarrow": False, "font": {"size": 15}}
    hidden = {"visible": False}
    return {
        "data": [{"type": "scatter", "x": [None], "y": [None], "showlegend": False, "hoverinfo": "skip"}],
        "layout": {
            "height": 40 + 24 * len(words),
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "xaxis": hidden,
            "yaxis": hidden,
            "annotations": [place | {"text": "<br>".join(words)}],
        },
    }


def _title(axis: Mapping[str, Any] | None) -> str:
    """The words that stand at an axis, "" where it is not seen."""
    title = (axis or {}).get("title") or ""
    return title if isinstance(title, str) else title.get("text", "")
