"""The command line as a person meets it: a process, its two streams and its exit code."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import xarray as xr

from labcore import __version__, catalog

ROOT = Path(catalog.__file__).parents[1]

EXPERIMENTS = '''
from typing import Annotated, Literal
import time
import numpy as np
import xarray as xr
from pydantic import Field
from labcore.experiment import Seed, experiment

@experiment(quick={"n_steps": 2})
def walk(
    n_steps: Annotated[int, Field(ge=1, le=50, description="How many steps.", json_schema_extra={"unit": "steps"})] = 5,
    size: Annotated[float, Field(ge=0, le=2, description="Size of a step")] = 1,
    kind: Literal["up", "down"] = "up",
    order: Literal[1, 2] = 1,
    clip: bool = False,
    seed: Seed = 0,
):
    """A walk."""
    for step in range(n_steps):
        x = size * order * np.arange(step + 1) * (1 if kind == "up" else -1)
        yield xr.Dataset(
            {"x": ("t", x, {"long_name": "height", "units": "m"})},
            attrs={
                "progress": (step + 1) / n_steps,
                "reading": f"After {step + 1} steps the walk [is] at {x[-1]:g} m.",
            },
        )

@experiment
def fails(seed: Seed = 0):
    """Breaks."""
    raise KeyError("a bug in the method")
    yield

@experiment
def waits(seed: Seed = 0):
    """Never ends."""
    while True:
        print("waiting", flush=True)
        time.sleep(0.05)
        yield xr.Dataset(attrs={"progress": 0.0, "reading": "0 done."})
'''
CLAIMS = """
from labcore.claims import Evidence, claim, exact, mean, once
from .experiments import walk

@claim("The walk goes up")
def up(seeds):
    x = float(walk.run("quick").x[-1])
    return Evidence(exact("x", x) >= 1, size="4 steps")
"""
BROKEN = """
@claim("The walk goes down [really]")
def down(seeds):
    x = float(walk.run("quick").x[-1])
    return Evidence(exact("x", x) <= 0, size="4 steps")
"""
RAISES = """
@claim("The walk is odd")
def odd(seeds):
    raise ZeroDivisionError("no steps")
"""
SMALL = """
@claim("The walk reaches the moon", expected="not reproduced", reason="too few steps")
def moon(seeds):
    return Evidence(exact("x", 1.0) >= 3e8, size="4 steps")
"""
TURNS = """
@claim("The walk is lucky", slow=True)
def lucky(seeds):
    return Evidence(mean("luck", [s < 100 for s in seeds(2)]) >= 0.5, size="2 walks")
"""
CATALOG = """
[[theme]]
key = "kan"
title = "K"
question = "Why?"

[[paper]]
key = "toy"
title = "A toy"
year = 2020
theme = "kan"
notebook = "notebooks/kan/toy.ipynb"
idea = "It walks."

[[paper]]
key = "soon"
title = "A plan"
year = 2021
theme = "kan"
notebook = "notebooks/kan/toy.ipynb"
idea = "It will."
"""


@pytest.fixture
def house(tmp_path):
    """A small house: labcore's own machinery with a catalogue of two papers, one of them ready."""
    package = tmp_path / "labcore"
    package.mkdir()
    for source in (ROOT / "labcore").glob("*.py"):
        (package / source.name).write_bytes(source.read_bytes())
    (package / "catalog.toml").write_text(CATALOG)
    toy = package / "kan" / "toy"
    toy.mkdir(parents=True)
    (package / "kan" / "__init__.py").touch()
    (toy / "__init__.py").write_text('"""A paper for tests."""')
    (toy / "experiments.py").write_text(EXPERIMENTS)
    (toy / "claims.py").write_text(CLAIMS)
    return tmp_path


def environment(folder):
    return {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "COLUMNS": "100", "NO_COLOR": "1"}


def labcore(*words, at=ROOT):
    command = [sys.executable, "-m", "labcore", *map(str, words)]
    return subprocess.run(command, cwd=at, env=environment(Path(at)), capture_output=True, text=True, timeout=120)


def refused(done):
    """One line on stderr, nothing on stdout, exit code 2."""
    assert done.returncode == 2, done
    assert done.stdout == "" and done.stderr.count("\n") == 1 and done.stderr.startswith("labcore: "), done
    return done.stderr


# --- the group ---


