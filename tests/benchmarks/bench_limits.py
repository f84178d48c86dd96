"""Every experiment at the limits of all its parameters together: memory, the first frame, and the whole run.

    python -m tests.benchmarks.bench_limits [WORD ...] [--seconds 15] [--first 60] [--json FILE]

Each runs in a process of its own with one thread, one after the other, for so many CPU seconds, and longer until it has
shown a frame. What is compiled is in the cache by then. CPU seconds say the same on a busy machine as on an idle one:

first   until the first frame
whole   of the whole run: measured where it ended, else from the `progress` of the last frame
MB      of memory at its height, over what the imports take; a run that was not seen to its end may need more later

Numbers are at the bound that costs most: the upper one, but for `LIMITS`, which also holds the choices that cost most
of those that change the cost. WORD: only experiments whose name holds it. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from labcore import catalog
from labcore.experiment import Experiment
from labcore.threads import ONE_THREAD
from tests.benchmarks.timing import ROOT

GOALS = {"first": 10.0, "whole": 300.0, "MB": 1000.0}
LIMITS: dict[str, dict[str, Any]] = {
    "neural_circuit_diagrams.diagram": {"arch": "residual_block", "direction": "backward"},
    "neural_circuit_diagrams.rewrite": {"law": "reorder"},
    "qnlp.sentence": {"subject": "Alice whom Bob loves"},
    "qnlp.training": {"optimizer": "adam-shift"},
    "boolean_threshold.search": {"task": "random_logic", "sigma": 1, "beta": 0.2},
    "boolean_threshold.against_gradient": {"rule": 30},
    "boolean_threshold.generate": {"images": "random", "inputs": "one-hot", "sigma": 1, "beta": 0.2},
    "masked_gate_modeling.alignment": {"labels": "four types"},
    "neural_lambda.learning": {"task": "normal form"},
    "double_descent.model_wise": {"error_rate": True},
    "double_descent.sample_wise": {"method": "gd"},
    "double_descent.two_layer": {"batch_size": 0},
    "kan_assessment.edge": {"refine": True},
    "kan_assessment.train": {"formula": "lorentz_force", "prune": True, "snap": True},
    "kan_assessment.forgetting": {"scales": True},
    "kan_assessment.fair_fight": {"tasks": "real", "follow": True},
    "af_kan.digits": {"act": "gelu", "combination": "cubic2"},
    "s_kan.select": {"task": "two waves"},
    "karat.digits": {"projection": "l1", "basis": "spline"},
    "quadratic.shapes": {"data": "spiral"},
    "multitasking_hebbian.retrieve": {"start": "random"},
    "neuro_modulated_hebbian.adapt": {"kind": "rotate", "batch": 10},
    "hebbian_projection.plane": {"rule": "soft"},
    "hebbian_projection.subspace": {"rule": "soft"},
    "electronic_synapse.hwtrain": {"refresh_every": 5},
    "dynamical_intelligence.buffer": {"f_theta": 4},
    "dynamical_intelligence.learn_order": {"f_theta": 4},
    "symmetric_stdp.train": {"alpha": 0, "inhibition": 0},
    "stdp_homeostasis.detect": {"mode": "one neuron each"},
}


def at_limits(experiment: Experiment) -> dict[str, Any]:
    """Its settings: all numbers but the seed at their upper bounds, and what `LIMITS` says instead."""
    high = {
        name: int(p.high) if p.kind == "int" else p.high
        for name, p in experiment.parameters.items()
        if p.kind in ("int", "float") and name != "seed"
    }
    return experiment.validate(**high | LIMITS.get(experiment.id, {}))


def _status(pid: int | str, field: str) -> float:
    """MB of a field of /proc/PID/status; 0 when the process has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def child(name: str, budget: str) -> None:
    """Run it here, and print a line when it begins, for each frame, and at the end."""
    experiment = catalog.load_experiment(name)
    values = at_limits(experiment) if budget == "full" else {}
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts again from here

    def say(what: str, **more: float) -> None:
        height = _status("self", "VmHWM")
        print(json.dumps({"what": what, "cpu": time.process_time() - began, "height": height, **more}), flush=True)

    began = time.process_time()
    say("begin", holds=_status("self", "VmRSS"))
    for frame in experiment.frames(budget, **values):
        say("frame", progress=float(frame.attrs["progress"]))
    say("end")


