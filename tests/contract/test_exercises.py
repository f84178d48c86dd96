"""One contract for every exercise: nonsense is never right and never a bare error."""

from __future__ import annotations

import pytest

from labcore import catalog
from widgets.check import folder

READY = [p.key for p in catalog.papers() if (p.folder / "exercises.py").exists()]


@pytest.mark.parametrize("key", READY)
def test_nonsense_is_never_right(key):
    assert not list(folder.exercises(key))
