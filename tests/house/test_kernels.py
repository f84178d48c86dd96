"""Compiled code is kept, and never older than what it was compiled from."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import labcore

ROOT = Path(labcore.__file__).parents[1]
NEAR = "from labcore.kernels import kernel\n\n@kernel\ndef near(x):\n    return x + {}\n"
FAR = """
from labcore.kernels import kernel
from .near import near

@kernel
def far(x):
    return 2 * near(x)
"""
UFUNC = """
from labcore.kernel_cache import kept_ufunc

@kept_ufunc("float64(float64)")
def half(x):
    return x / 2
"""
# a uid without a name, as a container gives it
NOBODY = """
import pwd

def getpwuid(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")

pwd.getpwuid = getpwuid
"""


@pytest.fixture
def paper(tmp_path):
    """`paper(n)` writes a paper whose kernel calls one of another file, which adds n; it says what comes of far(1)."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "far.py").write_text(FAR)

    def run(added, **environment):
        (folder / "near.py").write_text(NEAR.format(added))
        return ask("from toy.far import far; y = far(1); print(y, sum(far.stats.cache_hits.values()))", **environment)

    def ask(code, **environment):
        places = {"NUMBA_CACHE_DIR": "", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
        done = subprocess.run(
            [sys.executable, "-W", "always", "-c", code],
            cwd=tmp_path,
            env={name: value for name, value in {**os.environ, **places, **environment}.items() if value is not None},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split(), done.stderr

    run.folder, run.ask = folder, ask
    return run


def test_a_function_of_another_file_that_changes_is_compiled_in(paper):
    assert paper(0)[0] == ["2", "0"]
    assert paper(0)[0] == ["2", "1"], "compiled code is kept"
    assert paper(100)[0] == ["202", "0"], "and not when what it calls has changed"
    assert paper(100)[0] == ["202", "1"]


def kept(paper):
    found = sorted(p for p in paper.folder.rglob("*") if p.suffix in (".nbi", ".nbc"))
    assert {p.suffix for p in found} == {".nbi", ".nbc"}
    return found


def flipped(whole):
    middle = len(whole) // 2
    return whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]


DAMAGES = {
    "empty": lambda whole: b"",
    "cut": lambda whole: whole[: len(whole) // 2],
    "one bit": flipped,
    "no kernel": lambda whole: b"\x80\x04not a kernel",
}


@pytest.mark.parametrize(
    ("damage", "suffix"), [("empty", ".nbi"), ("no kernel", ".nbi"), ("cut", ".nbc"), ("one bit", ".nbc")]
)
def test_a_damaged_file_is_as_good_as_none(paper, damage, suffix):
    paper(0)
    for path in kept(paper):
        if path.suffix == suffix:
            path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert paper(0)[0] == ["2", "0"]
    assert paper(0)[0] == ["2", "1"], "and is mended"


def test_two_calls_that_got_one_name_are_told_apart(paper):
    """As when two processes compile at the same time."""
    both = "from toy.far import far; print(far(1), far(1.5))"
    paper(0)
    assert paper.ask(both)[0] == ["2", "3.0"]
    one, other = (p for p in kept(paper) if p.suffix == ".nbc" and p.name.startswith("far."))
    held = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(held)
    assert paper.ask(both)[0] == ["2", "3.0"]


def test_a_damaged_file_that_cannot_be_mended_is_as_good_as_none(paper):
    paper(0)
    for path in kept(paper):
        path.write_bytes(b"\x80\x04not a kernel")
    code = """
        from numba.core import caching
        def refuse(self, path): raise OSError(30, "read-only file system")
        caching.IndexDataCacheFile._open_for_write = refuse
        from toy.far import far
        print(far(1), far(1.0))
    """
    out, said = paper.ask(textwrap.dedent(code))
    assert out == ["2", "2.0"] and said.count("compiled kernels cannot be kept (read-only file system)") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on the size of files")
def test_a_full_disk_leaves_no_old_code_under_a_new_stamp(paper):
    """The index still fits, and the code does not."""
    code = """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        from toy.far import far
        print(far(1), far(1.0))
    """
    assert paper(0)[0] == ["2", "0"]
    (paper.folder / "near.py").write_text(NEAR.format(100))
    out, said = paper.ask(textwrap.dedent(code))
    assert out == ["202", "202.0"] and said.count("compiled kernels cannot be kept (File too large)") == 1
    assert paper(100)[0] == ["202", "0"]


@pytest.mark.parametrize("home", ["/dev/null", None])
@pytest.mark.skipif(sys.platform == "win32", reason="finds its folders otherwise")
def test_where_nothing_can_be_kept_the_kernel_is_compiled(paper, tmp_path, home):
    """`__pycache__` is a file, and so is the home and the folder of NUMBA_CACHE_DIR; or there is no home."""
    blocked = tmp_path / "file"
    blocked.touch()
    (paper.folder / "__pycache__").touch()
    environment = {"NUMBA_CACHE_DIR": str(blocked), "HOME": home, "XDG_CACHE_HOME": None}
    (tmp_path / "sitecustomize.py").write_text(NOBODY)
    (paper.folder / "near.py").write_text(NEAR.format(0))
    code = """
        from toy.far import far
        from toy.half import half
        print(far(1), far(1.0), half(3))
    """
    (paper.folder / "half.py").write_text(UFUNC)
    out, said = paper.ask(textwrap.dedent(code), **environment)
    assert out == ["2", "2.0", "1.5"]
    assert said.count("compiled kernels cannot be kept (no folder can be written)") == 1
    assert not (tmp_path / "~").exists()


def test_a_kernel_of_a_notebook_is_compiled_and_nothing_is_said(paper):
    code = """
        from labcore.kernels import kernel
        near = {}
        exec(compile("def near(x): return x + 1", "<a cell>", "exec"), near)
        print(kernel(near["near"])(1))
    """
    out, said = paper.ask(textwrap.dedent(code))
    assert out == ["2"] and "cannot be kept" not in said


def test_the_code_of_a_ufunc_is_kept_too(paper):
    (paper.folder / "half.py").write_text(UFUNC)
    code = """
        import numba.core.compiler as compiler
        compiled, first = [], compiler.compile_extra
        compiler.compile_extra = lambda *a, **k: (compiled.append(a), first(*a, **k))[1]
        from toy.half import half
        print(*half([3.0, 5.0]), len(half.types), len(compiled))
    """
    assert paper.ask(textwrap.dedent(code))[0] == ["1.5", "2.5", "1", "1"]
    assert paper.ask(textwrap.dedent(code))[0] == ["1.5", "2.5", "1", "0"]
    for path in kept(paper):
        path.write_bytes(b"")
    assert paper.ask(textwrap.dedent(code))[0] == ["1.5", "2.5", "1", "1"]


def test_signatures_compile_at_once_and_for_no_others(paper):
    code = """
        from numba import float64
        from labcore.kernels import kernel
        @kernel(signatures=(float64(float64),))
        def half(x): return x / 2
        print(half(3.0), len(half.signatures))
    """
    (paper.folder / "half.py").write_text(textwrap.dedent(code))
    assert paper.ask("import toy.half")[0] == ["1.5", "1"]


def test_a_debugger_sees_python(paper):
    paper(0)
    assert paper.ask("from toy.far import far; print(type(far).__name__)", NUMBA_DISABLE_JIT="1")[0] == ["function"]