def measure(name: str, seconds: float = 15.0, until_first: float = 60.0, budget: str = "full") -> dict[str, Any]:
    """One experiment in a process of its own: its `GOALS`, None where nothing can be said, and how far it came."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_limits", "--child", name, "--budget", budget]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | ONE_THREAD, stdout=subprocess.PIPE, text=True)
    lines: list[dict[str, Any]] = []
    reader = threading.Thread(target=lambda: lines.extend(json.loads(x) for x in process.stdout if x.endswith("\n")))
    reader.start()
    height, began = 0.0, None
    while process.poll() is None:
        height = max(height, _status(process.pid, "VmHWM")) if lines else 0.0
        with contextlib.suppress(psutil.Error):
            cpu = sum(psutil.Process(process.pid).cpu_times()[:2])
            began = began or (cpu if lines else None)
            ran = cpu - began if began is not None else 0.0
            if ran > (seconds if len(lines) > 1 else until_first):
                process.kill()
        time.sleep(0.05)
    reader.join()
    if process.returncode > 0 or not lines:
        raise RuntimeError(f"{name} ended with exit code {process.returncode}")
    frames, ended = [x for x in lines if x["what"] == "frame"], lines[-1]["what"] == "end"
    whole = lines[-1]["cpu"] if ended else None
    if not ended and len(frames) > 1 and frames[-1]["progress"] > frames[0]["progress"]:
        first, last = frames[0], frames[-1]
        pace = (last["cpu"] - first["cpu"]) / (last["progress"] - first["progress"])
        whole = first["cpu"] + pace * (1 - first["progress"])
    return {
        "name": name,
        "first": frames[0]["cpu"] if frames else None,
        "whole": whole,
        "MB": max(height, *(x["height"] for x in lines)) - lines[0]["holds"],
        "frames": len(frames),
        "progress": frames[-1]["progress"] if frames else 0.0,
        "ended": ended,
    }


def failing(row: dict[str, Any]) -> list[str]:
    """The goals that it misses. A run without a frame misses the first."""
    return [goal for goal, most in GOALS.items() if (row[goal] or 0) > most or goal == "first" and row[goal] is None]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.bench_limits", description=__doc__.splitlines()[0]
    )
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--seconds", type=float, default=15.0, help="CPU seconds of each")
    parser.add_argument("--first", type=float, default=60.0, help="CPU seconds at most until the first frame")
    parser.add_argument("--json", type=Path, help="where the record goes, a line an experiment")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--budget", default="full", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.child:
        return child(chosen.child, chosen.budget)
    names = [f"{p.key}.{e}" for p in catalog.papers() for e in p.experiments]
    table = Table(title="at the limits of all parameters", title_justify="left")
    table.add_column("experiment", overflow="fold")
    for column in ("first, s", "whole, s", "MB", "frames", "seen"):
        table.add_column(column, justify="right")
    table.add_column("misses")
    console = Console(width=None if sys.stdout.isatty() else 120)
    for name in (n for n in names if not chosen.words or any(w in n for w in chosen.words)):
        measure(name, 120, 120, "quick")  # fills the cache of compiled code
        row = measure(name, chosen.seconds, chosen.first)
        seconds = ["-" if row[k] is None else f"{row[k]:.1f}" for k in ("first", "whole")]
        table.add_row(
            name, *seconds, f"{row['MB']:.0f}", str(row["frames"]), f"{row['progress']:.0%}", ", ".join(failing(row))
        )
        if chosen.json:
            with chosen.json.open("a", encoding="utf-8") as record:
                record.write(json.dumps(row) + "\n")
    console.print(table)


if __name__ == "__main__":
    main()
