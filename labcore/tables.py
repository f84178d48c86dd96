"""A table of your own, of a CSV file or a DataFrame, and the experiments that take one.

    on_table("double_descent.model_wise", "houses.csv", ["rooms", "age", "price"])

The last column is what the others are to predict. What is wrong with a file is said with its line and column. The
experiments are in a paper's `table.py`, under the names of those that they stand for.
"""

from __future__ import annotations

import csv
import difflib
import functools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    import xarray as xr

    from labcore.experiment import Experiment
    from labcore.frames import Frame

LEAST, MOST, WIDEST = 40, 20_000, 50  # rows, and columns
SHARE = 2 / 3  # of the rows that are trained on, where nothing else is said and the experiment's default is more


class TableError(ValueError):
    """A table that cannot be used. The message is one line that names the place."""


class Table(NamedTuple):
    """The rows of a table: inputs, the target, the names of all columns, the target's last."""

    x: Float[np.ndarray, "n d"]
    y: Float[np.ndarray, " n"]
    names: tuple[str, ...]


def table(source: Any, columns: Sequence[str] = ()) -> Table:
    """The numbers of a CSV file, by its path, or of a pandas DataFrame; of these columns, or of all.

    Raises `TableError` for what cannot be read, a file that names no columns, a column that is not there, a place that
    holds no number, a column that never changes, and for fewer than 40 or more than 20,000 rows.
    """
    if isinstance(source, (str, os.PathLike)):
        named, rows = str(source), _of_file(Path(source))
        if all(map(_is_number, rows[0][1])):
            raise TableError(f"{named}, {rows[0][0]}: it holds numbers alone; the first line must name the columns")
    elif hasattr(source, "columns") and hasattr(source, "itertuples"):
        named = "the table"
        head = [str(name) for name in source.columns]
        rows = [
            ("its columns", head),
            *((f"row {n}", list(row)) for n, row in enumerate(source.itertuples(index=False))),
        ]
    else:
        raise TableError(f"table = {type(source).__name__} is not allowed; it must be a path or a DataFrame")
    (_, head), *body = rows
    if twice := [name for name in head if head.count(name) > 1]:
        raise TableError(f"{named}: two columns are called {twice[0]!r}")
    if isinstance(columns, str):
        columns = [part.strip() for part in columns.split(",")] if columns else ()
    chosen = list(columns) or head
    for name in chosen:
        if not isinstance(name, str):
            raise TableError(f"columns = {name!r} is not allowed; it must be names of columns")
        if name not in head:
            near = difflib.get_close_matches(name, head, n=1)
            raise TableError(
                f"{named}: there is no column {name!r}; "
                + (f"did you mean {near[0]!r}?" if near else f"it has {_few(head)}")
            )
    if not 2 <= len(set(chosen)) == len(chosen) <= WIDEST:
        raise TableError(
            f"columns = {_few(chosen)} is not allowed; it must be 2 to {WIDEST} of them, each once, the target last"
        )
    if not LEAST <= len(body) <= MOST:
        raise TableError(f"{named} has {len(body)} rows; it must have from {LEAST} to {MOST}")
    places = [head.index(name) for name in chosen]
    numbers = np.array([_numbers(named, where, row, head, places) for where, row in body])
    for name, low, high in zip(chosen, numbers.min(0), numbers.max(0)):
        if low == high:
            raise TableError(f"{named}, column {name!r}: it is {low:g} in every row")
    return Table(numbers[:, :-1], numbers[:, -1], tuple(chosen))


