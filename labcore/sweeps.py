"""A grid of parameters, run point by point on Dask and kept in a folder that can be stopped, resumed and read back.

    sweep("double_descent.model_wise", out="runs", label_noise=[0, 0.2, 0.5], seed=range(10))
    open_sweep("runs")      # one Dataset with the dimensions label_noise and seed

The folder holds one NetCDF file a point, named after the point's experiment, parameters and code version, and one small
JSON file a grid. Only the client writes, and each file appears whole or not at all: a sweep that was killed goes on
where it stopped, a lost worker loses nothing, and the workers need no disk in common. After its end, where readers of
NetCDF do not look, a point's file has a checksum of the rest.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import itertools
import json
import math
import queue
import re
import socket
import threading
import time
import traceback
import uuid
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

if TYPE_CHECKING:
    from distributed import Client

MOST_POINTS = 100_000
TOLD = 20  # points that are read between two words on progress
PATIENCE = 30.0  # seconds without a single worker after which a sweep gives up
SPEAKS = 10.0  # seconds in which a scheduler must say its first word
SEAL = b"\nlabcore sha256 "  # what stands between a file and its checksum


class SweepError(RuntimeError):
    """A sweep that cannot go on. What is done is kept, and the same call goes on from there."""


@dataclass(frozen=True)
class Grid:
    """What a sweep varies, and what it holds fixed: enough to find its points again."""

    experiment: str
    code: str
    swept: dict[str, list[Any]]
    fixed: dict[str, Any]

    @property
    def name(self) -> str:
        return _hash(asdict(self))

    def points(self) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
        """Each point's place in the grid and all of its parameters."""
        for place in itertools.product(*(range(len(v)) for v in self.swept.values())):
            moved = {name: values[i] for (name, values), i in zip(self.swept.items(), place)}
            yield place, {**self.fixed, **moved}

    def file(self, folder: Path, parameters: Mapping[str, Any]) -> Path:
        return folder / "points" / f"{_hash([self.experiment, self.code, sorted(parameters.items())])}.nc"


@dataclass(frozen=True)
class Progress:
    """How a sweep stands: points `done` (with those found in the folder), `failed`, in all, and seconds spent."""

    done: int
    failed: int
    total: int
    seconds: float


def _hash(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:20]


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
    return Grid(experiment.id, code_version(experiment.key), swept, fixed)


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
    name: str,
    *,
    out: str | Path,
    budget: Budget = "full",
    cluster: str | Client | None = None,
    progress: Callable[[Progress], None] | None = None,
    each: Callable[[dict[str, Any], xr.Dataset], None] | None = None,
    stop: threading.Event | None = None,
    **values: Any,
) -> xr.Dataset:
    """Run `KEY.EXPERIMENT` at every point of the grid of `values` and return them as `open_sweep` does.

    cluster   None: this machine. The address of a Dask scheduler, or a `distributed.Client`: that cluster. It must be
              trusted: what a scheduler sends is unpickled here, and so can run code.
    progress  called after every point, and now and then while points of `out` are read.
    each      called with the parameters and the last frame of every point that is done, those found in `out` first.
    stop      set it to end the sweep at the next point.

    Points already in `out` are not run again, unless the code changed. A point that fails is recorded with its error,
    and tried again by the next call. Raises `UnknownKey`, `ParameterError`, and `SweepError` when no point can be run
    or kept any more, or when the experiment's code in this process is not that of its files.
    """
    experiment = catalog.load_experiment(name)
    if found := live_code.changed(experiment.__module__):
        raise SweepError(
            f"{found} is not what its file says: it was changed in this process, or its file after it was loaded. "
            "A sweep runs the files, in several processes, and never mixes two methods. To change a method, copy the "
            "folder of its paper and change the copy, as docs/sweeps.md shows, or change the file and start anew"
        )
    grid, folder = grid_of(experiment, budget, **values), Path(out)
    try:
        (folder / "points").mkdir(parents=True, exist_ok=True)
        _write(folder / f"sweep-{grid.name}.json", json.dumps(asdict(grid), indent=1).encode())
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
        found, damage = _read(path, grid.experiment, parameters)
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
    begun, stop = _Begun(todo), stop or threading.Event()
    # closed at once, also by an error here: what it has started ends with it
    with (
        contextlib.closing(begun),
        contextlib.closing(_results(experiment, grid.code, todo, cluster, stop, begun)) as results,
    ):
        for path, result in results:
            try:
                if isinstance(result, tuple):
                    known[path], content = result
                    _write(path, _sealed(content))
                    _failure(path).unlink(missing_ok=True)
                    begun.end(path)
                    done += 1
                    if each is not None:
                        each(todo[path], known[path].copy())
                else:
                    _write(_failure(path), json.dumps({**result, "parameters": todo[path]}).encode())
                    begun.end(path, died="died" in result)
                    failed += 1
            except OSError as error:
                kept = f"{done} of {total} points are kept; the same call goes on from there"
                raise SweepError(f"cannot write to {folder}: {error}. {kept}") from None
            tell()
    return _assembled(folder, grid, known)


