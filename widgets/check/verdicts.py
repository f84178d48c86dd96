"""Rules for a paper's claims: the verdict of each is the one it expects, and does not hang on its seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from labcore.claims import Claim, Evidence, Seeds

OFFSETS = (0, 404, 808)


def at_three_offsets(claim: Claim) -> Iterator[str]:
    """The claim measured with three sets of seeds."""
    entries = [with_evidence(claim).measure(Seeds(first)) for first in OFFSETS]
    for entry in entries:
        if entry.verdict in ("broken", "surprise"):
            yield (
                f"{entry.verdict} with seeds from {entry.seeds_from}: {entry.numbers} ({entry.criterion}); "
                f"it is expected that it {'holds' if claim.expected == 'holds' else 'is ' + claim.expected}"
            )
        elif entry.verdict == "fragile" != claim.expected:
            yield (
                f"fragile with seeds from {entry.seeds_from}: {entry.numbers} ({entry.criterion}); take more "
                "repetitions, ask a fairer question, or say expected='fragile'"
            )


def with_evidence(claim: Claim) -> Claim:
    """The claim, whose check raises TypeError where it returns anything but evidence."""

    def check(seeds: Seeds) -> Evidence:
        found = claim.check(seeds)
        if not isinstance(found, Evidence):
            said = f"{claim.name} returns {found!r}"
            raise TypeError(f"{said:.200}; it must return Evidence(mean(...) >= limit, size=...)")
        return found

    return replace(claim, check=check)
