"""Sweeps: what is kept when clients, workers, disks and other sweeps come and go."""

import contextlib
import functools
import importlib
import json
import os
import pkgutil
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import types

import numpy as np
import psutil
import pytest
import torch
import xarray as xr

import labcore
from labcore import catalog, live_code, sweep_cluster, sweep_files, sweep_local, sweeps
from labcore.experiment import Experiment, ParameterError, number
from labcore.kan.noble.sharp_regression import uniform_cube
from labcore.sweep_local import Helpers, outcomes
from labcore.sweeps import SweepError, open_sweep, sweep, values_in
from labcore.threads import one_thread

NAME = "double_descent.model_wise"
QUICK = {"budget": "quick", "n_seeds": 1}


@pytest.fixture
def toy(monkeypatch):
    """`toy(body)` puts an experiment `toy.toy(x, n, seed)` into the catalogue: body(x, n, seed) returns a frame."""

    def make(body, version="v1"):
        from typing import Annotated

        def toy(
            x: Annotated[float, number(0, 10, "a number")] = 1.0,
            n: Annotated[int, number(1, 9, "a size")] = 3,
            seed: Annotated[int, number(0, 99, "a seed")] = 0,
        ):
            yield body(x, n, seed)

        monkeypatch.setattr(catalog, "load_experiment", lambda name: Experiment(toy, "toy", {}))
        monkeypatch.setattr(Experiment, "code", version)
        monkeypatch.setattr(sweeps, "code_version", lambda key: version)

    return make


def line(x, n, seed):
    at = np.arange(n)
    return xr.Dataset(
        {
            "y": ("t", x * at + seed, {"long_name": "height", "units": "m"}),
            "end": ((), x * n, {"long_name": "end", "units": "m"}),
        },
        coords={"t": ("t", at, {"long_name": "time", "units": "s"})},
        attrs={"reading": f"x is {x}.", "progress": 1.0},
    )


def test_a_sweep_is_what_single_runs_give(tmp_path):
    found = labcore.sweep(NAME, out=tmp_path, **QUICK, seed=range(2), n_train=[50, 100])
    assert dict(found.sizes)["seed"] == 2 and (found.point_state == "done").all()
    for seed in range(2):
        for n_train in (50, 100):
            alone = labcore.run(NAME, **QUICK, seed=seed, n_train=n_train)
            point = found.sel(seed=seed, n_train=n_train)
            assert point.point_reading == alone.attrs["reading"]
            np.testing.assert_array_equal(point.test.dropna("width"), alone.test)
    assert found.test.attrs == alone.test.attrs
    xr.testing.assert_identical(labcore.open_sweep(tmp_path), found)


def test_points_of_other_shapes_are_joined_over_their_coordinates(tmp_path, toy):
    toy(line)
    found = sweep("toy.toy", out=tmp_path, n=[2, 4], x=[1, 2])
    assert found.y.dims == ("n", "x", "t") and found.end.dims == ("n", "x")
    np.testing.assert_array_equal(found.y.sel(n=2, x=2), [0, 2, np.nan, np.nan])
    np.testing.assert_array_equal(found.y.sel(n=4, x=2), [0, 2, 4, 6])
    assert json.loads(found.attrs["fixed"]) == {"seed": 0}


def test_a_parameter_named_like_a_coordinate_keeps_both(tmp_path, toy):
    toy(lambda x, n, seed: line(x, n, seed).rename(y="n"))
    found = sweep("toy.toy", out=tmp_path, n=[2, 3])
    assert found["n"].dims == ("parameter_n", "t") and list(found.parameter_n) == [2, 3]


