"""The commands `labcore run` and `labcore sweep`: experiments, each a command made from its signature."""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from labcore import catalog
from labcore.cli_words import STYLES, one_line, say

if TYPE_CHECKING:
    import xarray as xr

    from labcore.experiment import Experiment, Parameter


class _Experiments(click.Group):
    """Every experiment as a command, made from its signature when it is named."""

    def __init__(
        self, *args: Any, action: Callable[..., None], more: list[click.Option], note: str = "", **kwargs: Any
    ):
        super().__init__(*args, **kwargs)
        self._action, self._more, self._note = action, more, note

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, _ in self._known()]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Experiments"):
            formatter.write_dl(self._known())

    @staticmethod
    def _known() -> list[tuple[str, str]]:
        """Each experiment with its paper's title."""
        every = [*catalog.papers(), *catalog.guests()]
        return [(f"{p.key}.{e}", p.title) for p in every for e in p.experiments]

    def get_command(self, ctx: click.Context, name: str) -> click.Command:
        with one_line(LookupError):
            found = catalog.load_experiment(name)
        paper = catalog.paper(found.key)
        own = [_TABLE, _COLUMNS] if found.name in paper.tables else []
        own += [_PICTURES] if found.name in paper.pictures else []
        own += [_SENTENCE] if found.name in paper.texts else []

        def call(
            table: str | None = None, columns: str = "", pictures: str = "", typed: str | None = None, **options: Any
        ) -> None:
            if typed is not None:
                from labcore.texts import on_text

                return self._action(on_text(found.id), sentence=typed, **options)
            of = _with_pictures(found, pictures) if pictures else _with_table(found, table, columns)
            self._action(of, **options)

        return click.Command(
            found.id,
            callback=call,
            help=f"{found.__doc__}{self._note}",
            params=[_option(p) for p in found.parameters.values()] + [*own, _BUDGET, *self._more],
            # --n_train is --n-train
            context_settings={"token_normalize_func": lambda word: word.replace("_", "-")},
        )


def _with_table(found: Experiment, table: str | None, columns: str) -> Experiment:
    """The experiment, on a table where one was named."""
    from labcore.tables import TableError, on_table

    if table is None and columns:
        raise click.UsageError("--columns are those of a table; name it, --table FILE.csv")
    with one_line(TableError):
        return found if table is None else on_table(found.id, table, columns)


def _with_pictures(found: Experiment, names: str) -> Experiment:
    from labcore.pictures import PictureError, on_pictures

    with one_line(PictureError):
        return on_pictures(found.id, [name.strip() for name in names.split(",")])


def _option(p: Parameter) -> click.Option:
    kind = {"int": "INTEGER", "float": "NUMBER", "bool": "TRUE|FALSE", "text": "TEXT"}.get(p.kind) or "|".join(
        map(str, p.choices)
    )
    described = f"{p.description.rstrip('.')}. " if p.description else ""
    default = f"{p.default:g}" if p.kind == "float" else str(p.default).lower() if p.kind == "bool" else p.default
    note = f"{described}[{p.allowed}; default {default}]"
    return click.Option(["--" + p.name.replace("_", "-"), p.name], metavar=kind, help=note)


_LENGTHS = click.Choice(["quick", "full"])
_BUDGET = click.Option(["--budget"], type=_LENGTHS, default="full", show_default=True, help="How long it may take.")
_TABLE = click.Option(
    ["--table"],
    metavar="FILE.csv",
    help="A table of yours in place of the data; options that choose data then fall away.",
)
_COLUMNS = click.Option(["--columns"], metavar="A,B,C", default="", help="Columns of the table, the target last.")
_PICTURES = click.Option(
    ["--pictures"],
    metavar="A.png,B.png",
    default="",
    help="Pictures of yours in place of the patterns, each called as its file: --start A shows A first. Options that "
    "choose patterns then fall away.",
)
_SENTENCE = click.Option(
    ["--sentence", "typed"],
    metavar="TEXT",
    help="A sentence of yours; options that choose its words then fall away.",
)
_OUT = click.Option(
    ["--out"],
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the last frame there: .nc is NetCDF, .csv a table.",
)
_JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print the last frame as JSON.")


