"""Sweeps of functions: what the key of a point holds, what is refused, and where points run."""

import functools
import importlib
import os
import random
import subprocess
import sys
import threading
from dataclasses import dataclass
from enum import Enum

import numpy as np
import pytest
import torch
from numba import njit

import labcore
from labcore import catalog, live_code, new_paper
from labcore.experiment import ParameterError
from labcore.function_code import reached
from labcore.functions import experiment_of
from labcore.sweep_cargo import packed_of, unpacked
from labcore.sweeps import SweepError, open_sweep, sweep

CELL = """
import enum
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numba import njit

data = np.arange(4.0)
table = {"a": [1, 2], "b": {"x", "y", "z"}}
base = 2.0


class Kind(enum.Enum):
    LOW = 1


@dataclass
class Config:
    rate: float = 0.5
    kind: Kind = Kind.LOW


class Net:
    scale = 1.0

    def __init__(self, w):
        self.w = w

    @property
    def doubled(self):
        return 2 * self.w

    @staticmethod
    def shift(x):
        return x + 1

    def __call__(self, x):
        return self.shift(self.doubled @ x) * self.scale


@njit
def loop(n):
    total = 0.0
    for _ in range(n):
        total += base
    return total


@lru_cache
def helper(x):
    return base * x


def outer(k):
    def inner(x):
        return k * x

    return inner


net, config, tripled = Net(np.ones(4)), Config(), outer(3)
later = partial(helper, 2.0)


def model(lr=(0.0, 1.0), n=3, *, more=1.0):
    '''Words.'''
    values = [tripled(v) for v in data]
    return dict(y=lr * (net(data) + loop(n) + later() + sum(values) * more + config.rate + len(table)))
"""


def cell(text=CELL):
    """What a notebook holds after this cell was run."""
    held = {"__name__": "__main__"}
    exec(compile(text, "<cell>", "exec"), held)
    return held


def code(held):
    return reached(held["model"], "model").code


SAME = {
    "nothing": lambda text: text,
    "a comment": lambda text: text.replace("return base * x", "# words\n    return base * x"),
    "a docstring": lambda text: text.replace("'''Words.'''", "'''Other words.'''"),
    "lines": lambda text: "\n\n\n" + text.replace("class Net:", "\n\nclass Net:"),
    "what is not reached": lambda text: text + "\n\ndef another():\n    return 1\n\nmore = 3\n",
    "an order that says nothing": lambda text: text.replace('{"x", "y", "z"}', '{"z", "y", "x"}'),
}
OTHER = {
    "the function": ("len(table)", "len(table) + 1"),
    "a default": ("more=1.0", "more=2.0"),
    "a range": ("lr=(0.0, 1.0)", "lr=(0.0, 2.0)"),
    "an array": ("np.arange(4.0)", "np.arange(4.0) + 1"),
    "a type of numbers": ("np.arange(4.0)", "np.arange(4.0).astype(np.float32)"),
    "a table": ("[1, 2]", "[1, 3]"),
    "a set": ('"z"}', '"w"}'),
    "a global of a helper": ("base = 2.0", "base = 3.0"),
    "a helper": ("return base * x", "return base + x"),
    "a closure": ("outer(3)", "outer(4)"),
    "what a partial holds": ("partial(helper, 2.0)", "partial(helper, 3.0)"),
    "a compiled loop": ("total += base", "total -= base"),
    "the state of an object": ("Net(np.ones(4))", "Net(np.zeros(4))"),
    "a method": ("self.shift(self.doubled @ x)", "self.shift(self.doubled @ x) + 1"),
    "a property": ("2 * self.w", "4 * self.w"),
    "a static method": ("return x + 1", "return x + 2"),
    "an attribute of a class": ("scale = 1.0", "scale = 2.0"),
    "a field of a data class": ("rate: float = 0.5", "rate: float = 0.6"),
    "a member of an enumeration": ("LOW = 1", "LOW = 2"),
}


@pytest.mark.parametrize("change", SAME)
def test_what_computes_nothing_leaves_the_code_as_it_is(change):
    assert code(cell(SAME[change](CELL))) == code(cell())