def test_done_points_are_not_run_again_and_changed_code_runs_all(tmp_path, toy):
    ran = []
    toy(lambda x, n, seed: ran.append(x) or line(x, n, seed))
    sweep("toy.toy", out=tmp_path, x=[1, 2])
    sweep("toy.toy", out=tmp_path, x=[1, 2, 3])
    assert sorted(ran) == [1, 2, 3]
    assert open_sweep(tmp_path).sizes["x"] == 3, "two grids of one kind are one larger grid"
    toy(lambda x, n, seed: ran.append(x) or line(x, n, seed), version="v2")
    sweep("toy.toy", out=tmp_path, x=[1, 2])
    assert sorted(ran) == [1, 1, 2, 2, 3]


def test_after_a_code_change_the_points_of_the_code_that_is_here_are_opened(tmp_path, toy):
    toy(line)
    sweep("toy.toy", out=tmp_path, x=[1, 2, 3])
    toy(lambda x, n, seed: line(x, n, seed) + 1, version="v2")
    sweep("toy.toy", out=tmp_path, x=[1, 2])
    with pytest.warns(UserWarning, match="sweeps of other code.*over x, code version v1") as said:
        found = open_sweep(tmp_path)
    assert found.code_version == "v2" and list(found.end) == [4, 7]
    other = re.search(r"opens (\w+)", str(said[0].message))[1]
    assert open_sweep(tmp_path, other).code_version == "v1"
    toy(line, version="v3")
    with pytest.raises(ValueError, match="different sweeps.*code version v[12].*code version v[12]"):
        open_sweep(tmp_path)


def test_a_failing_point_is_recorded_and_tried_again(tmp_path, toy):
    def shy(x, n, seed):
        if x == 2 and not (tmp_path / "cured").exists():
            raise RuntimeError("the matrix is singular")
        return line(x, n, seed)

    toy(shy)
    found = sweep("toy.toy", out=tmp_path, x=[1, 2, 3])
    assert list(found.point_state.values) == ["done", "failed", "done"]
    assert found.point_error.sel(x=2) == "RuntimeError: the matrix is singular"
    assert np.isnan(found.y.sel(x=2)).all() and not np.isnan(found.y.sel(x=3)).any()
    (tmp_path / "cured").touch()
    assert (sweep("toy.toy", out=tmp_path, x=[1, 2, 3]).point_state == "done").all()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"x": [1, 99]}, "x = 99 is not allowed"),
        ({"x": []}, "at least one value"),
        ({"y": [1]}, "no parameter 'y'"),
        ({"x": np.linspace(0, 10, 10_001), "seed": range(99)}, "at most 100000"),
    ],
)
def test_a_bad_grid_is_refused_before_anything_runs(tmp_path, toy, values, words):
    toy(line)
    with pytest.raises(ParameterError, match=words):
        sweep("toy.toy", out=tmp_path / "none", **values)
    assert not (tmp_path / "none").exists()


def test_stop_keeps_what_is_done(tmp_path, toy, monkeypatch):
    monkeypatch.setenv("LABCORE_HELPERS", "0")  # they would not know the toy, and come where the machine is slow
    stop = threading.Event()

    def slow(x, n, seed):
        time.sleep(0.05)
        return line(x, n, seed)

    toy(slow)
    found = sweep("toy.toy", out=tmp_path, seed=range(40), stop=stop, progress=lambda p: p.done >= 5 and stop.set())
    assert 5 <= (found.point_state == "done").sum() < 40
    assert (sweep("toy.toy", out=tmp_path, seed=range(40)).point_state == "done").all()


