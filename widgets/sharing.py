"""Share and export: links, lines and files that carry a bench's values or its frame away."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pandas as pd
import xarray as xr

from labcore import catalog
from labcore.experiment import Experiment, ParameterError

LINK_VARIABLE = "LABCORE_LINK"
LINK_FIELDS = 64  # plot.js takes as many


def changed_values(experiment: Experiment, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not the defaults."""
    return {k: v for k, v in values.items() if v != experiment.parameters[k].default}


def link_query(experiment: Experiment, values: Mapping[str, Any]) -> str:
    """The query string that reopens this bench with these values.

    It holds all of them: the lesson that it opens may start the bench elsewhere than at the defaults.
    """
    return urlencode({"bench": experiment.id, **values})


def link_values(experiment: Experiment, query: str) -> dict[str, str]:
    """The values that a query string holds for this bench, unchecked; {} if it is for another bench.

    Raises `ParameterError` for more values than any bench has.
    """
    try:
        pairs = dict(parse_qsl(query, max_num_fields=LINK_FIELDS)) if query else {}
    except ValueError:
        raise ParameterError(f"{experiment.id}: the link holds more than {LINK_FIELDS} values") from None
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
    changed = changed_values(experiment, values)
    arguments = "".join(f" --{k.replace('_', '-')} {shlex.quote(str(v))}" for k, v in changed.items())
    return f"labcore run {experiment.id}{arguments} --out {experiment.name}.nc"


def papermill_command(experiment: Experiment, values: Mapping[str, Any]) -> str:
    """The shell command that re-executes the lesson with this bench at these values."""
    notebook = catalog.paper(experiment.key).notebook
    return f"{LINK_VARIABLE}='{link_query(experiment, values)}' papermill {notebook} out.ipynb"


def to_csv(frame: xr.Dataset) -> bytes:
    """The frame as a tidy table: a row a number, columns for the variable, its coordinates, the value and its units."""
    tables = []
    for name, variable in frame.data_vars.items():
        flat = variable.to_dataframe(name="value").reset_index() if variable.dims else None
        table = pd.DataFrame({"value": [variable.item()]}) if flat is None else flat
        if variable.dtype == bool:  # beside numbers, pandas would make numbers of them
            table["value"] = table["value"].astype(object)
        tables.append(table.assign(variable=name, units=variable.attrs.get("units", "")))
    table = pd.concat(tables, ignore_index=True)
    between = [c for c in table.columns if c not in ("variable", "value", "units")]
    return table[["variable", *between, "value", "units"]].to_csv(index=False).encode()


def to_netcdf(frame: xr.Dataset) -> bytes:
    """The frame as a NetCDF-4 file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "frame.nc")
        frame.to_netcdf(path, engine="h5netcdf")
        with open(path, "rb") as file:
            return file.read()