@pytest.mark.parametrize("change", OTHER)
def test_all_that_a_function_computes_with_is_its_code(change):
    old, new = OTHER[change]
    assert CELL.count(old) >= 1
    assert code(cell(CELL.replace(old, new))) != code(cell())


def test_code_is_read_as_it_is_now():
    held = cell()
    before = code(held)
    held["net"].w[0] = 7
    assert code(held) != before
    held["net"].w[0] = 1
    assert code(held) == before
    held["Net"].__call__ = lambda self, x: 0.0
    assert code(held) != before


def test_the_code_is_the_same_in_another_process():
    script = f"import sys\nfrom labcore.function_code import reached\n{CELL}\nprint(reached(model, 'model').code)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=True)
    assert found.stdout.strip() == code(cell())


def test_functions_that_name_each_other_have_a_code():
    text = "def model(n=3):\n    return other(n - 1) if n else 0\n\ndef other(n):\n    return model(n)\n"
    assert code(cell(text)) == code(cell(text)) != code(cell(text.replace("return model(n)", "return model(n) + 1")))


def with_global(value):
    held = cell("def model(n=3):\n    return thing")
    held["thing"] = value
    return held["model"]


@dataclass
class Holder:
    inside: object


REFUSED = {
    "a generator of random numbers": (lambda: np.random.default_rng(0), "numpy.random._generator.Generator"),
    "the old one": (lambda: np.random.RandomState(0), "numpy.random.mtrand.RandomState"),
    "Python's": (lambda: random.Random(0), "random.Random"),
    "torch's": (lambda: torch.Generator(), "torch._C.Generator"),
    "a lock": (lambda: threading.Lock(), "_thread.lock"),
    "a lock in a list": (lambda: [threading.Lock()], "_thread.lock"),
    "a lock in an object": (lambda: Holder(threading.Lock()), "_thread.lock"),
    "a file": (lambda: sys.__stdin__, "_io.TextIOWrapper"),
    "a generator": (lambda: (i for i in range(3)), "generator"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_key_can_stand_for_is_refused_with_its_name(tmp_path, name):
    make, kind = REFUSED[name]
    with pytest.raises(SweepError, match=f"^model: the global 'thing' of model is or holds a {kind}, w"):
        sweep(with_global(make()), out=tmp_path / "out", n=[1, 2])
    assert not (tmp_path / "out").exists()


def test_a_closure_and_a_default_are_refused_with_their_names(tmp_path):
    lock = threading.Lock()

    def closed(n=3):
        return lock

    def helper(n, rng=np.random.default_rng(0)):  # noqa: B008
        return rng

    def indirect(n=3):
        return helper(n)

    with pytest.raises(SweepError, match="closed: 'lock', around closed, is or holds a _thread.lock"):
        sweep(closed, out=tmp_path)
    with pytest.raises(SweepError, match="indirect: the default of 'rng' of helper is or holds a numpy.random"):
        sweep(indirect, out=tmp_path)


def test_a_function_that_assigns_globals_is_refused(tmp_path):
    held = cell("count = 0\ndef model(n=3):\n    global count\n    count += 1\n    return count\n")
    with pytest.raises(SweepError, match="model: model assigns the global 'count'"):
        sweep(held["model"], out=tmp_path)


ALLOWED = {
    "a tensor": torch.arange(3.0),
    "a network": torch.nn.Linear(2, 3),
    "a number of numpy": np.float32(1),
    "a library's function": np.mean,
    "a library": np,
    "an enumeration": Enum("Kind", "A B"),
    "an experiment": experiment_of(lambda x=1.0: x),
    "a compiled function": njit(lambda x: x + 1),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_has_a_key_has_the_same_one_twice(name):
    assert code({"model": with_global(ALLOWED[name])}) == code({"model": with_global(ALLOWED[name])})


def test_a_network_with_other_weights_is_another(tmp_path):
    torch.manual_seed(0)
    first, second = (code({"model": with_global(torch.nn.Linear(2, 3))}) for _ in range(2))
    assert first != second


def test_code_of_labcore_counts_and_must_be_that_of_its_files(tmp_path, monkeypatch):
    held = cell("from labcore.primitives.splines import bspline\ndef model(n=3):\n    return bspline.basis\n")
    found = reached(held["model"], "model")
    assert found.house == ("labcore.primitives.splines.bspline",)
    name = next(n for n, v in vars(held["bspline"]).items() if getattr(v, "__module__", "") == held["bspline"].__name__)
    monkeypatch.setattr(held["bspline"], name, lambda *_: 0)
    with pytest.raises(SweepError, match=f"model uses labcore.primitives.splines.bspline.{name}, which is not what"):
        sweep(held["model"], out=tmp_path)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """`mine(text)` writes the module `mine_for_tests` of the user and imports it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(text):
        (tmp_path / "mine_for_tests.py").write_text(text)
        sys.modules.pop("mine_for_tests", None)
        importlib.invalidate_caches()
        return importlib.import_module("mine_for_tests")

    yield make
    sys.modules.pop("mine_for_tests", None)


def test_a_module_beside_the_notebook_counts_and_goes_along(tmp_path, mine):
    text = "import mine_for_tests as mine\ndef model(n=3):\n    return mine.helper(n)\n"
    mine("BASE = 2\ndef helper(n):\n    return BASE * n\n")
    held = cell(text)
    before = code(held)
    packed = packed_of(experiment_of(held["model"]))
    held["mine"].BASE = 5
    assert code(held) != before
    assert float(unpacked(packed).run(n=2).model) == 4 and float(labcore.run(held["model"], n=2).model) == 10
    mine("BASE = 2\ndef helper(n):\n    return BASE * n + 1\n")
    assert code(cell(text)) != before


# --- running ---


def test_a_sweep_of_a_function_is_what_single_runs_give(tmp_path):
    model = cell()["model"]
    found = labcore.sweep(model, out=tmp_path, lr=[0.1, 0.2], n=range(2))
    assert dict(found.sizes) == {"lr": 2, "n": 2} and (found.point_state == "done").all()
    for n in range(2):
        assert float(found.y.sel(lr=0.2, n=n)) == float(labcore.run(model, lr=0.2, n=n).y)
    assert found.attrs["experiment"] == "model" and open_sweep(tmp_path).identical(found)


def test_points_of_other_code_are_never_mixed_in(tmp_path):
    held = cell()
    first = sweep(held["model"], out=tmp_path, lr=[0.1, 0.2])
    told = []
    again = sweep(cell()["model"], out=tmp_path, lr=[0.1, 0.2], progress=lambda p: told.append(p.done))
    assert set(told) == {2} and again.identical(first), "the cell run again finds its points"
    held["base"] = 10.0
    held["helper"].cache_clear()
    other = sweep(held["model"], out=tmp_path, lr=[0.1, 0.2])
    assert other.code_version != first.code_version and not np.allclose(other.y, first.y)
    with pytest.raises(ValueError, match="holds different sweeps"):
        open_sweep(tmp_path)
    assert open_sweep(tmp_path, held["model"]).identical(other) and open_sweep(tmp_path, cell()["model"]).identical(
        first
    )
    with pytest.raises(ValueError, match="which = 'another'"):
        open_sweep(tmp_path, lambda_named("another"))


def lambda_named(name):
    return cell(f"def {name}():\n    return 0\n")[name]


def test_a_function_that_is_changed_half_way_leaves_the_sweep_as_it_began(tmp_path):
    held = cell("base = 1.0\ndef helper(x):\n    return base * x\ndef model(x=(0.0, 9.0)):\n    return helper(x)\n")
    stop = threading.Event()

    def change(parameters, frame):
        held["base"] = 100.0
        exec("def helper(x):\n    return -x\n", held)

    found = sweep(held["model"], out=tmp_path, x=[1, 2, 3], each=change)
    assert list(found.model) == [1, 2, 3]

    held = cell("def model(x=(0.0, 9.0)):\n    return x\n")
    part = sweep(held["model"], out=tmp_path / "stopped", x=[1, 2, 3], each=lambda *_: stop.set(), stop=stop)
    assert (part.point_state == "done").sum() == 1
    exec("def model(x=(0.0, 9.0)):\n    return -x\n", held)
    whole = sweep(held["model"], out=tmp_path / "stopped", x=[1, 2, 3])
    assert list(whole.model) == [-1, -2, -3]


def test_one_point_sees_nothing_of_another_and_the_notebook_nothing_of_either(tmp_path):
    held = cell(
        "seen = []\nclass Memory:\n    last = None\n"
        "def model(x=(0.0, 9.0)):\n    seen.append(x)\n    Memory.last = x\n    return len(seen)\n"
    )
    found = sweep(held["model"], out=tmp_path, x=[1, 2, 3])
    assert list(found.model) == [1, 1, 1] and held["seen"] == [] and held["Memory"].last is None
    held["Memory"].__doc__ = "still the notebook's own"
    assert unpacked(packed_of(experiment_of(held["model"]))).function.__globals__["Memory"] is not held["Memory"]


def test_a_compiled_function_goes_along_with_the_globals_of_now():
    held = cell(
        "from numba import njit\nbase = 2.0\n@njit\ndef loop(n):\n    return n * base\n"
        "def model(n=3):\n    return loop(n)\n"
    )
    assert float(labcore.run(held["model"], n=2).model) == 4
    held["base"] = 5.0
    assert float(unpacked(packed_of(experiment_of(held["model"]))).run(n=2).model) == 10


def test_annotations_that_are_texts_go_along():
    held = cell(
        "from __future__ import annotations\nfrom typing import Annotated\nfrom labcore.experiment import number\n"
        "def model(x: Annotated[float, number(0, 9, 'x')] = 1):\n    return x\n"
    )
    sent = unpacked(packed_of(experiment_of(held["model"])))
    assert sent.parameters["x"].high == 9 and float(sent.run(x=2).model) == 2


def test_an_error_at_a_point_is_that_points(tmp_path):
    def model(x=(0, 9)):
        if x == 2:
            raise ValueError("two is too much")
        return x

    found = sweep(model, out=tmp_path, x=[1, 2, 3])
    assert list(found.point_state.values) == ["done", "failed", "done"]
    line = model.__code__.co_firstlineno + 2
    assert f"ValueError: two is too much (line {line} of " in str(found.point_error.values[1])


def test_a_point_that_leaves_the_program_has_failed(tmp_path):
    def model(x=(0, 9)):
        if x == 2:
            raise SystemExit("two is too much")
        return x

    found = sweep(model, out=tmp_path, x=[1, 2, 3])
    assert list(found.point_state.values) == ["done", "failed", "done"]
    assert "SystemExit: two is too much" in str(found.point_error.values[1])


def test_a_point_that_never_ends_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("labcore.functions.MOST_FRAMES", 20)

    def model(x=(0, 9)):
        while True:
            yield np.zeros(x)

    found = sweep(model, out=tmp_path, x=[1])
    assert "model had not ended after 20 frames" in str(found.point_error.values[0])


def test_bad_values_are_refused_with_the_name_of_the_parameter(tmp_path):
    model = cell()["model"]
    with pytest.raises(ParameterError, match="model: lr = 2 is not allowed"):
        sweep(model, out=tmp_path, lr=[0.5, 2])


def test_helper_processes_get_the_function(tmp_path, monkeypatch):
    """What a helper is sent, and answers."""
    from labcore import sweeps
    from labcore.sweep_local import Helpers

    monkeypatch.setenv("LABCORE_HELPERS", "1")
    model = cell()["model"]
    helpers = Helpers("labcore.sweep_cargo")
    try:
        assert helpers.have_one()
        work = functools.partial(sweeps._run_point, "model", packed_of(experiment_of(model)), "abc")
        version, (frame, _) = helpers.submit(work, {"lr": 0.5, "n": 2, "more": 1.0}).result(60)
    finally:
        helpers.close()
    assert version == "abc" and float(frame.y) == float(labcore.run(model, lr=0.5, n=2).y)


def test_workers_of_a_cluster_get_the_function_and_your_modules_with_the_task(tmp_path, mine):
    from distributed import Client, LocalCluster

    mine("BASE = 2\ndef helper(n):\n    return BASE * n\n")
    held = cell(
        CELL
        + "\nimport mine_for_tests as mine\ndef swept(n=(0, 9)):\n    return mine.helper(n) + model(0.5).get('y')\n"
    )
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with LocalCluster(**options) as cluster, Client(cluster, set_as_default=False) as desk:
        desk.run(forget, str(tmp_path))
        found = sweep(held["swept"], out=tmp_path / "out", cluster=desk, n=[1, 2])
    assert (found.point_state == "done").all(), found.point_error.values
    assert [float(v) for v in found.swept] == [float(labcore.run(held["swept"], n=n).swept) for n in (1, 2)]


def forget(folder):
    sys.path[:] = [p for p in sys.path if not p.startswith(folder)]
    os.environ.pop("LABCORE_PAPERS", None)


def test_workers_with_another_labcore_are_named(tmp_path, monkeypatch):
    from labcore import sweep_cluster

    class Desk:
        def run(self, function, *asked, on_error):
            return {"tcp://a": function(*asked), "tcp://b": "none (ModuleNotFoundError: No module named labcore)"}

    with pytest.raises(SweepError, match=r"for model version \d.\d+ \w+: tcp://b has none") as refused:
        sweep_cluster.check_carried("model", (), Desk())
    assert "tcp://a" not in str(refused.value)


# --- papers in folders of yours ---


@pytest.fixture
def my_quadratic(tmp_path, monkeypatch):
    """A copy of a paper in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABCORE_PAPERS", raising=False)
    before = set(sys.modules)
    new_paper.new("my_quadratic", "quadratic")
    yield tmp_path / "my_quadratic"
    for name in set(sys.modules) - before:
        if name.startswith("my_quadratic"):
            del sys.modules[name]


@pytest.fixture(params=["beside", "LABCORE_PAPERS", "package"])
def guest(request, tmp_path, monkeypatch):
    """The key of a copy of a paper with compiled kernels, which a folder or an installed package brings."""
    monkeypatch.delenv("LABCORE_PAPERS", raising=False)
    before, folder = set(sys.modules), tmp_path / "site-packages" / "their_lab" / "papers"
    folder = folder if request.param == "package" else tmp_path / "papers"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    new_paper.new("my_parallel", "multitasking_hebbian")
    if request.param == "LABCORE_PAPERS":
        monkeypatch.setenv("LABCORE_PAPERS", str(folder))
    if request.param == "package":
        site = folder.parents[1]
        for place in (folder, folder.parent):
            (place / "__init__.py").touch()
        facts = site / "their_lab-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: their-lab\nVersion: 1.0\n", "utf-8")
        (facts / "entry_points.txt").write_text("[labcore.papers]\npapers = their_lab.papers\n", "utf-8")
        monkeypatch.syspath_prepend(str(site))
    if request.param != "beside":
        monkeypatch.chdir(tmp_path)
    catalog.outside._brought.cache_clear()
    yield "my_parallel"
    catalog.outside._brought.cache_clear()
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("my_parallel", "their_lab"):
            del sys.modules[name]


def test_a_guest_is_swept_here_and_on_a_cluster_that_has_never_heard_of_it(guest, tmp_path):
    from distributed import Client, LocalCluster

    name = f"{guest}.retrieve"
    assert live_code.changed(catalog.load_experiment(name).__module__) is None
    grid = {"budget": "quick", "seed": [0, 1]}
    here = sweep(name, out=tmp_path / "here", **grid)
    assert (here.point_state == "done").all(), here.point_error.values
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with LocalCluster(**options) as cluster, Client(cluster, set_as_default=False) as desk:
        desk.run(forget, str(tmp_path))
        desk.run(os.chdir, "/")
        there = sweep(name, out=tmp_path / "there", cluster=desk, **grid)
    assert there.identical(here), there.point_error.values


def test_a_paper_in_a_folder_that_was_changed_in_memory_is_refused(my_quadratic, tmp_path, monkeypatch):
    name = f"my_quadratic.{catalog.paper('my_quadratic').experiments[0]}"
    mechanism = catalog.load_part("my_quadratic", "mechanism")
    changed = next(n for n, v in vars(mechanism).items() if getattr(v, "__module__", "") == mechanism.__name__)
    monkeypatch.setattr(mechanism, changed, lambda *_: 0)
    with pytest.raises(SweepError, match=rf"my_quadratic\.(mechanism\.)?{changed} is not what its file says"):
        sweep(name, out=tmp_path / "runs", budget="quick", seed=[0])