class _Begun:
    """The marks of points that are under way. One that is found later is of a point whose process died.

    Such points come last and alone: what kills its process leaves the others done. A mark that cannot be written is
    none: the disk is full, and the sweep is about to say so.
    """

    def __init__(self, todo: Mapping[Path, dict]):
        self.suspects = {path for path in todo if self._mark(path).exists()}
        self._under_way: set[Path] = set()

    @staticmethod
    def _mark(path: Path) -> Path:
        return path.with_suffix(".begun")

    def begin(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            self._mark(path).touch()
        self._under_way.add(path)

    def end(self, path: Path, died: bool = False) -> None:
        self._under_way.discard(path)
        if not died:
            self._mark(path).unlink(missing_ok=True)

    def close(self) -> None:
        for path in self._under_way - self.suspects:
            self.end(path)


def _failure(path: Path) -> Path:
    return path.with_suffix(".failed.json")


def _write(path: Path, content: bytes) -> None:
    """All of the file or nothing of it, also when two processes write the same one."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _sealed(content: bytes) -> bytes:
    return content + SEAL + hashlib.sha256(content).hexdigest().encode()


def _read(path: Path, experiment: str, parameters: Mapping[str, Any]) -> tuple[xr.Dataset | None, str]:
    """The point in this file, or None where it is not there or not to be trusted; and what is wrong with the file.

    A file without a checksum is of an earlier version of Labcore, and is as good as it can be read.
    """
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"cannot be read ({error.strerror or error})"
    content, seal, checksum = whole.rpartition(SEAL)
    if seal and hashlib.sha256(content).hexdigest().encode() != checksum:
        return None, "is damaged: its checksum is not that of what it holds"
    try:
        with xr.open_dataset(io.BytesIO(content if seal else whole), engine="h5netcdf") as opened:
            found = opened.load()
        made_by = found.attrs.get("experiment", experiment), json.loads(found.attrs.get("parameters", "null"))
    except Exception as error:  # noqa: BLE001 - whatever a damaged file raises
        return None, f"is damaged: it cannot be read as NetCDF ({type(error).__name__})"
    if made_by not in ((experiment, None), (experiment, dict(parameters))):
        return None, f"is another point's: {made_by[0]} with {made_by[1]}"
    return found, ""


# running


Result = tuple[xr.Dataset, bytes] | dict[str, Any]  # the last frame and the file that holds it, or the error


def _run_point(name: str, parameters: dict[str, Any]) -> tuple[str, Result]:
    """Where the point runs: the code version that is there, and the result."""
    try:
        experiment = catalog.load_experiment(name)
        with sweep_local.one_thread():
            frame = experiment.run(**parameters)
        return code_version(experiment.key), (frame, to_netcdf(frame))
    except Exception as error:  # one point's failure is a result; the others go on
        return "", {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}


def _results(
    experiment: Experiment,
    code: str,
    todo: Mapping[Path, dict],
    cluster: str | Client | None,
    stop: threading.Event,
    begun: _Begun,
) -> Iterator[tuple[Path, Result]]:
    """The points as they are done, in any order."""
    work = functools.partial(_run_point, experiment.id)
    if cluster is None:
        outcomes = sweep_local.outcomes(work, todo, experiment.__module__, stop, begun.suspects, begun.begin)
    else:
        outcomes = _on_cluster(work, todo, cluster, stop, functools.partial(_check_workers, experiment.id, code))
    with contextlib.closing(outcomes):
        for path, future in outcomes:
            version, result = _outcome(future)
            if version not in ("", code):
                raise SweepError(f"a worker runs other code for {experiment.id} (version {version}, here {code})")
            yield path, result


def _on_cluster(
    work: Callable[[dict], tuple[str, Result]],
    todo: Mapping[Path, dict],
    cluster: str | Client,
    stop: threading.Event,
    check: Callable[[Client], None],
) -> Iterator[tuple[Path, Any]]:
    if not todo:
        return
    waiting = iter(todo.items())
    with _client(cluster) as client:
        check(client)
        run = uuid.uuid4().hex[:8]  # two sweeps on one cluster do not share futures: one may be stopped
        ended: queue.Queue[Any] = queue.Queue()
        running = {}

        def submit(path: Path, parameters: dict) -> None:
            future = client.submit(work, parameters, key=f"labcore-{path.stem}-{run}")
            running[future] = path
            future.add_done_callback(ended.put)

        # a few a thread are under way: the results of a long sweep never pile up on the cluster
        for point in itertools.islice(waiting, max(4, 3 * sum(client.nthreads().values()))):
            submit(*point)
        seen = time.monotonic()
        try:
            while running and not stop.is_set():
                try:
                    future = ended.get(timeout=0.5)
                except queue.Empty:
                    seen = time.monotonic() if client.scheduler_info()["workers"] else seen
                    if time.monotonic() - seen > PATIENCE:
                        raise SweepError(f"no worker is left at {client.scheduler.address}") from None
                    continue
                yield running.pop(future), future
                for point in itertools.islice(waiting, 1):
                    submit(*point)
        finally:
            client.cancel(list(running))


# It is sent as it stands: a worker without Labcore could not load a function of it.
_ASK = """
def version_there(key):
    try:
        from labcore.code_version import code_version
        return code_version(key)
    except Exception as error:
        return f"none ({type(error).__name__}: {error})"
"""


def _check_workers(name: str, code: str, client: Client) -> None:
    """Raise `SweepError`, which names them, if workers have no Labcore or other code for this experiment."""
    sent: dict[str, Any] = {"__name__": "__main__"}
    exec(_ASK, sent)
    found = client.run(sent["version_there"], name.partition(".")[0], on_error="return")
    others = [f"{worker} has {version}" for worker, version in found.items() if version != code]
    if others:
        raise SweepError(
            f"the workers need Labcore with the code that is here, for {name} version {code}: "
            f"{'; '.join(others[:5])}{f' and {len(others) - 5} more' if len(others) > 5 else ''}"
        )


def _outcome(future: Any) -> tuple[str, Result]:
    try:
        return future.result()
    except Exception as error:  # its process died under this point, more than once
        died = {"died": True} if isinstance(error, sweep_local.ProcessDied) else {}
        return "", {"error": f"{type(error).__name__}: {error}", "traceback": "", **died}


@contextlib.contextmanager
def _client(cluster: str | Client) -> Iterator[Client]:
    """A client of this cluster for the length of a `with`; what was not ours is left as it was."""
    from distributed import Client

    if not isinstance(cluster, str):
        yield _with_workers(cluster)
        return
    try:
        _knock(cluster)
        client = Client(cluster, timeout="10s", set_as_default=False)
    except (OSError, ValueError, TypeError, OverflowError) as error:
        raise SweepError(f"no Dask scheduler answers at {cluster}: {error}") from None
    with client:
        yield _with_workers(client)


def _knock(address: str) -> None:
    """Raise OSError where no scheduler is, ValueError for what is no address.

    Dask would knock at a closed port for as long as it may, and wait for a stranger who is silent without an end.
    """
    scheme, _, place = address.strip().rpartition("://")
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("an address is tcp://host:port")
    if scheme in ("tcp", "tls", ""):
        with (
            socket.create_connection((host.strip("[]"), int(port)), timeout=SPEAKS) as line,
            line.makefile("rb") as said,
        ):
            # it speaks first, eight bytes with the length of what follows; with keys the caller does
            if scheme != "tls" and not 0 < int.from_bytes(said.read(8), "little") < 2**20:
                raise OSError("what answers there is something else")


def _with_workers(client: Client) -> Client:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise SweepError(f"the scheduler at {client.scheduler.address} has no worker") from None
    return client


# reading back


def open_sweep(folder: str | Path, which: str | None = None) -> xr.Dataset:
    """The points of a sweep as one Dataset: every variable gains the swept parameters as its first dimensions.

    `point_state` is "done", "failed" or "missing"; `point_reading` and `point_error` hold each point's words, of a
    missing one with a damaged file what is wrong with it.
    Where the points' own coordinates differ, they are joined, and values that a point does not have are NaN. A folder
    that holds grids of the same experiment with the same fixed values is read as one larger grid. Of grids of several
    code versions those of the code that is here are opened, and a warning names the others; else `which` names one.
    Raises FileNotFoundError without a sweep, ValueError where `which` is needed or unknown, SweepError where what
    describes the grids is damaged.
    """
    folder = Path(folder)
    grids = list(_grids(folder))
    if which is not None:
        grids = [g for g in grids if g.name == which]
    kinds: dict[str, list[Grid]] = {}
    for grid in grids:
        kinds.setdefault(_hash([grid.experiment, grid.code, grid.fixed, sorted(grid.swept)]), []).append(grid)
    chosen = list(kinds.values())
    if len(chosen) > 1 and len({g.experiment for g in grids}) == 1:  # those of the code that is here
        code = _code_here(grids[0].experiment)
        chosen = [kind for kind in chosen if kind[0].code == code] or chosen
    if len(chosen) != 1:
        known = ", ".join(_named(kind[0]) for kind in chosen)
        raise ValueError(
            f"which = {which!r}: {folder} holds different sweeps; name one: {known or 'none of that name'}"
        )
    if others := [_named(kind[0]) for kind in kinds.values() if kind is not chosen[0]]:
        warnings.warn(f"{folder} also holds sweeps of other code; `which` opens {', '.join(others)}", stacklevel=2)
    grids = chosen[0]
    first = grids[0]
    swept = {name: _ordered([v for g in grids for v in g.swept[name]]) for name in first.swept}
    return _assembled(folder, Grid(first.experiment, first.code, swept, first.fixed), {})


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


def _assembled(folder: Path, grid: Grid, known: Mapping[Path, xr.Dataset]) -> xr.Dataset:
    shape = tuple(len(v) for v in grid.swept.values())
    points: dict[tuple[int, ...], xr.Dataset] = {}
    reading, error, state = (np.full(shape, fill, dtype=object) for fill in ("", "", "missing"))
    for place, parameters in grid.points():
        path = grid.file(folder, parameters)
        found, damage = (known[path], "") if path in known else _read(path, grid.experiment, parameters)
        if found is not None:
            points[place], state[place], reading[place] = found, "done", found.attrs.get("reading", "")
        elif damage:
            error[place] = f"{path.name} {damage}"
        elif _failure(path).exists():
            state[place], error[place] = "failed", _error_in(_failure(path))
    taken = {str(name) for p in points.values() for name in (*p.variables, *p.dims)}
    dims = [f"parameter_{name}" if name in taken else name for name in grid.swept]
    words_of_points = {"point_state": state, "point_reading": reading, "point_error": error}
    out = xr.Dataset(
        {name: (dims, words.astype(str)) for name, words in words_of_points.items()},
        coords={dim: (dim, values) for dim, values in zip(dims, grid.swept.values())},
        attrs={"experiment": grid.experiment, "code_version": grid.code, "fixed": json.dumps(grid.fixed)},
    )
    return out.assign(_stacked(points, dims, shape))


def _error_in(path: Path) -> str:
    try:
        return str(json.loads(path.read_bytes())["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{path.name} is damaged"


def _stacked(points: dict[tuple[int, ...], xr.Dataset], dims: list[str], shape: tuple[int, ...]) -> dict[str, Any]:
    """Each variable of the points in one array of this shape, joined over the points' own coordinates."""
    if not points:
        return {}
    aligned = [p.drop_attrs(deep=False) for p in points.values()]
    first = aligned[0]
    if not all(
        p.sizes == first.sizes
        and p.indexes.keys() == first.indexes.keys()
        and all(p.indexes[k].equals(first.indexes[k]) for k in p.indexes)
        for p in aligned
    ):
        # a coordinate with repeated values cannot be joined by value; its order can
        repeated = {d for p in aligned for d, index in p.indexes.items() if not index.is_unique}
        aligned = [p.assign_coords({d: np.arange(p.sizes[d]) for d in repeated}) for p in aligned]
        aligned = list(xr.align(*aligned, join="outer"))
    stacked: dict[str, Any] = {}
    for name in dict.fromkeys(n for p in aligned for n in (*p.coords, *p.data_vars)):
        parts = {place: p[name] for place, p in zip(points, aligned) if name in p.variables}
        one = next(iter(parts.values()))
        if name in one.dims:
            stacked[name] = one.variable  # an index: alignment made it the same for all
            continue
        whole = len(parts) == int(np.prod(shape))
        kind = np.result_type(*(v.dtype for v in parts.values()))
        if not whole and kind.kind in "iub":
            kind = np.dtype(float)
        fill = np.nan if kind.kind in "fc" else "" if kind.kind in "UO" else 0
        array = np.full((*shape, *one.shape), fill, dtype=kind)
        for place, values in parts.items():
            array[place] = values.transpose(*one.dims).values
        stacked[name] = xr.Variable((*dims, *one.dims), array, one.attrs)
    return stacked