def test_help_lists_the_commands():
    done = labcore("--help")
    assert done.returncode == 0
    for command in ("list", "run", "claims", "warm"):
        assert re.search(rf"^  {command} ", done.stdout, re.MULTILINE)
    assert labcore("--version").stdout == f"labcore, version {__version__}\n"


def test_a_wrong_command_or_option_is_refused():
    assert "No such command 'runn'" in refused(labcore("runn"))
    assert "No such option" in refused(labcore("list", "--them", "kan"))


# --- list ---


def test_list_shows_every_paper():
    shown = labcore("list").stdout
    assert all(re.search(rf"^  {p.key} ", shown, re.MULTILINE) for p in catalog.papers())
    assert f"of {len(catalog.papers())} papers are ready" in shown


def test_list_as_json_is_the_catalogue():
    rows = json.loads(labcore("list", "--theme", "generalization", "--json").stdout)
    assert [r["key"] for r in rows] == [p.key for p in catalog.papers("generalization")]
    for row in rows:
        paper = catalog.paper(row["key"])
        assert row == {
            "key": paper.key,
            "title": paper.title,
            "year": paper.year,
            "theme": paper.theme,
            "status": paper.status,
            "notebook": paper.notebook,
            "experiments": list(paper.experiments),
            "of": "",
        }


def test_list_marks_what_is_ready(house):
    shown = labcore("list", at=house).stdout
    assert re.search(r"toy +2020  ready +A toy", shown) and re.search(r"soon +2021  planned  A plan", shown)
    assert "run toy.walk, toy.fails, toy.waits  in notebooks/kan/toy.ipynb" in shown
    assert "1 of 2 papers are ready" in shown


def test_a_wrong_theme_is_refused_with_the_nearest():
    assert "there is no theme 'spikin'; did you mean spiking?" in refused(labcore("list", "--theme", "spikin"))


# --- run ---


def test_run_prints_the_reading_and_nothing_else(house):
    done = labcore("run", "toy.walk", at=house)
    assert (done.returncode, done.stdout, done.stderr) == (0, "After 5 steps the walk [is] at 4 m.\n", "")


@pytest.mark.parametrize("spelling", [["--n_steps", "3"], ["--n-steps", "3"], ["--n_steps=3"], ["--n-steps=3"]])
def test_both_spellings_of_an_option_work(house, spelling):
    assert labcore("run", "toy.walk", *spelling, at=house).stdout.startswith("After 3 steps")


def test_every_kind_of_value_can_be_given(house):
    words = "--budget quick --n-steps 3 --size 0.5 --kind down --order 2 --clip true --seed 7 --json".split()
    result = json.loads(labcore("run", "toy.walk", *words, at=house).stdout)
    assert result["experiment"] == "toy.walk"
    assert result["parameters"] == {"n_steps": 3, "size": 0.5, "kind": "down", "order": 2, "clip": True, "seed": 7}
    assert result["reading"] == "After 3 steps the walk [is] at -2 m."
    assert result["variables"] == {
        "x": {"dims": ["t"], "long_name": "height", "units": "m", "values": [0.0, -1.0, -2.0]}
    }


def test_the_budget_is_full_unless_said_otherwise(house):
    assert labcore("run", "toy.walk", "--budget", "quick", at=house).stdout.startswith("After 2 steps")


def test_help_of_an_experiment_lists_its_parameters(house):
    shown = re.sub(r"\s+", " ", labcore("run", "toy.walk", "--help", at=house).stdout)
    assert "A walk." in shown
    assert "--n-steps INTEGER How many steps. [a whole number from 1 to 50 steps; default 5]" in shown
    assert "--size NUMBER Size of a step. [from 0 to 2; default 1]" in shown
    assert "--kind up|down [one of up, down; default up]" in shown
    assert "--clip TRUE|FALSE [true or false; default false]" in shown


