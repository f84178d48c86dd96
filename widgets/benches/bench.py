"""The bench: an experiment under a person's hands.

    bench("double_descent.model_wise", label_noise=0.3)

With a front end it is live: controls, run thread, figure, pins, share, export. Without one (papermill, nbconvert) it
runs the experiment at its budget and leaves the figure and its reading as static output.
"""

from __future__ import annotations

import math
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import ipywidgets as w
import xarray as xr
from IPython.display import display

from labcore import catalog, frame_files
from labcore.experiment import MAIN, Budget, Experiment, ParameterError
from labcore.figure import view_of
from labcore.without import Without, declared
from widgets.benches import ahead, sharing
from widgets.benches.audience import Audience
from widgets.benches.controls import Control, control_panel, label_of, taken
from widgets.benches.film import Film
from widgets.benches.front_end import is_site, is_static, on_voila
from widgets.benches.parts import button, column, layout, line, row, said, show, style, switch, words
from widgets.benches.pins import Pin, difference, ghosts, pin
from widgets.benches.plot import Plot, Spec, jsonable
from widgets.benches.question import Question
from widgets.benches.recording import Recording
from widgets.benches.runner import Job, Report, Runner
from widgets.benches.static_bench import StaticBench
from widgets.benches.taken_out import as_html, waiting

# What a person feels: under INSTANT a figure moves with the slider; up to SHORT it may follow when the slider rests.
INSTANT, SHORT, REST = 0.1, 2.0, 0.3
# A run that is ready is played in so many figures at most, with so many seconds between two of them.
PLAYED, BEAT = 40, 0.08
STORY = "This is where the story was."
IN_PLACE, TAKEN_OUT = "in place", "taken out"  # of a paper's idea, as pins say it

# By link: what the bench opened with that followed it. Its cell run again follows it again; a cell whose values were
# changed since has the last word.
_followed: dict[str, dict[str, Any]] = {}

# By label: the newest bench of that label, which is the one that links of the prose mean. A cell that runs again makes
# another one.
_labelled: dict[str, Bench] = {}
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

_opening = threading.Lock()  # benches of one page compute their first frames one after another, in reading order


def bench(
    name: str,
    *,
    budget: Budget = "full",
    predict: Question | None = None,
    opening: bool = False,
    label: str = "",
    without: bool = False,
    **values: Any,
) -> Bench | StaticBench:
    """A bench for the experiment `KEY.EXPERIMENT`, starting at these values.

    With `opening`, its run is recorded, and played once when it comes into view. What a question asks is not: the run
    of `predict.then` is never played so, and where that is the bench's own run, nothing is.

    `label` is the name of this bench in its lesson, and unique there: links call it so. Without one it has the
    experiment's.

    With `without`, a switch takes the paper's idea out: the bench then runs a copy of the paper without the line that
    its `without.py` names, and shows the line.

    Raises `UnknownKey` for a name that does not exist, `ParameterError` for bad values, `ValueError` for a label that
    no link can hold, and LookupError where no line is named for this experiment.
    """
    if label and not _LABEL.fullmatch(label):
        raise ValueError(f"label = {label!r} is not allowed; it must be of letters, digits, '.', '_' and '-'")
    experiment = catalog.load_experiment(name)
    taken = declared(experiment.key) if without else None
    if taken and taken.shows != name:
        raise LookupError(f"{name} does not fail without {taken.idea}; {taken.shows} does")
    settings = experiment.settings(budget, **values)
    view = view_of(experiment)
    if is_site():
        from widgets.site.still import StillBench

        small = experiment.settings("quick", **values)
        return StillBench(experiment, settings, small, view, predict, taken, label)
    if is_static():
        linked = sharing.environment_values(experiment, label)
        # a link shows what its sender saw, and that is no answer to the lesson's question
        return StaticBench(experiment, linked or settings, view, None if linked else predict, taken)
    return Bench(experiment, settings, view, predict, opening, label, taken)


