"""Which process runs which tests, for pytest-xdist."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from tests.costs import papers_of


def group_of(nodeid: str) -> str:
    """The paper that a test is about, the first where a lesson has several; a test of the house is its own group."""
    return next(iter(papers_of(nodeid)), nodeid)


class OneProcessAPaper(LoadScopeScheduling):
    """One process makes a paper's imports, compiled kernels and quick frames. Groups of many tests go first.

    The mark `xdist_group` would do, but pytest 9.2 does not let pytest-xdist 3.8 see it (pytest-xdist, issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)

    def remove_node(self, node: WorkerController) -> str | None:
        """A test that ended its process, as a timeout does, has failed; run again it would end the next one too."""
        work = self.assigned_work[node]
        left = [(group, nodeid) for group, unit in work.items() for nodeid, done in unit.items() if not done]
        if not left:
            return super().remove_node(node)
        group, nodeid = left[0]
        work[group][nodeid] = True
        for finished in [g for g, unit in work.items() if all(unit.values())]:
            del work[finished]
        super().remove_node(node)
        return nodeid
