"""The folder of a sweep: what names a point's file, what is written into it, and what is believed of it.

Only the client writes, and each file appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import xarray as xr

SEAL = b"\nlabcore sha256 "  # what stands between a file and its checksum


class SweepError(RuntimeError):
    """A sweep that cannot go on. What is done is kept, and the same call goes on from there."""


def short_hash(what: Any) -> str:
    """A name for what JSON can hold."""
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Grid:
    """What a sweep varies, and what it holds fixed: enough to find its points again."""

    experiment: str
    code: str
    swept: dict[str, list[Any]]
    fixed: dict[str, Any]

    @property
    def name(self) -> str:
        return short_hash(asdict(self))

    def points(self) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
        """Each point's place in the grid and all of its parameters."""
        for place in itertools.product(*(range(len(v)) for v in self.swept.values())):
            moved = {name: values[i] for (name, values), i in zip(self.swept.items(), place)}
            yield place, {**self.fixed, **moved}

    def file(self, folder: Path, parameters: Mapping[str, Any]) -> Path:
        return folder / "points" / f"{short_hash([self.experiment, self.code, sorted(parameters.items())])}.nc"


class Begun:
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


def failure(path: Path) -> Path:
    """Where the error of a point that failed is kept."""
    return path.with_suffix(".failed.json")


def write(path: Path, content: bytes) -> None:
    """All of the file or nothing of it, also when two processes write the same one."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def sealed(content: bytes) -> bytes:
    """This content with its checksum."""
    return content + SEAL + hashlib.sha256(content).hexdigest().encode()


def read(path: Path, experiment: str, parameters: Mapping[str, Any]) -> tuple[xr.Dataset | None, str]:
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


def error_in(path: Path) -> str:
    """The error that this file keeps, or that it is damaged."""
    try:
        return str(json.loads(path.read_bytes())["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{path.name} is damaged"
