"""One detector and all the inputs that it accepts, and detectors taught one pattern after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import xarray as xr

from labcore.data import digits_split
from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.words import plain

from .line_patterns import draw, edits, random_sets
from .mechanism import DT, START, accepts, fires, learned, respond

Mode = Literal["one neuron each", "shared"]
Data = Literal["random", "digits"]

N = 64  # input lines


LAMPS = Frame(
    line=axis("lamp"),
    stage=axis("stage of learning", values=("before", "after STDP", "after homeostasis")),
    time=axis("time", "ms"),
    missing=axis("lamps of the pattern that are off"),
    strangers=axis("other lamps that are on"),
    state=var("line", "lamp: off, on, missing, stranger"),
    w=var("stage line", "weight"),
    potential=var("time", "potential, of S"),
    accepted=var("missing strangers", "detected"),
    limit=var("strangers", "missing lamps allowed by the rule"),
)


@experiment(frame=LAMPS)
def detector(
    off: Annotated[int, number(0, 32, "Lamps of the learned pattern that are off", "input", label="lamps off")] = 0,
    extra: Annotated[int, number(0, 60, "Other lamps that are on", "input", label="strangers on")] = 0,
    h: Annotated[
        float,
        number(
            0.5, 1, "Threshold, as a share of what the pattern delivers", "detector", label="threshold h", main=True
        ),
    ] = 1.0,
    kappa: Annotated[
        float, number(0, 1, "How much each spike also inhibits", "detector", label="inhibition κ", main=True)
    ] = 0.5,
    jitter: Annotated[
        float,
        number(
            0, 20, "Spread of the arrival of spikes: 0 is all at once", "input", "ms", label="arrival spread", main=True
        ),
    ] = 0.0,
    active: Annotated[int, number(4, 32, "Lamps of the pattern, of 64", "detector", label="pattern lamps a")] = 16,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One detector, taught one pattern once, and one input to it. `off` and `extra` end where there are no more lamps.

    `state`: 0 off, 1 on and in the pattern, 2 of the pattern but off, 3 on and a stranger. `accepted` is the membrane's
    answer to synchronous inputs, simulated; `limit` the most that may be missing, by the rule. One frame.
    """
    rng = np.random.default_rng(seed)
    pattern = draw(1, N, active, 0.0, rng)
    inside, outside = rng.permutation(np.flatnonzero(pattern[0])), rng.permutation(np.flatnonzero(~pattern[0]))
    off, extra = min(off, active), min(extra, N - active)
    raw, w, inhibition = learned(pattern, kappa)
    shown = pattern.copy()
    shown[0, inside[:off]], shown[0, outside[:extra]] = False, True
    # at a spread of 0 every spike arrives at once; a larger spread keeps the order of arrivals
    arrive = 5 + np.rint(rng.random(N) * jitter / DT).astype(np.int64)
    spikes, potential = respond(w[:, None], np.array([inhibition]), h, shown, arrive, 50)
    missing, strangers = np.arange(active + 1), np.arange(N - active + 1)
    probes = np.zeros((active + 1, N - active + 1, N), np.bool_)
    probes[:, :, inside] = np.arange(active) >= missing[:, None, None]
    probes[:, :, outside] = np.arange(N - active) < strangers[:, None]
    accepted = fires(w[:, None], np.array([inhibition]), h, probes.reshape(-1, N)).reshape(probes.shape[:2])
    drive, peak = (active - off - kappa * extra) / active, potential.max()
    state = pattern[0] * (1 + ~shown[0]) + 3 * (shown[0] & ~pattern[0])
    plural, answer = "s" if extra != 1 else "", "Detected" if spikes[0, 0] else "Not detected"
    late = f" Spread over {jitter:g} ms, they lift it to {peak:.3f}." if jitter else ""
    yield LAMPS(
        dict(
            time=np.arange(50) * DT,
            state=state,
            w=np.stack([np.full(N, START), raw, w]),
            potential=potential[:, 0],
            accepted=accepted.astype(np.int8),
            limit=active * (1 - h) - kappa * strangers,
        ),
        f"With {off} of {active} lamps off and {extra} other{plural} on, the input delivers "
        f"{plain(drive, '.3f')} of what the pattern does; {h:.3f} is needed.{late} {answer}.",
        at=[off, extra],
        threshold=h,
        detected=int(spikes[0, 0] > 0),
    )


TAUGHT = Frame(
    taught=axis("patterns taught", start=1),
    neuron=axis("detector", start=1),
    line=axis("input line"),
    pattern=axis("pattern", start=1),
    tpr=var("taught", "acceptance of what should be accepted"),
    fpr=var("taught", "acceptance of what should not be"),
    accuracy=var("taught", "balanced accuracy"),
    own=var("taught", "patterns that only their own detector answers"),
    wrong=var("taught", "answers against the rule"),
    w=var("neuron line", "weight, of S"),
    confusion=var("neuron pattern", "spikes"),
)