def test_a_full_disk_ends_the_sweep_with_what_it_has(tmp_path, toy, monkeypatch):
    """The disk fills at the third point; the draft of the point that did not fit is gone."""
    toy(line)
    real, room = os.replace, iter(range(3))
    monkeypatch.setattr(
        sweep_files.Path, "replace", lambda self, to: real(self, to) if next(room, None) is not None else full()
    )

    def full():
        raise OSError(28, "No space left on device")

    with pytest.raises(SweepError, match="No space left on device.*2 of 5 points are kept"):
        sweep("toy.toy", out=tmp_path, x=[1, 2, 3, 4, 5])
    assert not list(tmp_path.rglob("*.tmp"))
    monkeypatch.undo()
    toy(line)
    assert (sweep("toy.toy", out=tmp_path, x=[1, 2, 3, 4, 5]).point_state == "done").all()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_small_file_system_that_is_really_full(tmp_path, toy):
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)], capture_output=True
    ).returncode:
        pytest.skip("this machine does not let us mount a file system")
    try:
        toy(line)
        with pytest.raises(SweepError, match="No space left on device"):
            sweep("toy.toy", out=tmp_path, seed=range(60))
        kept = int((open_sweep(tmp_path).point_state == "done").sum())
        assert 1 <= kept < 60 and not list(tmp_path.rglob("*.tmp"))
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def client(folder, *more):
    script = f"""
        import labcore
        labcore.sweep({NAME!r}, out={str(folder)!r}, budget="quick", n_seeds=1, seed=range(8), n_train=[50, 80],
                      progress=lambda p: print(p.done, flush=True))
    """
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), *more], stdout=subprocess.PIPE, text=True)


def test_a_client_killed_in_the_middle_loses_nothing(tmp_path):
    victim = client(tmp_path)
    for row in victim.stdout:
        if int(row) >= 4:
            break
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "points").glob("*.nc")}
    assert 4 <= len(kept) < 16
    again = client(tmp_path)
    first = int(again.stdout.readline())
    assert first == len(kept), "the points on disk are found at once"
    assert again.communicate() and again.returncode == 0
    assert all(p.stat().st_mtime_ns == then for p, then in kept.items()), "none of them was run again"
    assert (open_sweep(tmp_path).point_state == "done").all()


def test_an_interrupted_client_ends_at_once_and_in_order(tmp_path):
    """Ctrl-C inside a point, which is inside torch: the process must not abort."""
    script = f"""
        import labcore, signal
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins without it
        labcore.sweep("bidirectional.train", out={str(tmp_path)!r}, seed=range(9), progress=lambda p: print(p.done))
    """
    command = [sys.executable, "-u", "-c", textwrap.dedent(script)]
    victim = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert victim.stdout.readline() == "0\n"
    time.sleep(1.0)
    victim.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in victim.communicate()[1] and victim.returncode == -signal.SIGINT


def test_two_clients_in_one_folder(tmp_path):
    pair = [client(tmp_path), client(tmp_path)]
    assert [p.communicate() and p.returncode for p in pair] == [0, 0]
    found = open_sweep(tmp_path)
    assert (found.point_state == "done").all() and found.sizes["seed"] == 8


def test_a_killed_worker_loses_nothing(tmp_path):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster,
        Client(cluster, set_as_default=False) as desk,
    ):
        victim = desk.submit(os.getpid, pure=False).result()
        killed = []

        def kill(progress):
            if progress.done == 3 and not killed:
                killed.append(os.kill(victim, signal.SIGKILL))

        found = sweep(NAME, out=tmp_path, cluster=desk, **QUICK, seed=range(12), progress=kill)
    assert killed and (found.point_state == "done").all()


@pytest.mark.parametrize(
    "address",
    ["tcp://127.0.0.1:9", "127.0.0.1:9", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "nonsense", "", "x://y:1"],
)
def test_a_scheduler_that_is_not_there(tmp_path, monkeypatch, address):
    """Nobody waits for it: where no port is open, Dask, which knocks for ten seconds, is not asked."""
    if "127.0.0.1" in address:
        monkeypatch.setattr("distributed.Client", lambda *_, **__: pytest.fail("it was asked"))
    with pytest.raises(SweepError, match=f"no Dask scheduler answers at {address}: "):
        sweep(NAME, out=tmp_path, cluster=address, **QUICK, seed=[0, 1])


