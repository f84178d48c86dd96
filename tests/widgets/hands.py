"""What the tests of this folder share: a tiny experiment, its view, and hands that find and move a bench's widgets."""

import io
import json
import threading
from typing import Annotated, Literal

import ipywidgets as w
import numpy as np
import pandas as pd
import xarray as xr
from hypothesis import settings
from pydantic import Field

from labcore import frame_files
from labcore.experiment import Experiment, Seed, choice, number
from labcore.figure import axis, curve
from widgets.benches.bench import Bench
from widgets.benches.parts import is_shown
from widgets.benches.plot import Plot

relaxed = settings(deadline=None, max_examples=40)  # a shared runner may take its time over one example
PATIENCE = 20  # seconds until a condition that never comes is a failure


def frame(height, progress=1.0, reading=None):
    return xr.Dataset(
        {"y": ("x", height * np.arange(3.0), {"long_name": "height", "units": "m"})},
        coords={"x": ("x", np.arange(3), {"long_name": "place", "units": ""})},
        attrs={"progress": progress, "reading": reading or f"The line rises to {2 * height:g} m."},
    )


def line(
    slope: Annotated[float, number(0, 2, "Slope of the line", "line")] = 0.5,
    count: Annotated[int, number(1, 400, "How many", "line")] = 100,
    rate: Annotated[float, number(1e-6, 10, "Rate", "training", method=["gd", "adam"])] = 1e-3,
    momentum: Annotated[float, number(0, 1, "Momentum", "training", method=["gd"])] = 0.0,
    method: Literal["exact", "gd", "adam"] = "gd",
    order: Literal[1, 2] = 1,
    clip: Annotated[bool, choice("Clip")] = False,
    seed: Seed = 0,
):
    """A line."""
    yield frame(slope)


def view(shown):
    trace = curve(shown.x.values, shown.y.values, "height", "#123456", pin=True)
    return {"data": [trace], "layout": {"xaxis": axis("place"), "yaxis": axis("height (m)")}}


LINE = Experiment(line, "toy", {"count": 10})


def experiment_of(frames):
    """An experiment of one number, `x` from 0 to 10, whose frames come from `frames(x)`."""

    def made(x: Annotated[float, Field(ge=0, le=10, description="x")] = 1.0, seed: Seed = 0):
        yield from frames(x)

    return Experiment(made, "toy", {})


def open_bench(experiment=LINE, predict=None, view=view, opening=False, label="", **values):
    """A bench after its first run."""
    bench = Bench(experiment, experiment.settings(**values), view, predict, opening, label)
    assert bench.wait(PATIENCE)
    return bench


def all_of(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from all_of(child)


def row(bench, name):
    """The widgets of one parameter, by kind; and the row that holds them."""
    box = bench._controls[name].row
    assert box in all_of(bench)
    return {type(part): part for part in box.children} | {"row": box}


def visible(bench, name):
    return is_shown(row(bench, name)["row"])


def button(bench, text):
    """A button by its words; the first one of a bench says Run, Pause or Resume."""
    return next(b for b in all_of(bench) if isinstance(b, w.Button) and b.description == text)


def status(bench):
    """What the bench says about its run, and about a value that it refused."""
    return bench._status.words.value + bench._status.refusal.value


def plot(bench):
    return next(p for p in all_of(bench) if isinstance(p, Plot))


def slope(shown):
    """The slope of the line in a frame, from its numbers."""
    return float(shown.y[1])


def until(widget, trait, condition):
    """Wait until a trait that another thread sets satisfies a condition."""
    seen = threading.Event()

    def look(_=None):
        if condition(getattr(widget, trait)):
            seen.set()

    widget.observe(look, trait)
    look()
    assert seen.wait(PATIENCE), f"{trait} never came to what was expected; it is {getattr(widget, trait)!r}"


def parameters_of(shown):
    return json.loads(shown.attrs["parameters"])


def read(data):
    # as text: pandas' own reading of a float may be off in the last digit
    return pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)


def same(written, array):
    # a number of single precision is written with the digits that single precision has
    kind = {"f": array.dtype.type, "i": float, "u": float}.get(array.dtype.kind, str)
    assert [kind(v) for v in written] == [kind(v) for v in array.values.ravel()]


def check_csv(shown):
    """A frame's CSV file holds every number of it, with its place and units."""
    table = read(frame_files.to_csv(shown))
    assert list(table.columns[[0, -2, -1]]) == ["variable", "value", "units"]
    assert len(table) == sum(v.size for v in shown.data_vars.values()), "one row a number"
    for name, variable in shown.data_vars.items():
        rows = table[table.variable == name]
        assert set(rows.units) == {variable.attrs.get("units", "")}
        same(rows.value, variable)
        for coordinate in variable.coords:
            same(rows[coordinate], variable[coordinate].broadcast_like(variable))