def test_help_of_run_lists_the_experiments_without_importing_them(house):
    for name in ("__init__.py", "experiments.py", "claims.py"):
        file = house / "labcore/kan/toy" / name
        file.write_text("raise SystemExit('imported')\n" + file.read_text())
    shown = labcore("run", "--help", at=house).stdout
    assert "toy.walk" in shown and "A toy" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["toy.walk", "--n-steps", "0"],
            "toy.walk: n_steps = '0' is not allowed; it must be a whole number from 1 to 50",
        ),
        (["toy.walk", "--kind", "left"], "kind = 'left' is not allowed; it must be one of up, down"),
        (["toy.walk", "--size", "much"], "size = 'much' is not allowed; it must be from 0 to 2"),
        (["toy.walk", "--stepz", "1"], "No such option '--stepz'"),
        (["toy.walk", "--budget", "fast"], "'fast' is not one of 'quick', 'full'"),
        (["toy.walc"], "there is no experiment 'toy.walc'; did you mean toy.walk"),
        (["toy"], "there is no experiment 'toy'"),
        (["tox.walk"], "there is no paper 'tox'; did you mean toy?"),
        (["soon.walk"], "soon is planned: it has no experiments yet"),
        (["toy.walk", "--out", "nowhere/x.nc"], "there is no folder nowhere"),
        (["toy.walk", "--out", "labcore"], "--out labcore is a folder"),
    ],
)
def test_a_wrong_run_is_refused_in_one_line(house, words, message):
    assert message in refused(labcore("run", *words, at=house))


def test_a_bug_in_a_method_keeps_its_traceback(house):
    done = labcore("run", "toy.fails", at=house)
    assert done.returncode == 1 and "Traceback" in done.stderr and "a bug in the method" in done.stderr


def test_out_writes_the_frame_as_netcdf(house):
    done = labcore("run", "toy.walk", "--out", "walk.nc", at=house)
    assert done.returncode == 0 and done.stdout.startswith("After 5") and done.stderr == "wrote walk.nc\n"
    frame = xr.load_dataset(house / "walk.nc", engine="h5netcdf")
    assert frame.x.values.tolist() == [0, 1, 2, 3, 4] and frame.x.attrs == {"long_name": "height", "units": "m"}
    assert frame.attrs["experiment"] == "toy.walk" and json.loads(frame.attrs["parameters"])["n_steps"] == 5
    assert [p.name for p in house.iterdir() if ".tmp" in p.name] == []


def test_out_writes_the_frame_as_a_table_or_says_what_it_can_write(house):
    assert labcore("run", "toy.walk", "--out", "walk.CSV", at=house).returncode == 0
    lines = (house / "walk.CSV").read_text().splitlines()
    assert lines[0] == "variable,t,value,units" and lines[1] == "x,0,0.0,m"
    said = refused(labcore("run", "toy.walk", "--out", "walk.xlsx", at=house))
    assert "walk.xlsx is not allowed; its name must end in .nc or .csv" in said and not (house / "walk.xlsx").exists()


def test_out_replaces_the_old_file_only_when_the_new_one_is_complete(house):
    target = house / "walk.nc"
    target.write_text("old")
    assert labcore("run", "toy.fails", "--out", target, at=house).returncode == 1
    assert target.read_text() == "old"
    assert labcore("run", "toy.walk", "--out", target, at=house).returncode == 0
    assert xr.load_dataset(target, engine="h5netcdf").sizes == {"t": 5}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent in another way there")
def test_ctrl_c_stops_a_run_quietly_with_130(house):
    command = [sys.executable, "-m", "labcore", "run", "toy.waits", "--out", "x.nc"]
    # a shell that starts a job in the background makes it ignore Ctrl-C, and pytest may be such a job
    ask = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    process = subprocess.Popen(
        command, cwd=house, env=environment(house), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **ask
    )
    assert process.stdout.readline() == "waiting\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip() == "stopped"
    assert not list(house.glob("*.nc")) and not list(house.glob(".*.tmp"))


def test_an_eof_error_is_a_bug_and_no_ctrl_c(house):
    """As of a file that is damaged; click takes it for the end of a prompt's input."""
    toy = house / "labcore" / "kan" / "toy" / "experiments.py"
    toy.write_text(toy.read_text().replace('KeyError("a bug in the method")', 'EOFError("Ran out of input")'))
    done = labcore("run", "toy.fails", at=house)
    assert done.returncode == 1 and done.stderr.endswith("EOFError: Ran out of input\n"), done


# --- claims ---


def test_claims_that_hold_exit_0(house):
    with open(house / "labcore/kan/toy/claims.py", "a") as file:
        file.write(SMALL)
    done = labcore("claims", at=house)
    assert done.returncode == 0, done
    assert re.search(r"^holds +toy.up  The walk goes up$", done.stdout, re.MULTILINE)
    assert re.search(r"^not reproduced +toy.moon  The walk reaches the moon$", done.stdout, re.MULTILINE)
    assert "x = 1  (x >= 3e+08; 4 steps; exact; seeds from 0; " in done.stdout and "too few steps" in done.stdout
    assert "2 verdicts on claims of 1 papers: 1 holds, 1 not reproduced" in done.stdout
    assert "turns" not in done.stdout