@pytest.mark.parametrize(("greeting", "words"), [(b"", "timed out"), (b"SSH-2.0-OpenSSH\r\n", "something else")])
def test_a_stranger_in_place_of_a_scheduler(tmp_path, monkeypatch, greeting, words):
    monkeypatch.setattr("distributed.Client", lambda *_, **__: pytest.fail("it was asked, and waits without an end"))
    monkeypatch.setattr(sweep_cluster, "SPEAKS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        greet = threading.Thread(target=lambda: lines.append(stranger.accept()[0]) or lines[0].send(greeting))
        lines = []
        greet.start()
        with pytest.raises(SweepError, match=f"no Dask scheduler answers at.*{words}"):
            sweep(NAME, out=tmp_path, cluster=f"tcp://127.0.0.1:{stranger.getsockname()[1]}", **QUICK, seed=[0, 1])
        greet.join()
        lines[0].close()


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (
            "raise ModuleNotFoundError('No module named labcore')",
            "has none (ModuleNotFoundError: No module named labcore)",
        ),
        ("code_version = lambda key: 'other'", "has other"),
    ],
)
def test_workers_that_could_not_run_a_point_are_named_first(tmp_path, monkeypatch, there, words):
    """Workers of another installation, whose `labcore.code_version` is this file."""
    from distributed import Client, LocalCluster

    (tmp_path / "labcore").mkdir()
    (tmp_path / "labcore" / "__init__.py").touch()
    (tmp_path / "labcore" / "code_version.py").write_text(there)
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with LocalCluster(**options, preload=[f"import sys; sys.path.insert(0, {str(tmp_path)!r})"]) as cluster:
        with Client(cluster, set_as_default=False) as desk:
            monkeypatch.setattr(desk, "submit", lambda *_, **__: pytest.fail("a point was submitted"))
            with pytest.raises(SweepError, match=rf"the workers need Labcore.*tcp://\S+ {re.escape(words)}"):
                sweep(NAME, out=tmp_path / "out", cluster=desk, **QUICK, seed=[0, 1])


def _flip(path, other):
    """One bit of the numbers: the file is read as before."""
    content = path.read_bytes()
    at = content.index(np.arange(3.0)[1:].tobytes())
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_flip, "its checksum is not that of what it holds"),
        (lambda path, other: path.write_bytes(other.read_bytes()), "is another point's: toy.toy with {'x': "),
        (lambda path, other: path.write_bytes(path.read_bytes()[:100]), "cannot be read as NetCDF"),
        (lambda path, other: path.write_bytes(b""), "cannot be read as NetCDF"),
    ],
)
def test_every_damage_is_named_and_that_point_runs_again(tmp_path, toy, harm, words):
    toy(lambda x, n, seed: line(x, n, seed).assign(z=("t", np.arange(3.0))))
    whole = sweep("toy.toy", out=tmp_path, x=[1, 2])
    one, other = (tmp_path / "points").glob("*.nc")
    harm(one, other)
    found = open_sweep(tmp_path)
    assert sorted(found.point_state.values) == ["done", "missing"]
    assert words in found.point_error.values[found.point_state == "missing"].item()
    with pytest.warns(UserWarning, match=f"{one.name}.*{re.escape(words)}.*runs again"):
        again = sweep("toy.toy", out=tmp_path, x=[1, 2])
    xr.testing.assert_identical(again, whole)


def test_points_without_a_checksum_are_those_of_earlier_versions(tmp_path, toy):
    toy(line)
    whole = sweep("toy.toy", out=tmp_path, x=[1, 2])
    for path in (tmp_path / "points").glob("*.nc"):
        path.write_bytes(path.read_bytes().partition(sweep_files.SEAL)[0])
    xr.testing.assert_identical(open_sweep(tmp_path), whole)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"error": 1}'])
def test_damage_to_the_small_files_is_named(tmp_path, toy, content):
    def fails(x, n, seed):
        raise RuntimeError("never")

    toy(fails)
    sweep("toy.toy", out=tmp_path, x=[1])
    record, grid = next((tmp_path / "points").glob("*.failed.json")), next(tmp_path.glob("sweep-*.json"))
    record.write_bytes(content)
    found = open_sweep(tmp_path)
    assert found.point_state.item() == "failed" and found.point_error.item() in ("1", f"{record.name} is damaged")
    grid.write_bytes(content)
    with pytest.raises(SweepError, match=f"{grid.name} is damaged.*writes it anew and keeps its points"):
        open_sweep(tmp_path)
    toy(line)
    assert (sweep("toy.toy", out=tmp_path, x=[1]).point_state == "done").all() and open_sweep(tmp_path)


