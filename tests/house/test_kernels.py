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
        done = subprocess.run(
            [sys.executable, "-W", "always", "-c", code],
            cwd=tmp_path,
            env={**os.environ, "NUMBA_CACHE_DIR": "", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", **environment},
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


def test_a_damaged_file_is_as_good_as_none(paper):
    paper(0)
    kept = [p for p in paper.folder.rglob("*") if p.suffix in (".nbi", ".nbc")]
    assert kept
    for path in kept:
        path.write_bytes(b"\x80\x04not a kernel")
    assert paper(0)[0] == ["2", "0"]
    assert paper(0)[0] == ["2", "1"], "and is mended"


def test_a_damaged_file_that_cannot_be_mended_is_as_good_as_none(paper):
    paper(0)
    for path in (p for p in paper.folder.rglob("*") if p.suffix in (".nbi", ".nbc")):
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


def test_where_nothing_can_be_kept_the_kernel_is_compiled(paper, tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    code = """
        from numba.core import caching
        def refuse(self): raise OSError("read-only file system")
        caching._CacheLocator.ensure_cache_path = refuse
        from toy.far import far
        print(far(1))
    """
    paper(0)
    out, said = paper.ask(textwrap.dedent(code), HOME=str(blocked))
    assert out == ["2"] and said.count("compiled kernels cannot be kept") == 1


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
