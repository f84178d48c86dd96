"""A shelf of `primitives` holds what two papers use, and nothing else; what one paper uses is in its own folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from labcore import catalog
from labcore.import_closure import closure

ROOT = Path(catalog.__file__).parent
SHELVES = ROOT / "primitives"
MODULES = [m for m in SHELVES.rglob("*.py") if m.name != "__init__.py"]
# Modules that one paper uses today, with the planned papers that will: {"spiking/lif": ("surrogate", ...)}
PLANNED: dict[str, tuple[str, ...]] = {}


def users(module: Path) -> set[str]:
    """Keys of the papers that import a module, themselves or through another shelf."""
    return {p.key for p in catalog.papers() if any(module in closure(file) for file in p.folder.glob("*.py"))}


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.relative_to(SHELVES).with_suffix("").as_posix())
def test_two_papers_use_each_module_of_a_shelf(module):
    name = module.relative_to(SHELVES).with_suffix("").as_posix()
    found = users(module)
    if name in PLANNED:
        planned = [catalog.paper(key) for key in PLANNED[name]]
        assert all(p.status == "planned" for p in planned), f"{name}: take the papers that are ready out of PLANNED"
        assert len(found) == 1 and planned, f"{name} has {len(found)} users; PLANNED is for modules with one"
    else:
        assert len(found) >= 2, f"{name} is used by {found or 'nobody'}: move it into that paper's folder"


def test_what_is_planned_is_there():
    assert {f"{SHELVES / name}.py" for name in PLANNED} <= {str(m) for m in MODULES}


def test_every_module_stands_on_a_shelf():
    assert MODULES and all(m.parent.parent == SHELVES for m in MODULES)
