"""The command line: `labcore list`, `run`, `sweep`, `claims`, `warm`, `lessons`, `lab`.

    labcore list --theme generalization
    labcore run double_descent.model_wise --noise 0.3 --out result.nc
    labcore sweep double_descent.model_wise --noise 0,0.3 --seed 0:10 --out runs
    labcore claims double_descent
    labcore lab lessons

Exit codes: 0 done, 1 a claim is broken, an experiment failed or a lesson was not copied, 2 the command was wrong, 130
stopped by Ctrl-C.
Nothing here imports a paper, numpy or torch before a command needs it.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.text import Text

from labcore import __version__, catalog

if TYPE_CHECKING:
    import xarray as xr

    from labcore.claims import Entry
    from labcore.experiment import Experiment, Parameter

STYLES = {
    "holds": "green",
    "not reproduced": "yellow",
    "fragile": "bright_yellow",
    "surprise": "magenta",
    "broken": "red",
    "raised": "red",
}
STANDINGS = {
    "measured": "",
    "kept": "measured before on this machine, with this code",
    "recorded": "measured in the last nightly run",
    "earlier": "measured in a nightly run, with earlier code",
}


def _say(*parts: str | tuple[str, str], err: bool = False) -> None:
    Console(stderr=err, soft_wrap=True, highlight=False).print(Text.assemble(*parts))


@contextlib.contextmanager
def _one_line(kind: type[Exception]) -> Iterator[None]:
    """What a user got wrong becomes one line and exit code 2. Bugs keep their traceback."""
    try:
        yield
    except kind as error:
        if isinstance(error, (KeyError, IndexError)):
            raise  # a LookupError too, but never about a name that the user typed
        raise click.UsageError(str(error)) from None


def _ready(keys: tuple[str, ...], theme: str | None) -> list[str]:
    """Keys of the papers meant: those named, else every ready one, of one theme if given."""
    with _one_line(LookupError):
        for key in keys:
            if catalog.paper(key).status == "planned":
                raise LookupError(f"{key} is planned: it has no experiments yet")
        return list(keys) or [p.key for p in catalog.papers(theme) if p.status == "ready"]


@click.group()
@click.version_option(__version__, prog_name="labcore")
def cli() -> None:
    """A laboratory of neural-network papers."""


@cli.command("list")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--theme", metavar="THEME", help="Only the papers of one theme.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(words: tuple[str, ...], theme: str | None, as_json: bool) -> None:
    """List the papers with their experiments and lessons: all, or those that these words find."""
    from labcore import search

    with _one_line(LookupError):
        found = search.find(" ".join(words), catalog.papers(theme))
    if as_json:
        names = ("key", "title", "year", "theme", "status", "notebook", "experiments")
        click.echo(json.dumps([{name: getattr(p, name) for name in names} for p in found], indent=1))
        return
    if not found:
        _say(f"No paper fits {' '.join(words)!r}. Try fewer words, or the beginning of one.")
        return
    width = max(len(p.key) for p in found)
    for t in catalog.themes():
        rows = [p for p in found if p.theme == t.key]
        if rows:
            _say((f"\n{t.key}", "bold"), f"  {t.question}")
        for p in rows:
            ready = p.status == "ready"
            _say("  ", (f"{p.key:{width}}", "green" if ready else "dim"), f"  {p.year}  {p.status:7}  {p.title}")
            if ready:
                _say(" " * (width + 10), "run ", ", ".join(f"{p.key}.{e}" for e in p.experiments), f"  in {p.notebook}")
    _say(f"\n{sum(p.status == 'ready' for p in found)} of {len(found)} papers are ready.")


class _Experiments(click.Group):
    """Every experiment as a command, made from its signature when it is named."""

    def __init__(
        self, *args: Any, action: Callable[..., None], more: list[click.Option], note: str = "", **kwargs: Any
    ):
        super().__init__(*args, **kwargs)
        self._action, self._more, self._note = action, more, note

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [f"{p.key}.{e}" for p in catalog.papers() for e in p.experiments]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Experiments"):
            formatter.write_dl([(f"{p.key}.{e}", p.title) for p in catalog.papers() for e in p.experiments])

    def get_command(self, ctx: click.Context, name: str) -> click.Command:
        with _one_line(LookupError):
            found = catalog.load_experiment(name)
        return click.Command(
            found.id,
            callback=lambda **options: self._action(found, **options),
            help=f"{found.__doc__}{self._note}",
            params=[_option(p) for p in found.parameters.values()] + [_BUDGET, *self._more],
            # --n_train is --n-train
            context_settings={"token_normalize_func": lambda word: word.replace("_", "-")},
        )


def _option(p: Parameter) -> click.Option:
    kind = {"int": "INTEGER", "float": "NUMBER", "bool": "TRUE|FALSE"}.get(p.kind) or "|".join(map(str, p.choices))
    described = f"{p.description.rstrip('.')}. " if p.description else ""
    default = f"{p.default:g}" if p.kind == "float" else str(p.default).lower() if p.kind == "bool" else p.default
    note = f"{described}[{p.allowed}; default {default}]"
    return click.Option(["--" + p.name.replace("_", "-"), p.name], metavar=kind, help=note)


_LENGTHS = click.Choice(["quick", "full"])
_BUDGET = click.Option(["--budget"], type=_LENGTHS, default="full", show_default=True, help="How long it may take.")
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

        with _one_line(ValueError):
            writer(out)

    values = {name: text for name, text in texts.items() if text is not None}
    with _one_line(ParameterError):
        frames = found.frames(budget, **values)
    frame = _last(frames, found.id)
    if out is not None:
        _write(frame, out)
        _say(f"wrote {out}", err=True)
    click.echo(json.dumps(_as_dict(frame), indent=1) if as_json else frame.attrs["reading"])


_USAGE = "KEY.EXPERIMENT [--name value ...]"


@cli.command(cls=_Experiments, action=_run, more=[_OUT, _JSON], subcommand_metavar=_USAGE)
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
        warnings.showwarning = lambda message, *_: _say((str(message), STYLES["not reproduced"]), err=True)
        task = bar.add_task(found.id)
        with _one_line(ParameterError):
            try:
                done = sweep(
                    found.id,
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
    _say(
        f"{states.count('done')} of {len(states)} points are in {out} ({time.perf_counter() - began:.1f} s).", err=True
    )
    for error in failed:
        _say((f"{states.count('failed')} points failed: {error}", STYLES["raised"]), err=True)
    click.echo(f"labcore.open_sweep({json.dumps(str(out), ensure_ascii=False)})")  # a backslash of Windows is doubled
    sys.exit(int(bool(failed)))


@cli.command("sweep", cls=_Experiments, action=_sweep, more=[_FOLDER, _CLUSTER], note=_MANY, subcommand_metavar=_USAGE)
def sweep_() -> None:
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


_INDENT = " " * 16


def _verdict(verdict: str, text: str) -> None:
    _say((f"{verdict:16}", STYLES[verdict]), text)


class _FirstSeed(click.ParamType):
    """A whole number, or "commit": a number that nobody chose, the same for everyone who has this commit."""

    name = "seed"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if value == "commit":
            asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
            try:
                value = int(subprocess.run(asked, check=True, capture_output=True, text=True).stdout[:8], 16) % 10**6
            except (OSError, ValueError, subprocess.CalledProcessError):
                self.fail("there is no git commit to take the first seed from; give a number", param, ctx)
        return click.IntRange(0, 2**30).convert(value, param, ctx)


@cli.command()
@click.argument("keys", nargs=-1, metavar="[KEY ...]")
@click.option("--theme", metavar="THEME", help="Only the papers of one theme.")
@click.option("--slow", is_flag=True, help="Also measure those that take long.")
@click.option(
    "--seeds-from",
    type=_FirstSeed(),
    multiple=True,
    default=(0,),
    show_default=True,
    help='First seed: a whole number, or "commit" for one that follows from the commit. Several are measured in turn.',
)
@click.option("--missing", is_flag=True, help="Leave out what the record has of exactly this code and these seeds.")
@click.option("--recorded", is_flag=True, help="Measure nothing; print what is known.")
@click.option("--record", type=click.Path(dir_okay=False, path_type=Path), help="Also put the verdicts into this file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def claims(
    ctx: click.Context,
    keys: tuple[str, ...],
    theme: str | None,
    slow: bool,
    seeds_from: tuple[int, ...],
    missing: bool,
    recorded: bool,
    record: Path | None,
    as_json: bool,
) -> None:
    """Measure the papers' claims now, and print the verdicts.

    Exit code 1 if one is broken: it should hold and does not, or its check raised an error.
    """
    from labcore import ledger
    from labcore.claims import Seeds, measure

    chosen = _ready(keys, theme)
    rows: list[dict[str, Any]] = []
    for first in seeds_from[:1] if recorded else seeds_from:
        skip = ledger.known(first, record) if missing else ()
        for key in chosen:
            entries = []
            try:
                for entry in ledger.recorded(key) if recorded else measure([key], Seeds(first), slow, skip):
                    entries.append(entry)
                    rows.append(asdict(entry))
                    if not as_json:
                        _say_entry(entry)
            except Exception as error:  # one paper's bug must not hide the verdicts of the others
                traceback.print_exc()
                raised = f"{type(error).__name__}: {error}"
                rows.append({"key": key, "verdict": "raised", "seeds_from": first, "error": raised})
                if not as_json:
                    _verdict("raised", f"{key}  {raised}; what came after it was not measured")
            if record and not recorded:
                ledger.record(entries, record)  # each paper as it is done: a night that is cut short keeps what it has
    verdicts = [row["verdict"] for row in rows]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        counts = ", ".join(f"{verdicts.count(v)} {v}" for v in STYLES if v in verdicts)
        _say(f"\n{len(rows)} verdicts on claims of {len(chosen)} papers: {counts or 'none measured'}")
        _say_turned(rows)
    ctx.exit(int("broken" in verdicts or "raised" in verdicts))


def _say_entry(entry: Entry) -> None:
    _verdict(entry.verdict, f"{entry.key}.{entry.name}  {entry.statement}")
    how = [entry.criterion, entry.repetitions, f"seeds from {entry.seeds_from}", f"{entry.seconds:.1f} CPU s"]
    how += [part for part in (entry.offsets, STANDINGS[entry.standing]) if part]
    _say(_INDENT, f"{entry.numbers}  ({'; '.join(how)})")
    if entry.reason:
        _say(_INDENT, entry.reason)


def _say_turned(rows: list[dict[str, Any]]) -> None:
    """The claims whose verdict was not the same with all seeds."""
    seen: dict[str, dict[int, str]] = {}
    for row in rows:
        if "name" in row:
            seen.setdefault(f"{row['key']}.{row['name']}", {})[row["seeds_from"]] = row["verdict"]
    for name, verdicts in seen.items():
        if len(set(verdicts.values())) > 1:
            _say("turns with its seeds: ", f"{name}: " + ", ".join(f"{v} from {k}" for k, v in verdicts.items()))


@cli.command()
@click.argument("keys", nargs=-1, metavar="[KEY ...]")
@click.option("--theme", metavar="THEME", help="Only the papers of one theme.")
@click.pass_context
def warm(ctx: click.Context, keys: tuple[str, ...], theme: str | None) -> None:
    """Run every experiment once, quickly, so that its compiled kernels are kept for later runs. Uses all cores."""
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    from labcore.threads import ONE_THREAD

    chosen, failed = _ready(keys, theme), 0
    with ProcessPoolExecutor(
        min(len(chosen), os.cpu_count() or 1), get_context("spawn"), _take_environment, (ONE_THREAD,)
    ) as pool:
        for done in as_completed([pool.submit(_warm_paper, key) for key in chosen]):
            for name, seconds, error in done.result():
                if error:
                    failed += 1
                    _say((f" failed    {name}  {error}", STYLES["raised"]), err=True)
                else:
                    _say(f"{seconds:7.1f} s  {name}")
    ctx.exit(int(failed > 0))


def _take_environment(variables: dict[str, str]) -> None:
    os.environ.update(variables)


def _warm_paper(key: str) -> list[tuple[str, float, str]]:
    """Each experiment of a paper with the seconds of its quick run and, where it failed, the error in one line."""
    rows = []
    for name in catalog.paper(key).experiments:
        start, error = time.perf_counter(), ""
        try:
            catalog.load_experiment(f"{key}.{name}").run("quick")
        except Exception as raised:  # the others are still worth warming
            error = f"{type(raised).__name__}: {raised}"
        rows.append((f"{key}.{name}", time.perf_counter() - start, error))
    return rows


@cli.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.pass_context
def lessons(ctx: click.Context, folder: Path) -> None:
    """Copy the lessons into a folder, to be changed there.

    A file that is there and differs is left as it is, and the exit code is 1.
    """
    from labcore import lesson_files

    changed = _copied(folder)
    for path in changed:
        _say((f"not overwritten, because it was changed: {path}", STYLES["not reproduced"]), err=True)
    _say(f"{len(lesson_files.names()) - len(changed)} lessons are in {folder}; labcore lab {folder} opens them.")
    ctx.exit(int(bool(changed)))


def _copied(folder: Path) -> list[Path]:
    from labcore import lesson_files

    try:
        return lesson_files.copy_out(folder)
    except OSError as error:
        raise click.ClickException(f"cannot copy the lessons into {folder}: {error}") from None


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[DIR] [OPTIONS OF JUPYTERLAB]")
def lab(words: tuple[str, ...]) -> None:
    """Open JupyterLab on the lessons in a folder, after copying those that are not there.

    Without DIR: on a checkout's own lessons, else on copies in labcore-lessons.
    """
    from importlib.util import find_spec

    from labcore import lesson_files

    if find_spec("jupyterlab") is None:
        raise click.ClickException('JupyterLab is not installed; pip install "labcore[lab]" brings it')
    folder = Path("labcore-lessons") if lesson_files.INSTALLED else lesson_files.LESSONS
    if words and not words[0].startswith("-"):
        folder, words = Path(words[0]), words[1:]
    if folder != lesson_files.LESSONS:
        _copied(folder)
    # as `make lab`: the user's own settings and list of open tabs are not touched
    before = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(lesson_files.SETTINGS), *([before] if before else [])])
    if sys.prefix != sys.base_prefix:
        os.environ.setdefault("JUPYTERLAB_WORKSPACES_DIR", str(Path(sys.prefix, "workspaces")))
    options = [f"--ServerApp.root_dir={folder.resolve()}", "--LabApp.default_url=/lab/tree/index.ipynb"]
    options += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    sys.argv = ["jupyter-lab", *options, *words]
    runpy.run_module("jupyterlab", run_name="__main__")


def main() -> None:
    """The entry point: one line on stderr for whatever a user got wrong, 130 for Ctrl-C."""
    try:
        sys.exit(cli.main(standalone_mode=False) or 0)
    except click.Abort as stop:
        if isinstance(stop.__cause__, EOFError):
            raise stop.__cause__ from None  # click takes it for Ctrl-D at a prompt; here it is a bug
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"labcore: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
