"""Rules for what an experiment computes: its quick frames, their readings, their figures."""

from __future__ import annotations

import io
import itertools
import json
import re
import threading
from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go
import torch
import xarray as xr

from labcore import live_code
from labcore.experiment import Experiment
from labcore.figure import on_paper, view_of
from labcore.frame_files import to_netcdf
from widgets.benches.plot import Spec, jsonable

Frames = Sequence[xr.Dataset]


def labelled_and_finite(frames: Frames) -> Iterator[str]:
    """Every variable has a long name and units, holds something, and no number is lost."""
    for frame in frames:
        for name, variable in frame.variables.items():
            for attribute in ("long_name", "units"):
                if attribute not in variable.attrs or attribute == "long_name" and not variable.attrs[attribute]:
                    yield f"{name} has no {attribute}: name it in the Frame"
            if variable.dtype.kind == "f" and not np.isfinite(variable.values).all():
                yield f"{name} holds numbers that are not finite: end with `raise Diverged(step)` before"
            if variable.size == 0:
                yield f"{name} is empty"
        for dim in frame.dims:
            if dim not in frame.coords:
                yield f"the dimension {dim} has no coordinate: declare it as an axis"


def as_declared(experiment: Experiment, frames: Frames) -> Iterator[str]:
    """A frame holds what the experiment's Frame declares, over these dimensions and in these units."""
    if experiment.frame is None:
        yield "it declares no frame: @experiment(frame=Frame(...))"
        return
    declared = experiment.frame.columns
    needed = {name for name, column in declared.items() if column.dims is not None and not column.optional}
    for frame in frames:
        for name in sorted(needed - set(frame.variables)):
            yield f"{name} is declared and missing from a frame: give it, or declare it optional=True"
        for name, variable in frame.variables.items():
            if name not in declared:
                yield f"{name} is in a frame and not declared"
                continue
            dims = declared[name].dims
            if variable.dims != ((name,) if dims is None else dims):
                yield f"{name} lies over {variable.dims} and is declared over {dims}"
            units = variable.attrs.get("units")
            if units != declared[name].units:
                yield f"{name} has the units {units!r} and is declared in {declared[name].units!r}"


def progress_rises_to_one(frames: Frames) -> Iterator[str]:
    """The progress never falls, and the last frame's is 1."""
    if not frames:
        yield "it yields no frame"
        return
    progress = [float(frame.attrs["progress"]) for frame in frames]
    if progress != sorted(progress):
        yield f"the progress falls: {progress}"
    if progress[-1] != 1:
        yield f"the last frame's progress is {progress[-1]:g}; it must be 1"


def reading_is_a_sentence(reading: str) -> Iterator[str]:
    """A reading begins and ends as a sentence, and names no number that is none."""
    if not reading[0].isupper() or not reading.rstrip().endswith((".", "!", "?")):
        yield f"a reading is a sentence, with a capital and a full stop: {reading!r}"
    if re.search(r"\b(nan|inf)\b", reading, re.IGNORECASE) or "{" in reading:
        yield f"a reading names a number that is none: {reading!r}"


def readings(frames: Frames) -> Iterator[str]:
    """Each frame's reading is a sentence with a number in it."""
    for reading in dict.fromkeys(frame.attrs["reading"] for frame in frames):
        yield from reading_is_a_sentence(reading)
        if not re.search(r"\d", reading):
            yield f"a reading says a number of its frame: {reading!r}"
        if re.search(r"(?<![\w.])-0(\.0*)?(?![\d.])", reading):
            yield f"a zero has no sign; use labcore.words.plain: {reading!r}"


def at_work() -> int:
    """The threads of this process, without those that spline layers share between runs and keep for the next one."""
    return sum(not thread.name.startswith("spline") for thread in threading.enumerate())


def another_seed_another_result(experiment: Experiment, frames: Frames, others: Frames) -> Iterator[str]:
    """frames are of one seed, others of another one."""
    if "seed" not in experiment.parameters:
        yield "it has no parameter called seed, from which all randomness flows: seed: Seed = 0"
    elif others[-1].equals(frames[-1]):
        yield "another seed gives the same result: make every generator from seed"


def same_bits_and_nothing_left(experiment: Experiment, frames: Frames) -> Iterator[str]:
    """frames are a quick run's; a second one, stopped at its last frame, gives the same and leaves nothing behind."""
    np.random.seed(3)
    torch.manual_seed(3)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    threads = at_work()
    run = experiment.frames("quick")
    again = list(itertools.islice(run, len(frames)))
    run.close()  # the run stands at its last frame and does not know it: this is a stop like any other
    if at_work() > threads:
        yield "a run that is stopped leaves a thread behind"
    if (np.random.get_state()[1] != before[0]).any():
        yield "it draws from numpy's global generator: use np.random.default_rng(seed)"
    if (torch.get_rng_state() != before[1]).any():
        yield "it draws from torch's global generator: use torch.Generator().manual_seed(seed)"
    if len(again) != len(frames):
        yield f"the same seed gives {len(frames)} frames and then {len(again)}"
    for one, other in zip(again, frames):
        if not one.identical(other):
            names = [n for n in one.variables if n not in other.variables or not one[n].identical(other[n])]
            yield f"the same seed does not give the same bits, in {', '.join(map(str, names)) or 'what a frame says'}"
            break
    if changed := live_code.changed(experiment.__module__):
        yield f"{changed} is changed while it runs: a sweep would refuse to start"


def figures(experiment: Experiment, frames: Frames) -> Iterator[str]:
    """The view makes a figure of every frame, with titles on its axes, and does not change the frame."""
    view = view_of(experiment)
    for frame in frames:
        before = frame.copy(deep=True)
        spec = view(frame)
        if not frame.identical(before):
            yield "the view changes its frame"
        figure = go.Figure(on_paper(spec))  # raises on anything that plotly does not know
        if not sum(len(trace.y) if trace.y is not None else 1 for trace in figure.data):
            yield "the figure is empty"
        for letter, axes in (("x", figure.select_xaxes()), ("y", figure.select_yaxes())):
            if not any(a.title.text for a in axes):
                yield f'no {letter} axis has a title: {letter}axis=axis(frame["..."]), from labcore.figure'
        yield from _away_from_their_panels(spec)
        json.dumps(jsonable(spec), allow_nan=False)


def _away_from_their_panels(spec: Spec) -> Iterator[str]:
    """Axes that are drawn at the side of another panel than that of their curves."""
    met: dict[str, set[str]] = {}
    for trace in spec["data"]:
        x, y = trace.get("xaxis", "x"), trace.get("yaxis", "y")
        met.setdefault(x, set()).add(y)
        met.setdefault(y, set()).add(x)
    for axis, others in met.items():
        letter = "y" if axis[0] == "x" else "x"
        drawn = spec["layout"].get(f"{axis[0]}axis{axis[1:]}", {})
        at = drawn.get("anchor", letter)
        seen = drawn.get("visible", True) and drawn.get("showticklabels", True)
        if seen and at not in {*others, "free"}:
            yield f'{axis[0]}axis{axis[1:]} is drawn beside {at}, away from its curves: anchor="{min(others)}"'


def netcdf(frame: xr.Dataset) -> Iterator[str]:
    """A frame that was written and read again is the same."""
    with xr.open_dataset(io.BytesIO(to_netcdf(frame)), engine="h5netcdf") as back:
        if not back.load().identical(frame):
            yield "a frame that was written as NetCDF is not what is read from it"
