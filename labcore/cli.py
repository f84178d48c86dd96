"""The command line: `labcore list`, `run`, `sweep`, `claims`, `new`, `check`, `warm`, `lessons`, `lab`.

    labcore list --theme generalization
    labcore run double_descent.model_wise --noise 0.3 --out result.nc
    labcore sweep double_descent.model_wise --noise 0,0.3 --seed 0:10 --out runs
    labcore claims double_descent
    labcore new my_noble --from noble
    labcore lab lessons

Exit codes: 0 done, 1 a claim is broken, an experiment or a check failed or a lesson was not copied, 2 the command was
wrong, 130 stopped by Ctrl-C.
Nothing here imports a paper, numpy or torch before a command needs it.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import time
from pathlib import Path

import click

from labcore import __version__, catalog
from labcore.cli_claims import claims
from labcore.cli_runs import run, sweep
from labcore.cli_words import STYLES, one_line, ready, say


@click.group()
@click.version_option(__version__, prog_name="labcore")
def cli() -> None:
    """A laboratory of neural-network papers."""


for command in (run, sweep, claims):
    cli.add_command(command)


@cli.command("list")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--theme", metavar="THEME", help="Only the papers of one theme.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(words: tuple[str, ...], theme: str | None, as_json: bool) -> None:
    """List the papers with their experiments and lessons: all, or those that these words find.

    Guests, of your folders and of installed packages, come last.
    """
    from labcore import search

    with one_line(LookupError):
        found = search.find(" ".join(words), [*catalog.papers(theme), *catalog.guests(theme)])
    for line in catalog.left_out():
        say((line, STYLES["not reproduced"]), err=True)
    if as_json:
        names = ("key", "title", "year", "theme", "status", "notebook", "experiments", "of")
        click.echo(json.dumps([{name: getattr(p, name) for name in names} for p in found], indent=1))
        return
    if not found:
        say(f"No paper fits {' '.join(words)!r}. Try fewer words, or the beginning of one.")
        return
    width = max(len(p.key) for p in found)
    groups = [(t.key, t.question, [p for p in found if not p.of and p.theme == t.key]) for t in catalog.themes()]
    groups += [("Guests", of, [p for p in found if p.of == of]) for of in dict.fromkeys(p.of for p in found if p.of)]
    for name, says, rows in groups:
        if rows:
            say((f"\n{name}", "bold"), f"  {says}")
        for p in rows:
            is_ready = p.status == "ready"
            say("  ", (f"{p.key:{width}}", "green" if is_ready else "dim"), f"  {p.year}  {p.status:7}  {p.title}")
            if is_ready:
                lesson = f"  in {p.notebook}" if p.notebook else ""
                say(" " * (width + 10), "run ", ", ".join(f"{p.key}.{e}" for e in p.experiments), lesson)
    say(f"\n{sum(p.status == 'ready' for p in found)} of {len(found)} papers are ready.")


@cli.command()
@click.argument("keys", nargs=-1, metavar="[KEY ...]")
@click.option("--theme", metavar="THEME", help="Only the papers of one theme.")
@click.pass_context
def warm(ctx: click.Context, keys: tuple[str, ...], theme: str | None) -> None:
    """Run every experiment once, quickly, so that its compiled kernels are kept for later runs. Uses all cores."""
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    from labcore.threads import ONE_THREAD

    chosen, failed = ready(keys, theme), 0
    with ProcessPoolExecutor(
        min(len(chosen), os.cpu_count() or 1), get_context("spawn"), _take_environment, (ONE_THREAD,)
    ) as pool:
        for done in as_completed([pool.submit(_warm_paper, key) for key in chosen]):
            for name, seconds, error in done.result():
                if error:
                    failed += 1
                    say((f" failed    {name}  {error}", STYLES["raised"]), err=True)
                else:
                    say(f"{seconds:7.1f} s  {name}")
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
@click.argument("key")
@click.option("--from", "of", metavar="PAPER", help="The paper to copy. Default: an empty one, which runs.")
def new(key: str, of: str | None) -> None:
    """Make a paper of your own: the folder KEY, here.

    It is then a paper as any other, for whatever runs in this folder: bench, run, sweep, claims, check.
    """
    from labcore import new_paper

    with one_line(LookupError), one_line(ValueError):
        try:
            folder = new_paper.new(key, of)
        except OSError as error:
            raise click.ClickException(f"cannot make {key}: {error}") from None
    made = catalog.paper(key)
    say(f"{folder} is there: change its files. In this folder it is a paper as any other:")
    for line in (f"labcore check {key}", f"labcore run {key}.{made.experiments[0]}"):
        say(f"  {line}")
    if of is not None:
        say(f"  labcore claims {of} {key} --compare")


@cli.command()
@click.argument("keys", nargs=-1, required=True, metavar="KEY ...")
@click.pass_context
def check(ctx: click.Context, keys: tuple[str, ...]) -> None:
    """Tell what is to be mended in a paper: what the house's tests ask of each of its own.

    Exit code 1 where there is something.
    """
    import subprocess
    from importlib.util import find_spec

    if find_spec("plotly") is None or find_spec("ipywidgets") is None:
        raise click.ClickException('a check draws figures; pip install "labcore[lab]" brings what it needs')
    ready(keys, None)
    # each in a process of its own, which a kernel may take down with it
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])
    failed = 0
    for key in keys:
        command = [sys.executable, "-P", "-m", "widgets.check", key]
        code = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}).returncode
        if code not in (0, 1):
            say((f"{key}: the process of the check has ended with {code}", STYLES["raised"]), err=True)
        failed += code != 0
    ctx.exit(int(failed > 0))


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
        say((f"not overwritten, because it was changed: {path}", STYLES["not reproduced"]), err=True)
    say(f"{len(lesson_files.names()) - len(changed)} lessons are in {folder}; labcore lab {folder} opens them.")
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
    os.environ[lesson_files.OPENED] = str(folder.resolve())
    # as `make lab`: the user's own settings and list of open tabs are not touched
    before = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(lesson_files.SETTINGS), *([before] if before else [])])
    if sys.prefix != sys.base_prefix:
        os.environ.setdefault("JUPYTERLAB_WORKSPACES_DIR", str(Path(sys.prefix, "workspaces")))
    options = [f"--ServerApp.root_dir={folder.resolve()}", "--LabApp.default_url=/lab/tree/index.ipynb"]
    options += [f"--LabApp.extra_labextensions_path={lesson_files.LABEXTENSIONS}"]
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