def _run(found: Experiment, budget: str, out: Path | None, as_json: bool, **texts: str | None) -> None:
    if out is not None and not out.parent.is_dir():
        raise click.UsageError(f"--out {out}: there is no folder {out.parent}")
    if out is not None and out.is_dir():
        raise click.UsageError(f"--out {out} is a folder; name a file in it")
    from labcore.experiment import ParameterError

    if out is not None:
        from labcore.frame_files import writer

        with one_line(ValueError):
            writer(out)

    values = {name: text for name, text in texts.items() if text is not None}
    with one_line(ParameterError):
        frames = found.frames(budget, **values)
    frame = _last(frames, found.id)
    if out is not None:
        _write(frame, out)
        say(f"wrote {out}", err=True)
    click.echo(json.dumps(_as_dict(frame), indent=1) if as_json else frame.attrs["reading"])


_USAGE = "KEY.EXPERIMENT [--name value ...]"


@click.command(cls=_Experiments, action=_run, more=[_OUT, _JSON], subcommand_metavar=_USAGE)
def run() -> None:
    """Run one experiment and print what it shows.

    `labcore run KEY.EXPERIMENT --help` lists its parameters.
    """


_FOLDER = click.Option(
    ["--out"], type=click.Path(path_type=Path), required=True, metavar="DIR", help="Keep the points there."
)
_CLUSTER = click.Option(
    ["--cluster"], metavar="ADDRESS", help="A Dask scheduler that you trust, as tcp://host:8786. Default: this machine."
)
_MANY = """

Values to sweep: a list as 0,0.2,0.5 or whole numbers as 0:10 (0 to 9) or 0:10:2. A single value is fixed.
"""


def _sweep(found: Experiment, budget: str, out: Path, cluster: str | None, **texts: str | None) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from labcore.experiment import ParameterError
    from labcore.sweeps import SweepError, sweep, values_in

    values = {name: values_in(text) for name, text in texts.items() if text is not None}
    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    began = time.perf_counter()
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
        warnings.catch_warnings(),
    ):
        warnings.showwarning = lambda message, *_: say((str(message), STYLES["not reproduced"]), err=True)
        task = bar.add_task(found.id)
        with one_line(ParameterError):
            try:
                done = sweep(
                    found,
                    out=out,
                    budget=budget,
                    cluster=cluster,
                    progress=lambda p: bar.update(task, completed=p.done + p.failed, total=p.total),
                    **values,
                )
            except SweepError as error:
                raise click.ClickException(str(error)) from None
    states = done.point_state.values.ravel().tolist()
    failed = sorted(set(done.point_error.values[done.point_state.values == "failed"].tolist()))
    say(f"{states.count('done')} of {len(states)} points are in {out} ({time.perf_counter() - began:.1f} s).", err=True)
    for error in failed:
        say((f"{states.count('failed')} points failed: {error}", STYLES["raised"]), err=True)
    click.echo(f"labcore.open_sweep({json.dumps(str(out), ensure_ascii=False)})")  # a backslash of Windows is doubled
    sys.exit(int(bool(failed)))


@click.command(
    "sweep", cls=_Experiments, action=_sweep, more=[_FOLDER, _CLUSTER], note=_MANY, subcommand_metavar=_USAGE
)
def sweep() -> None:
    """Run one experiment at every point of a grid of parameters.

    `labcore sweep KEY.EXPERIMENT --name a,b,c --seed 0:10 --out DIR`. Stopped or killed, the same command goes on where
    it was.
    """


def _last(frames: Iterator[xr.Dataset], what: str) -> xr.Dataset:
    from rich.progress import BarColumn, Progress, TimeRemainingColumn

    from labcore.experiment import FrameError

    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), "{task.percentage:.0f}%", TimeRemainingColumn())
    frame = None
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=1)
        for frame in frames:
            bar.update(task, completed=frame.attrs["progress"])
    if frame is None:
        raise FrameError(f"{what} yielded no frame")
    return frame


def _write(frame: xr.Dataset, path: Path) -> None:
    """Write beside `path`, then rename: a run that is stopped leaves the old file or none, never half a file."""
    from labcore.frame_files import writer

    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_bytes(writer(path)(frame))
        draft.replace(path)
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error}") from None
    finally:
        draft.unlink(missing_ok=True)


def _as_dict(frame: xr.Dataset) -> dict[str, Any]:
    attrs = dict(frame.attrs)
    return {
        "experiment": attrs["experiment"],
        "parameters": json.loads(attrs["parameters"]),
        "reading": attrs["reading"],
        "variables": {
            str(name): {
                "dims": list(v.dims),
                "long_name": v.attrs.get("long_name", ""),
                "units": v.attrs.get("units", ""),
                "values": v.values.tolist(),
            }
            for name, v in frame.variables.items()
        },
    }
