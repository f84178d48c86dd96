"""Share and export: links, lines and files that carry a bench's values or its frame away."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pandas as pd
import xarray as xr

from labcore import catalog
from labcore.experiment import Experiment

LINK_VARIABLE = "LABCORE_LINK"


def changed_values(experiment: Experiment, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not the defaults."""
    return {k: v for k, v in values.items() if v != experiment.parameters[k].default}


def link_query(experiment: Experiment, values: Mapping[str, Any]) -> str:
    """The query string that reopens this bench with these values."""
    return urlencode({"bench": experiment.id, **changed_values(experiment, values)})


def link_values(experiment: Experiment, query: str) -> dict[str, str]:
    """The values that a query string holds for this bench, unchecked; {} if it is for another bench."""
    pairs = dict(parse_qsl(query, max_num_fields=64)) if query else {}
    return pairs if pairs.pop("bench", None) == experiment.id else {}


def environment_values(experiment: Experiment) -> dict[str, str]:
    """The values of the link in the environment: this is how a papermill run reproduces a shared figure."""
    return link_values(experiment, os.environ.get(LINK_VARIABLE, ""))


def python_line(experiment: Experiment, values: Mapping[str, Any]) -> str:
    """The line of Python that computes the same frame."""
    arguments = "".join(f", {k}={v!r}" for k, v in changed_values(experiment, values).items())
    return f'labcore.run("{experiment.id}"{arguments})'


def command_line(experiment: Experiment, values: Mapping[str, Any]) -> str:
    """The shell command that computes the same frame and keeps it."""
    arguments = "".join(f" --{k.replace('_', '-')} {v}" for k, v in changed_values(experiment, values).items())
    return f"labcore run {experiment.id}{arguments} --out {experiment.name}.nc"


def papermill_command(experiment: Experiment, values: Mapping[str, Any]) -> str:
    """The shell command that re-executes the lesson with this bench at these values."""
    notebook = catalog.paper(experiment.key).notebook
    return f"{LINK_VARIABLE}='{link_query(experiment, values)}' papermill {notebook} out.ipynb"


def to_csv(frame: xr.Dataset) -> bytes:
    """The frame as a tidy table: one row a number, columns for the variable, its dimensions, the value and its units."""
    tables = []
    for name, variable in frame.data_vars.items():
        table = variable.to_series().rename("value").reset_index() if variable.dims else pd.DataFrame({"value": [variable.item()]})
        tables.append(table.assign(variable=name, units=variable.attrs.get("units", "")))
    table = pd.concat(tables, ignore_index=True)
    last = ["value", "units"]
    return table[["variable", *[c for c in table.columns if c not in ("variable", *last)], *last]].to_csv(index=False).encode()


def to_netcdf(frame: xr.Dataset) -> bytes:
    """The frame as a NetCDF-4 file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "frame.nc")
        frame.to_netcdf(path, engine="h5netcdf")
        with io.open(path, "rb") as file:
            return file.read()
