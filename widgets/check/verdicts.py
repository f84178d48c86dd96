"""Rules for a paper's claims: the verdict of each is the one it expects, and does not hang on its seeds."""

from __future__ import annotations

from collections.abc import Iterator

from labcore.claims import Claim, Seeds

OFFSETS = (0, 404, 808)


def at_three_offsets(claim: Claim) -> Iterator[str]:
    """The claim measured with three sets of seeds."""
    entries = [claim.measure(Seeds(first)) for first in OFFSETS]
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
