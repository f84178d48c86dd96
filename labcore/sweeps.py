"""A grid of parameters, run point by point on Dask and kept in a folder that can be stopped, resumed and read back.

    sweep("double_descent.model_wise", out="runs", label_noise=[0, 0.2, 0.5], seed=range(10))
    open_sweep("runs")      # one Dataset with the dimensions label_noise and seed
    sweep(my_function, out="mine", lr=[0.1, 0.2])       # of a function of your own

The folder holds one NetCDF file a point, named after the point's experiment, parameters and code version, and one small
JSON file a grid. Only the client writes, and each file appears whole or not at all: a sweep that was killed goes on
where it stopped, a lost worker loses nothing, and the workers need no disk in common. After its end, where readers of
NetCDF do not look, a point's file has a checksum of the rest.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import re
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from labcore import catalog, live_code, sweep_local
from labcore.code_version import code_version
from labcore.experiment import Budget, Experiment, ParameterError
from labcore.frame_files import to_netcdf
from labcore.function_code import CodeError
from labcore.function_errors import told
from labcore.functions import experiment_of
from labcore.sweep_cargo import house_of, is_packed, packed_of, unpacked
from labcore.sweep_cluster import check_carried, check_workers, on_cluster
from labcore.sweep_dataset import assembled
from labcore.sweep_files import Begun, Grid, SweepError, failure, read, sealed, short_hash, write
from labcore.threads import one_thread

if TYPE_CHECKING:
    from distributed import Client

MOST_POINTS = 100_000
TOLD = 20  # points that are read between two words on progress


@dataclass(frozen=True)
class Progress:
    """How a sweep stands: points `done` (with those found in the folder), `failed`, in all, and seconds spent."""

    done: int
    failed: int
    total: int
    seconds: float


def grid_of(experiment: Experiment, budget: Budget = "full", **values: Any) -> Grid:
    """The grid of these values: a list, a range or an array is swept, a single value is fixed.

    Raises `ParameterError` for a value that is not allowed, an empty list, or more than 100,000 points.
    """
    lists = {k: v for k, v in values.items() if isinstance(v, (Sequence, range, np.ndarray)) and _many(v)}
    size = math.prod(map(_count, lists.values()))
    if size > MOST_POINTS:
        raise ParameterError(
            f"{experiment.id}: a grid of {size} points is not allowed; it must have at most {MOST_POINTS}"
        )
    fixed = experiment.settings(budget, **{k: v for k, v in values.items() if k not in lists})
    swept: dict[str, list[Any]] = {}
    for name, choices in lists.items():
        if not _count(choices):
            raise ParameterError(f"{experiment.id}: {name} = [] is not allowed; a sweep needs at least one value")
        checked = [experiment.validate(**{**fixed, name: v})[name] for v in choices]
        swept[name] = list(dict.fromkeys(checked))
    for name in swept:
        fixed.pop(name)
    return Grid(experiment.id, experiment.code, swept, fixed)


def _many(value: Any) -> bool:
    return isinstance(value, range) or not isinstance(value, (str, bytes)) and np.ndim(value) == 1


def _count(values: Any) -> int:
    """How many, also of a range that is longer than a list can be."""
    if isinstance(values, range):
        return max(0, -((values.start - values.stop) // values.step))
    return len(values)


def values_in(text: str) -> str | list[str] | range:
    """What a person types: "0,0.2,0.5" (a list), "0:10" or "0:10:2" (whole numbers without the last), or one value."""
    if re.fullmatch(r"-?\d+:-?\d+(:[1-9]\d*)?", text.strip()):
        return range(*map(int, text.split(":")))
    return [part.strip() for part in text.split(",") if part.strip()] if "," in text else text


def sweep(
    what: str | Experiment | Callable[..., Any],
    /,
    *,
    out: str | Path,
    budget: Budget = "full",
    cluster: str | Client | None = None,
    progress: Callable[[Progress], None] | None = None,
    each: Callable[[dict[str, Any], xr.Dataset], None] | None = None,
    stop: threading.Event | None = None,
    **values: Any,
) -> xr.Dataset:
    """Run `KEY.EXPERIMENT`, or a function of yours, at every point of the grid of `values` and return them as
    `open_sweep` does.

    cluster   None: this machine. The address of a Dask scheduler, or a `distributed.Client`: that cluster. It must be
              trusted: what a scheduler sends is unpickled here, and so can run code.
    progress  called after every point, and now and then while points of `out` are read.
    each      called with the parameters and the last frame of every point that is done, those found in `out` first.
    stop      set it to end the sweep at the next point.

    Points already in `out` are not run again, unless the code changed. A point that fails is recorded with its error,
    and tried again by the next call. Raises `UnknownKey`, `ParameterError`, and `SweepError` when no point can be run
    or kept any more, when the experiment's code in this process is not that of its files, or when a function computes
    with something that no key can stand for.
    """
    experiment = experiment_of(what)
    try:
        packed = packed_of(experiment) if is_packed(experiment, cluster) else None
        grid = grid_of(experiment, budget, **values)
    except CodeError as error:
        raise SweepError(str(error)) from None
    if experiment.named and (found := live_code.changed(experiment.__module__)):
        raise SweepError(
            f"{found} is not what its file says: it was changed in this process, or its file after it was loaded. "
            "A sweep runs the files, in several processes, and never mixes two methods. To change a method, "
            f"make a copy of its paper, `labcore new my_own --from {experiment.key}`, or change the file and start anew"
        )
    folder = Path(out)
    try:
        (folder / "points").mkdir(parents=True, exist_ok=True)
        write(folder / f"sweep-{grid.name}.json", json.dumps(asdict(grid), indent=1).encode())
    except OSError as error:
        raise SweepError(f"cannot write to {folder}: {error}") from None
    total = math.prod(len(v) for v in grid.swept.values())
    began, done, failed = time.perf_counter(), 0, 0

    def tell() -> None:
        if progress is not None:
            progress(Progress(done, failed, total, time.perf_counter() - began))

    todo, known = {}, {}  # reading takes some 50 ms a point: those at hand are not read again
    for _, parameters in grid.points():
        path = grid.file(folder, parameters)
        found, damage = read(path, grid.experiment, parameters)
        if found is None:
            todo[path] = parameters
            if damage:
                warnings.warn(f"{path} {damage}; this point runs again", stacklevel=2)
            continue
        known[path], done = found, done + 1
        if each is not None:
            each(parameters, found.copy())
        if done % TOLD == 0:
            tell()
    tell()
    begun, stop = Begun(todo), stop or threading.Event()
    # closed at once, also by an error here: what it has started ends with it
    with (
        contextlib.closing(begun),
        contextlib.closing(_results(experiment, packed, grid.code, todo, cluster, stop, begun)) as results,
    ):
        for path, result in results:
            try:
                if isinstance(result, tuple):
                    known[path], content = result
                    write(path, sealed(content))
                    failure(path).unlink(missing_ok=True)
                    begun.end(path)
                    done += 1
                    if each is not None:
                        each(todo[path], known[path].copy())
                else:
                    write(failure(path), json.dumps({**result, "parameters": todo[path]}).encode())
                    begun.end(path, died="died" in result)
                    failed += 1
            except OSError as error:
                kept = f"{done} of {total} points are kept; the same call goes on from there"
                raise SweepError(f"cannot write to {folder}: {error}. {kept}") from None
            tell()
    return assembled(folder, grid, known)


# running


Result = tuple[xr.Dataset, bytes] | dict[str, Any]  # the last frame and the file that holds it, or the error


def _run_point(name: str, packed: bytes | None, code: str, parameters: dict[str, Any]) -> tuple[str, Result]:
    """Where the point runs: the code version that is there, and the result. What is packed brings its `code` along."""
    try:
        experiment = catalog.load_experiment(name) if packed is None else unpacked(packed)
        with one_thread():
            frame = experiment.run(**parameters)
        return experiment.code if packed is None else code, (frame, to_netcdf(frame))
    except (Exception, SystemExit) as error:  # one point's failure is a result; the others go on
        line = f"{type(error).__name__}: {error}" if packed is None else told(error)
        return "", {"error": line, "traceback": traceback.format_exc()}


def _results(
    experiment: Experiment,
    packed: bytes | None,
    code: str,
    todo: Mapping[Path, dict],
    cluster: str | Client | None,
    stop: threading.Event,
    begun: Begun,
) -> Iterator[tuple[Path, Result]]:
    """The points as they are done, in any order."""
    work = functools.partial(_run_point, experiment.id, packed, code)
    if cluster is None:
        # a helper knows no folder of yours before it is asked for a paper in it
        first = experiment.__module__ if experiment.__module__.startswith("labcore.") else "labcore.sweep_cargo"
        outcomes = sweep_local.outcomes(work, todo, first, stop, begun.suspects, begun.begin)
    else:
        if packed is None:
            check = functools.partial(check_workers, experiment.id, code)
        else:
            check = functools.partial(check_carried, experiment.id, house_of(experiment))
        outcomes = on_cluster(work, todo, cluster, stop, check)
    with contextlib.closing(outcomes):
        for path, future in outcomes:
            version, result = _outcome(future)
            if version not in ("", code):
                raise SweepError(f"a worker runs other code for {experiment.id} (version {version}, here {code})")
            yield path, result


def _outcome(future: Any) -> tuple[str, Result]:
    try:
        return future.result()
    except Exception as error:  # its process died under this point, more than once
        died = {"died": True} if isinstance(error, sweep_local.ProcessDied) else {}
        return "", {"error": f"{type(error).__name__}: {error}", "traceback": "", **died}


# reading back


def open_sweep(folder: str | Path, which: str | Callable[..., Any] | None = None) -> xr.Dataset:
    """The points of a sweep as one Dataset: every variable gains the swept parameters as its first dimensions.

    `point_state` is "done", "failed" or "missing"; `point_reading` and `point_error` hold each point's words, of a
    missing one with a damaged file what is wrong with it.
    Where the points' own coordinates differ, they are joined, and values that a point does not have are NaN. A folder
    that holds grids of the same experiment with the same fixed values is read as one larger grid. Of grids of several
    code versions those of the code that is here are opened, and a warning names the others; else `which` names one, or
    is the function that was swept.
    Raises FileNotFoundError without a sweep, ValueError where `which` is needed or unknown, SweepError where what
    describes the grids is damaged.
    """
    folder = Path(folder)
    grids = list(_grids(folder))
    if isinstance(which, str):
        grids = [g for g in grids if g.name == which]
    elif which is not None:
        of = experiment_of(which)
        grids = [g for g in grids if (g.experiment, g.code) == (of.id, of.code)]
    kinds: dict[str, list[Grid]] = {}
    for grid in grids:
        kinds.setdefault(short_hash([grid.experiment, grid.code, grid.fixed, sorted(grid.swept)]), []).append(grid)
    chosen = list(kinds.values())
    if len(chosen) > 1 and len({g.experiment for g in grids}) == 1:  # those of the code that is here
        code = _code_here(grids[0].experiment)
        chosen = [kind for kind in chosen if kind[0].code == code] or chosen
    if len(chosen) != 1:
        known = ", ".join(_named(kind[0]) for kind in chosen)
        asked = getattr(which, "__name__", which)
        raise ValueError(
            f"which = {asked!r}: {folder} holds different sweeps; name one: {known or 'none of that name'}"
        )
    if others := [_named(kind[0]) for kind in kinds.values() if kind is not chosen[0]]:
        warnings.warn(f"{folder} also holds sweeps of other code; `which` opens {', '.join(others)}", stacklevel=2)
    grids = chosen[0]
    first = grids[0]
    swept = {name: _ordered([v for g in grids for v in g.swept[name]]) for name in first.swept}
    return assembled(folder, Grid(first.experiment, first.code, swept, first.fixed), {})


def _grids(folder: Path) -> Iterator[Grid]:
    """The grids of this folder. Raises FileNotFoundError where there is none, SweepError where none can be read."""
    damaged, paths = [], sorted(folder.glob("sweep-*.json"))
    if not paths:
        raise FileNotFoundError(f"there is no sweep in {folder}")
    for path in paths:
        try:
            grid = Grid(**json.loads(path.read_bytes()))
            if path.stem != f"sweep-{grid.name}":
                raise ValueError("its content is not what its name says")
            yield grid
        except (OSError, ValueError, TypeError, AttributeError) as error:
            damaged.append(f"{path} is damaged: {error}")
    if len(damaged) == len(paths):
        raise SweepError(f"{'; '.join(damaged)}. The call of `sweep` that made it writes it anew and keeps its points")
    for line in damaged:
        warnings.warn(f"{line}; its grid is left out", stacklevel=3)


def _code_here(experiment: str) -> str | None:
    try:
        return code_version(experiment.partition(".")[0])
    except catalog.UnknownKey:
        return None


def _named(grid: Grid) -> str:
    return f"{grid.name} ({grid.experiment} over {', '.join(grid.swept)}, code version {grid.code})"


def _ordered(values: list[Any]) -> list[Any]:
    found = list(dict.fromkeys(values))
    return sorted(found) if all(isinstance(v, (int, float)) for v in found) else found