@experiment(quick=dict(probes=300), frame=TAUGHT)
def detect(
    n_patterns: Annotated[
        int, number(1, 20, "Patterns, each taught once", "patterns", label="patterns taught", main=True)
    ] = 8,
    mode: Annotated[
        Mode, choice("A detector for each pattern, or one for all", "detector", label="detectors", main=True)
    ] = "shared",
    similarity: Annotated[
        float,
        number(
            0,
            1,
            "Share of a pattern's lines that all of them have",
            "patterns",
            label="lines in common",
            main=True,
            data=["random"],
        ),
    ] = 0.0,
    h: Annotated[
        float, number(0.5, 1, "Threshold, as a share of what a pattern delivers", "detector", label="threshold h")
    ] = 1.0,
    kappa: Annotated[float, number(0, 1, "How much each spike also inhibits", "detector", label="inhibition κ")] = 0.5,
    forget: Annotated[
        float, number(0, 2, "Weakening of other lines, over strengthening: A-/A+", "detector", label="weakening")
    ] = 1.0,
    active: Annotated[
        int, number(4, 32, "Lines of a pattern, of 64", "patterns", label="pattern lines a", data=["random"])
    ] = 16,
    data: Annotated[
        Data, choice("Random patterns, or pixels of handwritten digits above half", "patterns", label="kind of pattern")
    ] = "random",
    probes: Annotated[int, number(100, 5000, "Random inputs to test", "test", label="test inputs")] = 2000,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Detectors taught one pattern after the other, one a frame, and tested without a teacher after each.

    The inputs are the patterns taught so far, all their one-line edits and random sets of the same size. Each detector
    should accept what the rule accepts around its own patterns: tpr and fpr are rates of acceptance of inputs that it
    should and should not accept, balanced accuracy is the mean of tpr and 1 - fpr, or tpr where there is nothing to
    reject. `own` is the share of the taught
    patterns that make their detector spike and no other, `confusion` says who spikes.
    """
    rng = np.random.default_rng([seed, 0])
    if data == "digits":
        patterns = digits_split(n_patterns, 1, [seed, 1]).x_train > 0.5
    else:
        patterns = draw(n_patterns, N, active, similarity, rng)
    sizes = patterns.sum(1)
    strangers = np.concatenate([random_sets(-(-probes // n_patterns), N, size, rng) for size in sizes])[:probes]
    inputs, log = np.concatenate([patterns, *map(edits, patterns), strangers]), []
    for p in range(1, n_patterns + 1):
        groups = [patterns[:p]] if mode == "shared" else [patterns[i : i + 1] for i in range(p)]
        _, weights, brakes = zip(*(learned(group, kappa, forget) for group in groups), strict=True)
        w, inhibition = np.stack(weights, 1), np.array(brakes)
        taken = np.r_[np.arange(p), n_patterns : n_patterns + p * N, n_patterns * (1 + N) : len(inputs)]
        spoke = fires(w, inhibition, h, inputs[taken])
        want = np.stack([np.any([accepts(q, inputs[taken], h, kappa) for q in group], 0) for group in groups], 1)
        tpr, fpr = spoke[want].mean(), spoke[~want].mean() if (~want).any() else 0.0
        balanced = (tpr + 1 - fpr) / 2 if (~want).any() else tpr
        ideal = np.eye(p, dtype=np.bool_) if mode != "shared" else np.ones((p, 1), np.bool_)
        own = (spoke[:p] == ideal).all(1).mean()
        log.append([tpr, fpr, balanced, own, (spoke != want).sum()])
        course = np.array(log).T
        rejected = f"of the others {fpr:.2%}" if (~want).any() else "and there are no others to reject"
        each = "One neuron for all" if mode == "shared" else "One neuron each"
        yield TAUGHT(
            dict(
                tpr=course[0],
                fpr=course[1],
                accuracy=course[2],
                own=course[3],
                wrong=course[4].astype(np.int64),
                w=w.T,
                confusion=spoke[:p].T.astype(np.int8),
            ),
            f"{each}, {p} {'pattern' if p == 1 else 'patterns'} taught, {len(taken)} inputs: balanced accuracy "
            f"{balanced:.3f}. Of the inputs to accept {tpr:.1%} are accepted, {rejected}; {own:.0%} of the patterns "
            f"make exactly the detector spike that they should.",
            p / n_patterns,
            patterns=n_patterns,
        )