def _of_file(path: Path) -> list[tuple[str, list[str]]]:
    """The head and the rows of a CSV file, each with where it stands. Lines without anything are left out."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise TableError(f"{path} cannot be read: {why}") from None
    first = text.partition("\n")[0]
    reader = csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count))
    try:
        rows = [
            (f"line {reader.line_num}", [part.strip() for part in row]) for row in reader if any(map(str.strip, row))
        ]
    except csv.Error as error:
        raise TableError(f"{path}, line {reader.line_num}: {error}") from None
    if not rows:
        raise TableError(f"{path} is empty")
    return rows


def _numbers(named: str, where: str, row: Sequence[Any], head: Sequence[str], places: Iterable[int]) -> list[float]:
    if len(row) != len(head):
        raise TableError(f"{named}, {where}: it has {len(row)} values, and there are {len(head)} columns")
    found = []
    for place in places:
        value, at = row[place], f"{named}, {where}, column {head[place]!r}"
        if value is None or value == "":
            raise TableError(f"{at}: there is nothing")
        try:
            number = float(value)
        except (TypeError, ValueError):
            said = "; write 1.5 and not 1,5" if isinstance(value, str) and value.count(",") == 1 else ""
            raise TableError(f"{at}: {str(value)[:40]!r} is no number{said}") from None
        if not math.isfinite(number):
            raise TableError(f"{at}: {value} is not finite")
        if abs(number) > 1e100:
            raise TableError(f"{at}: {value} is too large; it must be from -1e100 to 1e100")
        found.append(number)
    return found


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


class Rows(NamedTuple):
    """Rows to train on and others to test on, each column with mean 0 and standard deviation 1 over the former."""

    x: Float[np.ndarray, "n d"]
    y: Float[np.ndarray, " n"]
    x_test: Float[np.ndarray, "m d"]
    y_test: Float[np.ndarray, " m"]


def split(found: Table, n_train: int, seed: Sequence[int], most: int = 1000) -> Rows:
    """n_train rows, in random order, and up to `most` of the others. With one seed more rows hold the fewer ones.

    Raises ValueError where fewer than ten rows are left.
    """
    rows = len(found.y)
    if n_train > rows - 10:
        raise ValueError(
            f"n_train = {n_train} is not allowed with a table of {rows} rows; it must be at most {rows - 10}"
        )
    order = np.random.default_rng(seed).permutation(rows)
    train, test = order[:n_train], order[n_train : n_train + most]
    every = np.column_stack([found.x, found.y])
    middle, spread = every[train].mean(0), every[train].std(0)
    scaled = (every - middle) / np.where(spread > 0, spread, 1.0)
    for part, which in ((train, "that are trained on"), (test, "that are left to test on")):
        if np.ptp(found.y[part]) == 0:
            raise ValueError(f"n_train = {n_train} is not allowed; in the rows {which} {found.names[-1]} never changes")
    return Rows(scaled[train, :-1], scaled[train, -1], scaled[test, :-1], scaled[test, -1])


def of_table(
    view: Callable[[xr.Dataset], dict[str, Any]], frame: Frame, quick: Mapping[str, Any] | None = None
) -> Callable[[Callable[..., Iterator[xr.Dataset]]], Callable[..., Experiment]]:
    """Turn `function(table, *, n_train=..., ...)`, of frames, into `made(source, columns)`, of an experiment."""

    def wrap(function: Callable[..., Iterator[xr.Dataset]]) -> Callable[..., Experiment]:
        # its name in the file is that of `made`: it goes to other processes by its code, without words for types
        function.__annotations__ = get_type_hints(function, include_extras=True)

        @functools.wraps(function)
        def made(source: Any, columns: Sequence[str] = ()) -> Experiment:
            from labcore.functions import Function

            found = table(source, columns)
            rows = min(function.__kwdefaults__["n_train"], int(SHARE * len(found.y)))
            return Function(functools.partial(function, found, n_train=rows), view, quick, frame)

        return made

    return wrap


def on_table(name: str, source: Any, columns: Sequence[str] = ()) -> Experiment:
    """The experiment `KEY.EXPERIMENT` on a table of yours, for `bench`, `labcore.sweep` and `run`.

    `source` and `columns` as for `table`. Raises `UnknownKey`, `TableError`, and LookupError for an experiment that
    takes no table.
    """
    from labcore import catalog

    key, _, short = name.partition(".")
    if short not in catalog.paper(key).tables:
        takes = [f"{p.key}.{t}" for p in catalog.papers() for t in p.tables]
        raise LookupError(f"{name} takes no table; {' and '.join(takes)} do")
    return getattr(catalog.load_part(key, "table"), short)(source, columns)