def test_a_grid_is_counted_before_it_is_built(tmp_path, toy):
    toy(line)
    with pytest.raises(ParameterError, match="a grid of 99999999999999999999 points is not allowed"):
        sweep("toy.toy", out=tmp_path, x=values_in("0:99999999999999999999"))


def test_progress_is_told_while_points_are_read(tmp_path, toy):
    toy(line)
    sweep("toy.toy", out=tmp_path, seed=range(45))
    told = []
    sweep("toy.toy", out=tmp_path, seed=range(45), progress=lambda p: told.append(p.done))
    assert told == [20, 40, 45]


def test_no_sweep_and_no_such_sweep(tmp_path, toy):
    with pytest.raises(FileNotFoundError, match="there is no sweep"):
        open_sweep(tmp_path)
    toy(line)
    sweep("toy.toy", out=tmp_path, x=[1])
    with pytest.raises(ValueError, match="which = 'other'"):
        open_sweep(tmp_path, "other")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0,0.2", ["0", "0.2"]),
        ("0:4", range(4)),
        ("0:9:4", range(0, 9, 4)),
        ("relu, tanh", ["relu", "tanh"]),
        ("7", "7"),
        ("0:x", "0:x"),
    ],
)
def test_what_a_person_types(text, values):
    assert values_in(text) == values


def test_the_command_line_sweeps(tmp_path):
    command = [sys.executable, "-m", "labcore", "sweep", NAME, "--n-seeds", "1", "--budget", "quick"]
    out = str(tmp_path / "C:\\new runs")  # a path of Windows, as a name: what is printed can be pasted
    done = subprocess.run([*command, "--seed", "0:3", "--out", out], capture_output=True, text=True)
    assert done.returncode == 0 and "3 of 3 points" in done.stderr
    xr.testing.assert_identical(eval(done.stdout), open_sweep(out))
    bad = subprocess.run([*command, "--label-noise", "0,9", "--out", str(tmp_path)], capture_output=True, text=True)
    assert bad.returncode == 2 and "label_noise = '9' is not allowed" in bad.stderr


@pytest.fixture
def eager(monkeypatch):
    """One helper process from the first point on, also where there is one core."""
    monkeypatch.setattr("dask.system.CPU_COUNT", 2)
    monkeypatch.setattr(sweep_local, "HELPER_STARTS", 1e-6)
    monkeypatch.setattr(sweep_local, "COMPILING", 0.0)


def test_the_same_bits_whichever_way(tmp_path, eager, monkeypatch):
    """This experiment has other last bits on two threads: alone, with a helper and on a cluster it must run on one."""
    from distributed import Client, LocalCluster

    name, grid = "bidirectional.train", {"budget": "quick", "seed": range(2)}
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(sweep_local, "HELPER_STARTS", np.inf)
            alone = sweep(name, out=tmp_path / "alone", **grid)
        helped, submit, run = threading.Event(), Helpers.submit, sweep_local._Point.run

        def watched(self, work, parameters):
            future = submit(self, work, parameters)
            future.add_done_callback(lambda _: helped.set())
            return future

        monkeypatch.setattr(Helpers, "submit", watched)
        # the points of this process wait until a helper has done one
        monkeypatch.setattr(sweep_local._Point, "run", lambda self: helped.wait(100) and run(self))
        xr.testing.assert_identical(sweep(name, out=tmp_path / "helped", **grid), alone)
        assert helped.is_set()
        with (
            LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster,
            Client(cluster, set_as_default=False) as desk,
        ):
            xr.testing.assert_identical(sweep(name, out=tmp_path / "there", cluster=desk, **grid), alone)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    xr.testing.assert_identical(open_sweep(tmp_path / "helped"), alone)


