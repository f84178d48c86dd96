"""A sweep that is killed and called again, on a busy machine: bit for bit it keeps what an uninterrupted one does.

    python -m tests.benchmarks.kill_rounds [--rounds 20] [--hogs N] [--seed 0] [--name KEY.EXPERIMENT] [--points 16]

In each round the caller is killed (SIGKILL) at a random moment, and what it left is compared. Then the same call is
made again, one of its helpers is killed at a random moment, and the call is left to end by itself. A point that was
under way both times has killed two processes, as far as a sweep can know, and is given up; a third call runs it. Hogs,
as many as there are cores unless said, keep the machine busy. Counts are printed; exit status 1 if any bit differs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

from labcore.sweeps import open_sweep
from tests.benchmarks.timing import ROOT

NAME, POINTS, PATIENCE = "dynamical_intelligence.modules", 16, 300.0
# helpers come in at once, however short the sweep is: what they do is to be seen
CALL = """
    import sys

    from labcore import sweep_local
    from labcore.sweeps import sweep

    sweep_local.HELPER_STARTS = 0.1
    name, out, points = sys.argv[1], sys.argv[2], int(sys.argv[3])
    sweep(name, out=out, budget="quick", seed=range(points), progress=lambda p: print(p.done, flush=True))
"""
Kept = dict[str, bytes]


def start(name: str, folder: Path, points: int) -> subprocess.Popen:
    """A caller in a process of its own, which has told that its sweep begins."""
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(CALL), name, str(folder), str(points)]
    caller = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"LABCORE_HELPERS": "2"}, stdout=subprocess.PIPE, text=True
    )
    assert caller.stdout.readline(), f"the sweep ended with {caller.wait()}"
    return caller


def helpers(caller: subprocess.Popen) -> list[psutil.Process]:
    found = []
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(caller.pid).children():
            with contextlib.suppress(psutil.Error):
                if "labcore.sweep_helper" in child.cmdline():
                    found.append(child)
    return found


def kept(folder: Path) -> Kept:
    """Every file of the sweep but drafts, which a killed process may leave, and marks of points under way."""
    files = (p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".tmp", ".begun"))
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def left(folder: Path, suffix: str) -> int:
    return sum(p.suffix == suffix for p in folder.rglob("*"))


@contextlib.contextmanager
def busy(hogs: int) -> Iterator[None]:
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(hogs)]
    try:
        yield
    finally:
        for hog in running:
            hog.kill()
            hog.wait()


def kill_caller(name: str, folder: Path, points: int, wait: float) -> tuple[bool, int, float]:
    """Whether it was killed before its end, how many helpers it had, and the seconds until they were gone."""
    caller = start(name, folder, points)
    with contextlib.suppress(subprocess.TimeoutExpired):
        caller.wait(wait)  # what it prints is short, and fits into the pipe
    orphans = helpers(caller)
    caller.kill()
    died = time.perf_counter()
    in_time = caller.wait() == -signal.SIGKILL
    caller.stdout.close()
    _, alive = psutil.wait_procs(orphans, timeout=PATIENCE)
    assert not alive, "a helper lives on"
    return in_time, len(orphans), time.perf_counter() - died


def kill_helper(name: str, folder: Path, points: int, wait: float) -> tuple[int, int]:
    """How many helpers were killed, 0 where the sweep had ended before, and the exit status of the caller."""
    caller, killed, end = start(name, folder, points), 0, time.perf_counter() + wait
    while caller.poll() is None and not killed:
        there = helpers(caller) if time.perf_counter() > end else []
        with contextlib.suppress(psutil.Error):
            for helper in there[:1]:
                helper.kill()
                killed += 1
        time.sleep(0.02)
    caller.communicate(timeout=PATIENCE)
    return killed, caller.returncode


def differing(whole: Kept, folder: Path, all_of_it: bool) -> list[str]:
    """Files that are not those of the uninterrupted sweep; those that are not there count when all of it should be."""
    found = kept(folder)
    names = whole.keys() | found.keys() if all_of_it else found.keys()
    return sorted(n for n in names if found.get(n) != whole.get(n))


def rounds(name: str, points: int, count: int, seed: int) -> Counter:
    """Counts over all rounds; "differ" are the files that are not those of the uninterrupted sweep."""
    rng, seen = np.random.default_rng(seed), Counter()
    with tempfile.TemporaryDirectory() as place:
        reference = Path(place, "whole")
        caller = start(name, reference, points)
        began = time.perf_counter()
        caller.communicate()
        assert caller.returncode == 0
        length, whole, opened = time.perf_counter() - began, kept(reference), open_sweep(reference)
        print(f"uninterrupted: {points} points of {name} in {length:.1f} s, {len(whole)} files")
        for n in range(count):
            folder = Path(place, f"round {n}")
            in_time, orphans, gone = kill_caller(name, folder, points, rng.uniform(0, length))
            done = len(list((folder / "points").glob("*.nc")))
            marks, drafts = left(folder, ".begun"), left(folder, ".tmp")
            torn = differing(whole, folder, all_of_it=False)
            killed, status = kill_helper(name, folder, points, rng.uniform(0, length * (1 - done / points)))
            given_up = len(list((folder / "points").glob("*.failed.json")))
            if given_up:
                last = start(name, folder, points)
                last.communicate(timeout=PATIENCE)
                status = status or last.returncode
            wrong = differing(whole, folder, all_of_it=True)
            same = not torn and not wrong and status == 0 and open_sweep(folder).identical(opened)
            seen.update(
                {
                    "rounds": 1,
                    "equal to the last bit": same,
                    "callers killed in the middle": in_time,
                    "points done when they were": done,
                    "marks of points under way then": marks,
                    "drafts left then": drafts,
                    "helpers that lost their caller": orphans,
                    "helpers killed in the second call": killed,
                    "points given up, and run by a third call": given_up,
                    "files that differ": len(set(torn + wrong)),
                    "marks left at the end": left(folder, ".begun"),
                }
            )
            print(
                f"round {n + 1}: caller killed with {done} of {points} points done, {marks} under way; its {orphans} "
                f"helpers gone after {gone:.1f} s; then {killed} helper killed, {given_up} points given up; "
                f"{'equal' if same else f'status {status}, torn {torn}, different {wrong}'}",
                flush=True,
            )
    return seen


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.kill_rounds", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--hogs", type=int, default=os.cpu_count(), help="processes that keep the machine busy")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--name", default=NAME, metavar="KEY.EXPERIMENT")
    parser.add_argument("--points", type=int, default=POINTS)
    chosen = parser.parse_args(arguments)
    with busy(chosen.hogs):
        seen = rounds(chosen.name, chosen.points, chosen.rounds, chosen.seed)
    for what, count in seen.items():
        print(f"{count:6d}  {what}")
    return int(seen["equal to the last bit"] != seen["rounds"] or seen["marks left at the end"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
