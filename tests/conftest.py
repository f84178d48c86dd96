"""What all tests share: one process a paper, nightly tests apart, and a table of costs."""

from __future__ import annotations

import pytest

from tests.costs import Costs
from tests.scheduling import OneProcessAPaper, group_of


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Costs(config), "labcore-costs")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    return OneProcessAPaper(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "nightly" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("nightly")])
        items[:] = [item for item in items if not item.get_closest_marker("nightly")]
    # also without xdist the tests of a paper run one after another: tests/frames.py keeps the frames of one
    groups = [group_of(item.nodeid) for item in items]
    first = {group: number for number, group in reversed(list(enumerate(groups)))}
    items[:] = [items[n] for n in sorted(range(len(items)), key=lambda n: first[groups[n]])]