@pytest.fixture
def deadly(tmp_path, monkeypatch):
    """`deadly(body)`: a module that helpers can import, whose `work(x)` does this first; and its name."""

    def make(body):
        (tmp_path / "deadly.py").write_text(f"""
import os, pathlib, signal, time

died, caller = pathlib.Path({str(tmp_path / "died")!r}), {os.getpid()}

def work(point):
    x, here = point["x"], os.getpid() == caller
    {body}
    return x
""")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "deadly", raising=False)
        return importlib.import_module("deadly").work

    return make


KILL = "os.kill(os.getpid(), signal.SIGKILL)"


def test_a_helper_that_dies_loses_nothing(eager, deadly):
    work = deadly(f"""
    if not here and not died.exists():
        died.touch()
        {KILL}
    while not died.exists():
        time.sleep(0.05)""")
    points, begun = {x: {"x": x} for x in range(6)}, []
    found = dict(outcomes(work, points, "deadly", threading.Event(), begin=begun.append))
    assert {key: future.result() for key, future in found.items()} == {x: x for x in range(6)}
    assert sorted(begun[:-1]) == list(range(6)) and begun[-1] == list(found)[-1], "the one that it died under is last"


def test_a_point_that_kills_its_process_comes_last_and_fails(eager, deadly, monkeypatch):
    """A suspect is run in a helper, which it kills; the caller goes on. It is not given to one beside other points."""
    monkeypatch.setattr(sweep_local, "HELPER_STARTS", np.inf)
    work = deadly(f"x == 2 and {KILL}")
    found = list(outcomes(work, {x: {"x": x} for x in (2, 3, 4)}, "deadly", threading.Event(), suspects={2}))
    assert [key for key, _ in found] == [3, 4, 2]
    with pytest.raises(sweep_local.ProcessDied, match="signal 9"):
        found[-1][1].result()


def test_a_helper_that_cannot_start_leaves_its_point_to_the_caller(deadly):
    work = deadly("assert here")
    (found,) = outcomes(work, {1: {"x": 1}}, "there_is_no_such_module", threading.Event(), suspects={1})
    assert found[1].result() == 1


ORPHAN = """
import os, pathlib, sys, threading, time

from labcore import sweep_local

caller = os.getpid()
pathlib.Path("slow.py").write_text(f'''
import os, pathlib, time

def work(point):
    if os.getpid() != {caller}:
        pathlib.Path("helper").write_text(str(os.getpid()))
    time.sleep(100)
''')
sys.path.insert(0, os.getcwd())
import slow

grow, children = sweep_local.Helpers.grow, []

def grow_and_fork(self, wanted):
    grow(self, 1)
    if pathlib.Path("helper").exists() and not children:
        children.append(os.fork())  # it holds all that its parent has open
        if not children[0]:
            time.sleep(100)
            os._exit(0)

sweep_local.Helpers.grow = grow_and_fork
list(sweep_local.outcomes(slow.work, {x: {"x": x} for x in range(9)}, "slow", threading.Event()))
"""


def _wait_for(what):
    """Whether it comes true; the time is against hanging."""
    return any(what() or time.sleep(0.1) for _ in range(300))


def _alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_helpers_end_with_a_caller_that_is_killed(tmp_path):
    """Also in the middle of a point, and when a process that the caller forked lives on."""
    env, noted, children = os.environ | {"LABCORE_HELPERS": "1"}, tmp_path / "helper", []
    caller = subprocess.Popen([sys.executable, "-c", ORPHAN], env=env, cwd=tmp_path)
    try:
        assert _wait_for(lambda: noted.exists() and noted.read_text())
        helper, family = int(noted.read_text()), psutil.Process(caller.pid)
        assert _wait_for(lambda: len(family.children()) > 1)
        children = family.children()
        caller.kill()
        caller.wait()
        assert _wait_for(lambda: not _alive(helper))
    finally:
        caller.kill()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