@dataclass(frozen=True)
class _Story:
    """How a bench stood: its controls, pins and film, and the seconds of its last run."""

    values: Mapping[str, Any]
    pins: Sequence[Pin]
    film: Any
    long: float


class Bench(w.VBox):
    """The live bench. `values` and `frame` are the current ones; `wait()` lets a script wait for a run."""

    def __init__(
        self,
        experiment: Experiment,
        values: dict[str, Any],
        view: Callable[[xr.Dataset], Spec],
        predict: Question | None = None,
        opening: bool = False,
        label: str = "",
        without: Without | None = None,
    ):
        self.experiment, self.values, self.view = experiment, dict(values), view
        self.label = label or experiment.id
        _labelled[self.label] = self
        self.frame: xr.Dataset | None = None
        self._shown_values = dict(values)  # those of the frame
        self.pins: list[Pin] = []
        self._start = dict(values)
        self._spec: Spec = {"data": [], "layout": {"xaxis": {"visible": False}, "yaxis": {"visible": False}}}
        self._cost: dict[str, float] = {}
        self._last_moved: str | None = None
        self._linked: dict[str, Any] = {}  # a link's values, kept until the learner has committed
        self._link_moved = ""  # what had to be moved to take them
        self._story: _Story | None = None  # how the bench stood before a link of the prose moved it
        self._void: Job | None = None  # a run that is seen no more
        self._hand = ""  # the view in which a button was pressed last
        self._long = 0.0  # seconds of the last run if it had more than one frame
        self._timer: threading.Timer | None = None
        self._sweep: w.Widget | None = None
        self._drawing = threading.Lock()

        self._controls = {n: Control(p, self._moved, self._typed) for n, p in experiment.parameters.items()}
        self._plot = Plot(self._spec, "Computing the first figure ...", bench_id=self.label)
        self._plot.on_msg(self._heard)
        self._film = Film(self._plot)
        self._audience = Audience(partial(self._plot.send, {"type": "anyone"}), self._leave)
        self._plot.add_class("labcore-picture")
        self._status = words(css="labcore-status")
        self._refusal = words()  # apart from the status, which a run under way overwrites
        # its layout is its own: it changes
        bar = w.Layout(width="auto", height="6px", visibility="hidden")
        self._progress = w.FloatProgress(min=0, max=1, layout=bar, style=style(w.FloatProgress))
        panel = control_panel(list(self._controls.values()), _main(experiment, predict))
        self._without, self._out = without, False
        self._pinned_before: list[Pin] = []
        self._intact: Recording | None = None  # the run that the page had when the idea was taken out
        self._switch = self._difference = None
        if without:
            tip = "Run the same experiment without the line that carries the idea, and show that line"
            self._switch = switch(f"Take the idea out: {without.idea}", tip, self._turned)
            self._difference = words()
            panel = [panel[0], row([self._switch], "labcore-toolbar"), *panel[1:]]
        side = column([self._toolbar(), self._progress, self._status, self._refusal, *panel], "labcore-side")
        body = row([self._plot, side], "labcore-body")
        self._drawer = column()
        self._question = predict.panel(self._committed) if predict else None
        # the run that the bench opens with, and the one that the question is about, computed before they are asked for
        self._opening: Recording | None = self._recording(self.values) if opening else None
        self._ready: Recording | None = None
        self._asking = threading.Lock()
        self._answered = self._told = False
        self._followed_link = words(css="labcore-followed")
        back = button("Back to the story", "undo", "As it was before the link: controls, figure and pins", self.back)
        self._back = row([self._followed_link, back], "labcore-toolbar")
        self._back.add_class("labcore-back")
        show(self._back, False)
        rows = [self._back, body, *([self._difference] if without else []), self._drawer]
        super().__init__([self._question, *rows] if self._question else rows, layout=layout())
        self.add_class("labcore-bench")
        self._refresh_controls()
        if self._question:
            self._lock(True)
            self._question.play = self._play  # for a panel that offers other runs after its answer
            asked = experiment.validate(**{**self.values, **predict.then})
            self._ready = self._recording(asked)
            if asked == self.values:
                self._opening = None
                self._cover(True)
        self._runner = Runner(self._frames, self._draw, self._report)
        self._preview = Job(dict(self.values), preview=True)
        self._runner.submit(self._preview)

    def _ipython_display_(self) -> None:
        """Show the bench, and words for a page that opens the notebook later, without this kernel.

        A page that knows none of our figures has not our style sheet either, which hides these words.
        """
        word = f"This bench of {self.experiment.id} is not running."
        help = "To see it and move it, run its cell again: in JupyterLab, menu Run, Run All Cells."
        bundle = dict(super()._repr_mimebundle_())
        bundle["text/plain"] = f"{word} {help}"
        display(bundle, raw=True)
        if not on_voila():  # whose pages always come with their kernel
            words = {"text/plain": "", "text/html": f'<p class="labcore-unrun">{escape(word)} {help}</p>'}
            display(words, raw=True)

    def _toolbar(self) -> w.Box:
        self._run_button = button("Run", "play", "Run with these values; pause, or go on", self.run_or_pause, "primary")
        self._run_button.add_class("labcore-run")
        menu = button("Menu", "ellipsis-h", "Stop, start again, share, save")
        menu.add_class("labcore-opens")
        often = [
            self._run_button,
            button("Step", "step-forward", "One frame at a time", self.step),
            button("Pin", "thumb-tack", "Keep these curves as ghosts behind the next ones", self.pin),
        ]
        seldom = [
            button("Stop", "stop", "End the run at its next frame", self.stop),
            button("Unpin", "eraser", "Remove the ghosts", self.unpin),
            button("Reset", "undo", "Back to the values the bench opened with", self.reset),
            button("Share", "link", "A link, and the lines that reproduce this figure", self.share),
            button("Export", "download", "Save the data or the picture", self.export),
            button("Sweep", "th", "Run this over many values and seeds", self.sweep),
        ]
        self._buttons = [*often, *seldom]
        return row([*often, menu, row(seldom, "labcore-more")], "labcore-toolbar")

    # what a person does

    def run(self) -> None:
        """Run with the current values; a run under way is replaced."""
        self._refuse("")
        self._submit(Job(self._wanted))

    def pause(self) -> None:
        """Pause the run, or let a paused one go on."""
        if self._runner.active:
            self._runner.pause(not self._runner.paused)
            self._call("Resume" if self._runner.paused else "Pause")

    def run_or_pause(self) -> None:
        """What the first button says: run, or pause the run with these values, or let it go on."""
        (self.run if self._run_button.description == "Run" else self.pause)()

    def step(self) -> None:
        """One frame: of the paused run, or of a new one that pauses after it."""
        if self._runner.active:
            self._runner.step()
        else:
            self._runner.submit(Job(self._wanted), paused=True)

    def stop(self) -> None:
        """End the run at its next frame."""
        self._cancel_timer()
        self._runner.stop()

    def pin(self) -> None:
        """Keep the current curves as ghosts behind the next runs."""
        if self.frame is not None:
            kept = pin(self._spec, self._with_idea(self._shown_values))
            if not kept.traces:
                return self._say("This figure has no curves to pin.")
            self.pins.append(kept)
            self._say(f"Pinned {len(self.pins)}. Move a control: the pinned curves stay behind.")

    def unpin(self) -> None:
        """Remove all ghosts."""
        self.pins.clear()
        with self._drawing:
            self._look()

    def reset(self) -> None:
        """Back to the values the bench opened with."""
        self._put_back()
        self.set(**self._start)

    def set(self, **values: Any) -> None:
        """Move controls to these values and run if that is quick enough. Raises `ParameterError`."""
        self.values = self.experiment.validate(**{**self.values, **values})
        self._refuse("")
        self._refresh_controls()
        self._last_moved = next(iter(values)) if len(values) == 1 else None
        self._follow()

    def back(self) -> None:
        """Undo links of the prose: controls, figure and pins are as before the first of them."""
        story, self._story = self._story, None
        if story is None:
            return
        show(self._back, False)
        self._refuse("")
        self._put_back()
        self._cancel_timer()
        self.values, self._last_moved, self._long = dict(story.values), None, story.long
        self._refresh_controls()
        with self._drawing:
            self._void = self._runner.job
            self._runner.stop()
            self.pins = list(story.pins)
            self._film.restore(story.film)
            self._look()
        if self.frame is None:
            return self.run()
        self._mark()
        self._say(STORY)

    def share(self) -> None:
        """Show the link and the lines that reproduce the figure."""
        if self._of_copy:
            return self._refuse(f"What is shared is of the paper itself. Put {self._without.idea} back first.")
        what = (self.experiment, self._shown_values)
        lines = {
            "Python": sharing.python_line(*what),
            "Shell": sharing.command_line(*what),
            "Papermill": sharing.papermill_command(*what, self.label),
            "PowerShell": sharing.papermill_command(*what, self.label, powershell=True),
        }
        wide = {"width": "98%"}
        self._link = line("Link", "...", size=wide)
        self._link.add_class("labcore-link")
        self._copied = words()
        where = words("The last two run the whole lesson: in Labcore's folder, where <code>notebooks</code> is.")
        made = [line(k, v, size=wide) for k, v in lines.items()]
        self._drawer.children = [self._link, self._copied, *made, where]
        self._plot.send({"type": "share", "query": sharing.link_query(*what, self.label), "view": self._hand})

    def export(self) -> None:
        """Offer the frame as CSV or NetCDF and the figure as PNG or SVG."""
        kinds = {
            "CSV": ("text/csv", frame_files.to_csv),
            "NetCDF": ("application/x-netcdf", frame_files.to_netcdf),
        }

        name = self._shown_name

        def offer(kind: str) -> w.Button:
            if kind in kinds:
                mime, convert = kinds[kind]
                suffix = "csv" if kind == "CSV" else "nc"
                save = partial(self._save, f"{name}.{suffix}", mime, convert)
            else:
                picture = {"type": "image", "format": kind.lower(), "name": f"{name}.{kind.lower()}"}
                save = lambda: self._plot.send(picture | {"view": self._hand})  # noqa: E731
            return button(kind, "", f"Save as {kind}", save)

        self._drawer.children = [row([offer(kind) for kind in ("CSV", "NetCDF", "PNG", "SVG")], "labcore-toolbar")]

    def sweep(self) -> None:
        """Offer to run the experiment over a grid, with the bench's other values."""
        if self._of_copy:
            return self._refuse(f"What is swept is the paper itself. Put {self._without.idea} back first.")
        if self._sweep is None:
            from widgets.benches.sweep_panel import SweepPanel  # with Dask, which no bench needs before

            self._sweep = SweepPanel(self.experiment, lambda: self.values, self.view)
        self._drawer.children = [self._sweep]

    def close(self) -> None:
        """End the run and take the bench away from its pages."""
        self._audience.close()
        self._leave()
        if _labelled.get(self.label) is self:
            del _labelled[self.label]
        super().close()

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until no run is under way. For tests and scripts."""
        return self._runner.wait(timeout)

    # the idea, taken out

    def take_out(self, out: bool = True) -> None:
        """Run the paper's copy without its essential line, before the curves of the real one; or put the line back."""
        if self._without is None:
            raise ValueError(f"{self.experiment.id} has no line that could be taken out; open it with without=True")
        self._switch.value = out

    def _turned(self, out: bool) -> None:
        """Let the run and the page follow the switch."""
        if out == self._out:
            return
        if not out:
            self._put_back()
            return self.run()
        self._refuse("")
        self._drawer.children = []
        self._pinned_before, self._intact = list(self.pins), self._whole()
        self.pin()
        self._out = True
        self._difference.value = as_html(self._without)
        self._switch.description = f"Put it back: {self._without.idea}"
        self.run()
        self._say(waiting(self._without))

    def _put_back(self) -> None:
        """The paper as it is: the next run is its own."""
        if self._out:
            self._out, self.pins = False, self._pinned_before
            self._difference.value = ""
            self._switch.description = f"Take the idea out: {self._without.idea}"
            self._switch.value = False

    def _whole(self) -> Recording | None:
        """What the film has of a run of the paper itself that went to its end."""
        shots = self._film.shots
        if not shots or shots[-1].frame.attrs["progress"] < 1 or self._of_copy:
            return None
        run = self._recording(dict(self._film.values))
        run.frames, run.complete = [shot.frame for shot in shots], True
        return run

    @property
    def _wanted(self) -> dict[str, Any]:
        """The values to run with; without the idea they say so, and are then no values of the paper."""
        return {**self.values, self._without.idea: TAKEN_OUT} if self._out else dict(self.values)

    def _with_idea(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a figure, by which pins differ."""
        return {self._without.idea: IN_PLACE, **values} if self._without else dict(values)

    @property
    def _of_copy(self) -> bool:
        """Whether the figure, or the next one, is not of the paper itself."""
        return self._without is not None and (self._out or self._without.idea in self._shown_values)

    @property
    def _shown_name(self) -> str:
        """The experiment of the figure, as the name of a file."""
        if self.frame is None or "without" not in self.frame.attrs:
            return self.experiment.id
        return f"{self.experiment.id} without {self.frame.attrs['without']}".replace(" ", "-")

    # what the page reports

    def _moved(self, name: str, value: Any) -> None:
        self.set(**{name: value})

    def _typed(self, name: str, text: str) -> None:
        # the page may repeat the old value that a refusal put back; that is no answer to the refusal
        if text.strip() == self._controls[name].written(self.values[name]):
            return
        try:
            value = taken(self.experiment.parameters[name], text)
        except ParameterError as error:
            self._refresh_controls()
            return self._refuse(str(error))
        self.set(**{name: value})

    def _heard(self, _: Any, message: dict[str, Any], __: Any) -> None:
        if message["type"] == "shared":
            self._link.value = sharing.public_link(message["url"])
            self._plot.send({"type": "copy", "text": self._link.value, "view": self._hand})
        elif message["type"] == "copied":
            said = "The link is copied." if message["done"] else "The link is selected: Ctrl+C, or Cmd+C, copies it."
            self._copied.value = f'<span role="status">{said}</span>'
        elif message["type"] == "hand":
            self._hand = message["view"]
        elif message["type"] == "link":
            _labelled.get(message["name"], self)._read_prose(message["values"], message["page"])
        elif message["type"] in ("film", "shown"):
            with self._drawing:
                self._film.hear(message)
                self._look()
        elif message["type"] in ("gone", "here"):
            self._audience.hear(message["type"])
        elif message["type"] == "opened":
            self._audience.hear("opened")
            self._say_again(message.get("drawn", -1))
            if "link" in message:
                self._read_link(message["link"])
        elif message["type"] == "set" and self._controls_enabled:
            try:
                values = dict(message["values"])
                for name, value in values.items():
                    # a click or a drag can land between or outside the allowed values; take the nearest
                    p = self.experiment.parameters.get(name)
                    if p is not None and p.kind in ("int", "float"):
                        near = min(max(float(value), p.low), p.high)
                        values[name] = round(near) if p.kind == "int" else float(f"{near:.4g}")
                self.set(**values)
            except (ParameterError, ValueError, TypeError) as error:  # a click on a category has no number
                self._refuse(str(error))

    def _say_again(self, drawn: int) -> None:
        """Repeat what the run thread may have said while the page was still making its widgets, and so missed."""
        with self._drawing:
            self._plot.show_again(drawn)
        for part in (self._status, self._progress, self._progress.layout):
            part.send_state()

    def _read_link(self, query: str) -> None:
        try:
            self._linked = sharing.link_values(self.experiment, query, self.label)
            self._link_moved = sharing.link_moved(self.experiment, query, self.label)
        except ParameterError as error:
            return self._refuse(f"The link was not taken; the lesson's own values are shown. {error}")
        if self._linked and _followed.setdefault(query, self._start) != self._start:
            self._linked = {}
        if self._linked and self._controls_enabled:
            self._follow_link()

    def _follow_link(self) -> None:
        """Show what the link's sender saw, however long it takes: opening the link asked for it."""
        # a link carries every value, so nothing of what this bench opened with is left
        values, self._linked = self._linked, {}
        self._go(values, self._link_moved)

    def _go(self, values: dict[str, Any], moved: str) -> None:
        self._put_back()
        self.values, self._last_moved = values, None
        self._refresh_controls()
        self.run()
        if moved:
            self._refuse(f"Not all that the link asks for is allowed here: {moved}.")

    def _read_prose(self, query: str, page: str) -> None:
        """Follow a link of the lesson's prose; values that it leaves out are those that the bench opened with."""
        if self._controls_enabled:
            query = f"bench={self.label}&{query}"
            try:
                values = sharing.link_values(self.experiment, query, self.label, self._start)
                moved = sharing.link_moved(self.experiment, query, self.label)
            except ParameterError as error:
                self._refuse(f"The link was not taken. {error}")
            else:
                self._story = self._story or _Story(self.values, list(self.pins), self._film.standing(), self._long)
                self._go(values, moved)
                labels = {name: label_of(p) for name, p in self.experiment.parameters.items()}
                told = difference(values, self._start, labels) if values != self._start else "as it opened"
                self._followed_link.value = f"<span>From the text: {escape(told)}</span>"
                show(self._back, True)
        else:
            self._refuse("This bench asks you something first. Answer or skip its question, then follow the link.")
        self._plot.send({"type": "look", "page": page})

    def _committed(self, _: Any) -> None:
        """Show the run that the question is about, to its end."""
        self._refuse("")
        self._lock(False)
        self._cover(False)
        asked = self._ready.values
        if asked != self.values and not self._linked:  # a link shows what its sender saw
            self.pin()
        self.values, self._last_moved = dict(asked), None
        self._refresh_controls()
        with self._asking:
            self._answered = True
            self._submit(Job(dict(asked), asked=True))

    def _play(self, values: Mapping[str, Any]) -> None:
        """Run what the question is about with other values, to the end; what is shown stays behind."""
        self._put_back()
        self.pin()
        self.values, self._last_moved = self.experiment.validate(**{**self._ready.values, **values}), None
        self._refresh_controls()
        self.run()

    def _tell(self, frame: xr.Dataset) -> None:
        """Give the question its answer, and then a link its turn."""
        self._told = True
        self._question.measured(frame)
        if self._linked:
            self._follow_link()

    # runs

    def _prepare(self) -> None:
        """Compute the next run that nobody has asked for yet."""
        runs = self._unasked()
        with self._asking:
            if runs and not self._answered and not ahead.leave(self._compute_ahead):
                self._runner.offer(Job(runs[0].values, prepare=True))

    def _unasked(self) -> list[Recording]:
        return [r for r in (self._opening, self._ready) if r is not None and not r.complete]

    def _compute_ahead(self) -> Iterator[None]:
        """The same in a process that waits for others: without a thread, and with a pause after each frame."""
        for run in self._unasked():
            began = time.perf_counter()
            for _ in run:
                yield
            if len(run.frames) > 1:
                self._long = time.perf_counter() - began
        self._open()

    def _open(self) -> None:
        """Let the page play the run that the bench opens with, if nothing else has been shown since."""
        run, self._opening = self._opening, None
        if run is None or not run.complete or len(run.frames) < 2:
            return
        film = [(frame, self.view(frame)) for frame in run.frames]
        with self._drawing:
            if self._preview is self._film.key and self.values == run.values:
                self._film.load(run.values, film, opening=True)
                self._look()
                self._say("Ready.")

    def _frames(self, values: dict[str, Any]) -> Iterator[xr.Dataset]:
        first = self.frame is None
        if first:
            _opening.acquire()
        try:
            frames = self._computed(values)
            frame = next(frames, None)
        finally:
            if first:
                _opening.release()
        try:
            while frame is not None:
                yield frame
                frame = next(frames, None)
        finally:
            frames.close()

    def _recording(self, values: dict[str, Any]) -> Recording:
        return Recording(values, partial(self.experiment.frames, **values))

    def _computed(self, values: dict[str, Any]) -> Iterator[xr.Dataset]:
        """The frames of a run: of the one that a question is about, what is ready is not computed again."""
        if self._without is not None and self._without.idea in values:
            own = {name: value for name, value in values.items() if name in self.experiment.parameters}
            return self._without.frames(self.experiment.name, **own)
        if self._intact is not None and values == self._intact.values:
            return iter(self._intact)
        if self._opening is not None and values == self._opening.values:
            return iter(self._opening)
        if self._ready is None or values != self._ready.values:
            return self.experiment.frames(**values)
        return self._played() if self._ready.complete else iter(self._ready)

    def _played(self) -> Iterator[xr.Dataset]:
        """The run that is ready, slowly enough to be seen."""
        frames = self._ready.frames
        shown = frames[:: math.ceil(len(frames) / PLAYED)]
        for frame in shown if shown[-1] is frames[-1] else [*shown, frames[-1]]:
            yield frame
            if frame is not frames[-1]:
                time.sleep(BEAT)

    def _submit(self, job: Job) -> None:
        self._cancel_timer()
        self._runner.submit(job)

    def _follow(self) -> None:
        """After a change: run now, when the hand rests, or wait for Run, by how long such a run took last time."""
        self._cancel_timer()
        cost = max(self._cost.get(self._last_moved or "", 0.0), self._long)
        if cost <= INSTANT:
            self._submit(Job(self._wanted))
        elif cost <= SHORT:
            # not `run`, which takes a refusal away: a person may have typed a bad value in the meantime
            self._timer = threading.Timer(REST, lambda: self._submit(Job(self._wanted)))
            self._timer.daemon = True
            self._timer.start()
        else:
            self._mark()
            self._say(f"Press Run. The last run took {cost:.0f} s.")

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _draw(self, job: Job, frame: xr.Dataset) -> None:
        if job.prepare:
            with _opening:  # let the first figures of the page's other benches come first
                return
        spec = self.view(frame)
        if self.frame is None and hasattr(self._question, "opened"):
            self._question.opened(frame)
        with self._drawing:
            if job is self._void:
                return
            self._film.add(job, job.values, frame, spec)
            self._look()
        if job.values == self._wanted:
            self._mark()

    def _look(self) -> None:
        """Take the frame that the page shows for the current one, and put the pins behind it."""
        shot = self._film.shown
        if shot is None:
            return
        self.frame, self._spec, self._shown_values = shot.frame, shot.spec, self._film.values
        labels = {name: label_of(p) for name, p in self.experiment.parameters.items()}
        self._plot.ghosts = jsonable(ghosts(self.pins, self._with_idea(self._shown_values), labels))

    def _mark(self) -> None:
        """Let a figure that does not belong to the controls say so."""
        self._plot.stale = self.frame is not None and self._shown_values != self._wanted

    def _cover(self, yes: bool) -> None:
        """Keep the figure from the learner, who sees its axes; or show it."""
        if yes != self._film.covered:
            (self._plot.add_class if yes else self._plot.remove_class)("labcore-covered")
            with self._drawing:
                self._film.cover(yes)

    def _leave(self) -> None:
        """End all that goes on."""
        self.stop()
        if self._sweep is not None:
            self._sweep.stop()

    def _report(self, report: Report) -> None:
        if report.job.prepare:
            # what failed is said when it is asked for
            if report.state == "done":
                if report.frames > 1:
                    self._long = report.seconds
                self._open()
                self._prepare()
            return
        if report.job.preview:
            self._prepare()
        if report.job is self._void:
            self._progress.layout.visibility = "hidden"
            return self._call("Run")
        going = report.state in ("running", "paused")
        if going != (self._progress.layout.visibility == "visible"):
            self._progress.layout.visibility = "visible" if going else "hidden"
        if not going or report.job.values != self._wanted:
            self._call("Run")  # the controls ask for another run than the one under way
        else:
            self._call("Resume" if report.state == "paused" else "Pause")
        if going:
            self._progress.value = report.progress
            left = report.seconds * (1 / report.progress - 1) if report.progress > 0 else None
            word = "Paused" if report.state == "paused" else "Running"
            return self._say(f"{word}: {report.progress:.0%}" + (f", about {left:.0f} s left" if left else ""))
        if report.state == "failed":
            self._mark()
            return self._fail(said(report.error), report.error)
        self._mark()
        if report.state == "done" and report.job.preview:
            self._say("Ready.")  # its time says nothing: the benches of a page open one after another
        elif report.state == "done" and report.job.asked:
            self._say("Done.")  # what was ready is shown in less time than it took, or in more
        elif report.state == "done":
            self._long = report.seconds if report.frames > 1 else 0.0
            if self._last_moved:
                self._cost[self._last_moved] = report.seconds
            self._say(f"{report.seconds * 1000:.0f} ms" if report.seconds < 1 else f"{report.seconds:.1f} s")
        elif report.state == "stopped":
            self._say(f"Stopped at {report.progress:.0%}.")
        elif report.state == "ready":
            self._long = max(self._long, SHORT + 1)
            self._say("This is where it starts. Press Run.")
        if self._answered and not self._told and report.state != "failed":
            if report.state == "done" and report.job.values == self._ready.values:
                self._tell(self._film.shots[-1].frame)
            elif self._ready.complete:  # the learner went on before its end
                self._tell(self._ready.frames[-1])

    # small parts

    def _lock(self, locked: bool) -> None:
        for part in [*self._controls.values()]:
            part.set_enabled(not locked)
        for made in [*self._buttons, *([self._switch] if self._switch else [])]:
            made.disabled = locked

    @property
    def _controls_enabled(self) -> bool:
        return not self._run_button.disabled

    def _call(self, name: str) -> None:
        """What the first button does next: Run, Pause or Resume."""
        if name != self._run_button.description:
            with self._run_button.hold_sync():
                self._run_button.description, self._run_button.icon = name, "pause" if name == "Pause" else "play"

    def _refresh_controls(self) -> None:
        for name, control in self._controls.items():
            control.show(self.values[name])
            control.set_visible(control.parameter.matters(self.values))
        if self._shown_values != self._wanted and self._run_button.description != "Run":
            self._call("Run")

    def _save(self, name: str, mime: str, convert: Callable[[xr.Dataset], bytes]) -> None:
        if self.frame is not None:
            message = {"type": "file", "name": name, "mime": mime, "view": self._hand}
            self._plot.send(message, buffers=[convert(self.frame)])

    def _say(self, text: str) -> None:
        self._status.value = f"<span>{escape(text)}</span>"

    def _refuse(self, text: str) -> None:
        """Say why a value was not taken, until one is; "" takes the words away."""
        self._refusal.value = _alert(text) if text else ""

    def _fail(self, text: str, error: BaseException | None = None) -> None:
        details = ""
        if error is not None:
            trace = escape("".join(traceback.format_exception(error)))
            details = f"<details><summary>Details</summary><pre>{trace}</pre></details>"
        self._status.value = _alert(text) + details


def _main(experiment: Experiment, question: Question | None) -> set[str]:
    """The parameters whose controls stand open: those that the question moves, and the experiment's main ones."""
    asked = list(question.then) if question else []
    own = [name for name, p in experiment.parameters.items() if p.main]
    return set(list(dict.fromkeys([*asked, *own]))[:MAIN])


def _alert(text: str) -> str:
    return f'<span class="labcore-error" role="alert">{escape(text.splitlines()[0][:400])}</span>'