def test_a_broken_claim_exits_1(house):
    with open(house / "labcore/kan/toy/claims.py", "a") as file:
        file.write(BROKEN)
    done = labcore("claims", "toy", at=house)
    assert done.returncode == 1
    assert re.search(r"^broken +toy.down  The walk goes down \[really\]$", done.stdout, re.MULTILINE)


def test_a_claim_that_raises_exits_1_and_is_named(house):
    with open(house / "labcore/kan/toy/claims.py", "a") as file:
        file.write(RAISES)
    done = labcore("claims", at=house)
    assert done.returncode == 1
    assert re.search(r"^raised +toy  ZeroDivisionError: no steps", done.stdout, re.MULTILINE)
    assert "while measuring the claim toy.odd" in done.stderr
    assert re.search(r"^holds +toy.up", done.stdout, re.MULTILINE)


def test_claims_as_json(house):
    with open(house / "labcore/kan/toy/claims.py", "a") as file:
        file.write(BROKEN)
    done = labcore("claims", "--json", "--seeds-from", "7", at=house)
    up, down = json.loads(done.stdout)
    assert (up["name"], up["verdict"], up["seeds_from"], up["size"]) == ("up", "holds", 7, "4 steps")
    assert (up["checks"][0]["name"], up["checks"][0]["value"]) == ("x", down["checks"][0]["value"])
    assert down["verdict"] == "broken" and done.returncode == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tox"], "there is no paper 'tox'; did you mean toy?"),
        (["toy", "soon"], "soon is planned"),
        (["--theme", "can"], "there is no theme 'can'; did you mean kan?"),
        (["--seeds-from", "here"], "'here' is not a valid integer"),
        (["--seeds-from", "-1"], "-1 is not in the range"),
        (["--seeds-from", "commit"], "there is no git commit"),
    ],
)
def test_wrong_claims_are_refused_before_anything_is_measured(house, words, message):
    assert message in refused(labcore("claims", *words, at=house))


def test_several_first_seeds_are_measured_in_turn_and_what_turns_is_named(house):
    with open(house / "labcore/kan/toy/claims.py", "a") as file:
        file.write(TURNS)
    record = house / "ledger.json"
    words = ("--slow", "--seeds-from", "0", "--seeds-from", "404", "--record", record)
    done = labcore("claims", "toy", *words, at=house)
    assert done.returncode == 1 and "turns with its seeds: toy.lucky: holds from 0, broken from 404" in done.stdout
    lucky, up = json.loads(record.read_text())["toy"]
    assert (lucky["verdict"], lucky["seeds_from"], lucky["elsewhere"]) == ("holds", 0, {"404": "broken"})
    assert (up["verdict"], up["elsewhere"]) == ("holds", {"404": "holds"})
    again = labcore("claims", "toy", "--missing", *words, at=house)
    assert again.returncode == 0 and "0 verdicts on claims of 1 papers: none measured" in again.stdout


def test_the_first_seed_of_a_commit_is_the_same_for_everyone(house):
    git = ("git", "-C", house, "-c", "user.name=n", "-c", "user.email=e", "-c", "init.defaultBranch=m")
    for words in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "one")):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    (up,) = json.loads(labcore("claims", "--json", "--seeds-from", "commit", at=house).stdout)
    assert up["seeds_from"] == int(head[:8], 16) % 10**6


# --- warm ---


def test_warm_runs_every_experiment_once_and_reports_failures(house):
    (house / "labcore/kan/toy/experiments.py").write_text(EXPERIMENTS.replace("while True:", "for _ in range(1):"))
    done = labcore("warm", at=house)
    assert done.returncode == 1
    assert re.search(r"^ +[0-9.]+ s  toy.walk$", done.stdout, re.MULTILINE)
    assert re.search(r"^ +[0-9.]+ s  toy.waits$", done.stdout, re.MULTILINE)
    assert "toy.fails  KeyError: 'a bug in the method'" in done.stderr


# --- the function behind it ---


def test_the_installed_entry_point_is_main():
    text = (ROOT / "pyproject.toml").read_text()
    assert 'labcore = "labcore.cli:main"' in text
    code = textwrap.dedent("""
        import sys
        from labcore.cli import main
        sys.argv = ["labcore", "list", "--theme", "nope"]
        main()
    """)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "there is no theme 'nope'" in done.stderr