def test_a_helper_whose_caller_is_gone_ends_without_a_word():
    """It may be about to answer."""
    command = [sys.executable, "-m", "labcore.sweep_helper", "os", str(os.getpid())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as helper:
        helper.stdout.close()
        assert helper.stderr.read() == b"" and helper.wait() == 0


def test_nothing_listens(eager, deadly, monkeypatch):
    """Neither the caller nor its helper: what can be reached from elsewhere can be sent code."""

    def listening():
        me = psutil.Process()
        return {c.laddr for p in (me, *me.children(True)) for c in p.net_connections() if c.status == "LISTEN"}

    before, seen = listening(), []
    work = deadly("""
    while here and not died.exists():
        time.sleep(0.05)
    died.touch()""")
    for _ in outcomes(work, {x: {"x": x} for x in range(9)}, "deadly", threading.Event()):
        seen.append(listening() - before)
    assert seen[0] == set()


DEADLY_SWEEP = """
import os, signal, sys
from typing import Annotated

import numpy as np
import xarray as xr

from labcore import catalog, sweeps
from labcore.experiment import Experiment, number


def toy(x: Annotated[int, number(0, 9, "a number")] = 1):
    if x == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    yield xr.Dataset({"y": ((), x, {"long_name": "y", "units": ""})}, attrs={"reading": f"x is {x}.", "progress": 1.0})


catalog.load_experiment = lambda name: Experiment(toy, "toy", {})
Experiment.code = "v1"
sweeps.sweep("toy.toy", out=sys.argv[1], x=[1, 2, 3])
"""


def test_a_point_that_kills_its_caller_is_marked_and_comes_last(tmp_path):
    command, env = [sys.executable, "-c", DEADLY_SWEEP, str(tmp_path)], os.environ | {"LABCORE_HELPERS": "0"}
    for done in (0, 2, 2):
        assert subprocess.run(command, env=env, timeout=100).returncode == -signal.SIGKILL
        assert len(list((tmp_path / "points").glob("*.nc"))) == done
    assert len(list((tmp_path / "points").glob("*.begun"))) == 1


def test_an_ended_sweep_leaves_no_marks(tmp_path, toy):
    toy(lambda x, n, seed: line(x, n, seed) if x != 2 else 1 / 0)
    sweep("toy.toy", out=tmp_path, x=[1, 2, 3])
    assert not list(tmp_path.rglob("*.begun"))


@pytest.mark.parametrize("asked", ["abc", "-1", "1.5"])
def test_a_number_of_helpers_that_is_none(monkeypatch, asked):
    monkeypatch.setenv("LABCORE_HELPERS", asked)
    with pytest.raises(ParameterError, match=f"LABCORE_HELPERS = '{asked}' is not allowed"):
        Helpers("os")


def test_a_short_sweep_starts_no_process(tmp_path, toy, monkeypatch):
    started = []
    monkeypatch.setattr(Helpers, "_start", lambda self: started.append(self))
    toy(line)
    sweep("toy.toy", out=tmp_path, x=[1, 2, 3])
    assert not started


def test_a_machine_that_can_start_no_process_does_it_alone(tmp_path, toy, eager, monkeypatch, caplog):
    def refuse(self):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(Helpers, "_start", refuse)
    toy(lambda x, n, seed: time.sleep(0.3) or line(x, n, seed))
    assert (sweep("toy.toy", out=tmp_path, x=[1, 2, 3]).point_state == "done").all()
    assert caplog.text.count("temporarily unavailable") == 1


def test_what_ends_the_whole_program_ends_the_sweep(tmp_path, toy):
    def leave(x, n, seed):
        raise KeyboardInterrupt

    toy(leave)
    with pytest.raises(KeyboardInterrupt):
        sweep("toy.toy", out=tmp_path, x=[1, 2])


def test_libraries_get_their_threads_back_after_the_last_point():
    before, first_ended, both = torch.get_num_threads(), threading.Event(), threading.Barrier(2)
    torch.set_num_threads(3)
    seen = []

    def first():
        with one_thread():
            both.wait(10)
            seen.append(torch.get_num_threads())
        first_ended.set()

    def second():
        with one_thread():
            both.wait(10)
            first_ended.wait(10)
            seen.append(torch.get_num_threads())

    pair = [threading.Thread(target=f) for f in (first, second)]
    try:
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()
        after = []
        late = threading.Thread(target=lambda: after.append(torch.get_num_threads()))
        late.start()
        late.join()
        assert seen == [1, 1] and after == [3] and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


OVERLAP = """
import threading

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from labcore.threads import one_thread


def blas():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def point(enter, leave, left):
    enter.wait(60)
    with one_thread():
        entered.set()
        leave.wait(60)
        seen.append(blas())
    left.set()
    ended.wait(60)  # as the threads of a worker do, which run one point after the other


def at_once(count):
    global entered, ended
    ended = threading.Event()
    events = [[threading.Event() for _ in range(3)] for _ in range(count)]
    threads = [threading.Thread(target=point, args=e) for e in events]
    for thread, (enter, _, _) in zip(threads, events):  # in one after the other, and out in the same order
        entered = threading.Event()
        thread.start(), enter.set(), entered.wait(60)
    for _, leave, left in events:
        leave.set(), left.wait(60)
    ended.set()
    [thread.join() for thread in threads]


seen, before = [], blas()
at_once(2)
between = blas()
with threadpool_limits(2):
    at_once(3)
    inside = blas()
assert before == between == inside == blas() == {2} and seen == 5 * [{1}], (before, seen, between, inside, blas())
"""


def test_overlapping_points_have_one_thread_of_the_linear_algebra():
    """Points that begin and end in another order, in threads that live on, also of a caller that holds a limit."""
    env = os.environ | {"OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", OVERLAP], env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def _wrapped(function):
    return functools.wraps(function)(lambda *values: function(*values))


@pytest.mark.parametrize(
    ("place", "name", "change"),
    [
        ("mechanism.CosNet", "forward", lambda _: lambda self, z: z),
        ("mechanism.CosNet", "__call__", lambda _: lambda self, z: z),  # which its class inherits
        ("mechanism", "CosNet", lambda net: type("CosNet", (net,), {"forward": lambda self, z: z})),
        ("mechanism", "make_sigma", _wrapped),
        ("experiments", "sharp_target", lambda _: uniform_cube),  # a function of the same paper
        ("experiments", "MODELS", lambda models: models[::-1]),
    ],
)
def test_a_method_that_was_changed_in_memory_is_not_swept(tmp_path, monkeypatch, place, name, change):
    """Helpers would run the file's and the caller its own, both under one version of the code."""
    target = pkgutil.resolve_name(f"labcore.kan.noble.{place}")
    monkeypatch.setattr(target, name, change(getattr(target, name)), raising=False)
    says = rf"^labcore\.kan\.noble\..*{name} is not what its file says.*labcore new my_own --from noble"
    with pytest.raises(SweepError, match=says):
        sweep("noble.sharp", out=tmp_path / "none", budget="quick", seed=range(2))
    assert not (tmp_path / "none").exists()


def test_a_file_that_was_edited_after_it_was_loaded_is_not_swept(tmp_path, monkeypatch):
    (tmp_path / "labcore_rates.py").write_text("def rate(): return 1")
    module = types.ModuleType("labcore.rates")
    module.__file__ = str(tmp_path / "labcore_rates.py")
    exec(compile((tmp_path / "labcore_rates.py").read_text(), module.__file__, "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "labcore.rates", module)
    assert live_code.changed("labcore.rates") is None
    (tmp_path / "labcore_rates.py").write_text("def rate(): return 2")
    assert live_code.changed("labcore.rates") == "labcore.rates.rate"
