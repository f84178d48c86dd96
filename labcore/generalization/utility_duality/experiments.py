"""A tug of war over utilities, rivals averaged into a gradient, digits learned from rivals, and sentences decided."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import xarray as xr

from labcore.data import digits_split
from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.words import plain

from .decisions import Reading, agreement, fitted, gibbs, least_risk, read
from .digit_choices import train
from .rivals import learn, rival_gradient, softmax

OPTIONS = ("A", "B", "C", "D", "E", "F")
RULES = ("best option", "sampling", "least risk")
ARMS = (0, 1, 4, 16)  # rivals a step; 0 is all options at once
NAMES = ("all options", "1 rival", "4 rivals", "16 rivals")
WORDS = 20
SAMPLES = 32  # of which the least risky is taken
TAUS = np.round(np.geomspace(0.1, 2.0, 14), 3)

Rivals = Annotated[
    int, number(1, 64, "Options that the learner draws from itself, a step", scale="log", label="rivals R", main=True)
]

TUG = Frame(
    option=axis("option", values=OPTIONS),
    step=axis("demonstration"),
    utility=var("option", "utility"),
    moved=var("option", "what the last demonstration did to it"),
    exact=var("option", "utility by maximum likelihood"),
    chosen=var("option", "share in which the learner would choose it"),
    shown=var("option", "share in which it is shown"),
    apart=var("step", "distance of both shares"),
    apart_exact=var("step", "the same by maximum likelihood"),
)


@experiment(quick=dict(steps=300), frame=TUG)
def tug(
    rivals: Rivals = 1,
    lr: Annotated[float, number(0.005, 1, "How far a step goes", scale="log", label="step size η", main=True)] = 0.1,
    contrast: Annotated[
        float, number(0, 2, "0: all options are shown alike; 2: mostly A", label="contrast of options", main=True)
    ] = 0.5,
    steps: Annotated[int, number(20, 20_000, "Demonstrations", scale="log", label="demonstrations")] = 2000,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Six options, one demonstration a step: the shown one goes up, rivals that the learner would choose go down.

    Frames arrive often at first. `apart` is half the sum of differences of the shares; beside it is a learner that sees
    the same demonstrations and lowers all options by their probabilities.
    """
    rng, k = np.random.default_rng(seed), len(OPTIONS)
    shown = np.exp(-contrast * np.arange(k))
    shown /= shown.sum()
    seen, luck = rng.choice(k, steps, p=shown), rng.random((steps, rivals))
    asked = np.zeros(steps, int)
    u, v = np.zeros((1, k)), np.zeros((1, k))
    at = sorted({*range(1, min(steps, 20) + 1), *np.geomspace(1, steps, 60).astype(int)})
    apart: list[tuple[float, float]] = [(0.5 * np.abs(1 / k - shown).sum(),) * 2]
    done = 0
    for t in at:
        for first, last in ((done, t - 1), (t - 1, t)):  # the last step alone, to see what it does
            before = u.copy()
            learn(u, asked[first:last], seen[first:last], luck[first:last], lr, False) if last > first else None
            learn(v, asked[first:last], seen[first:last], luck[first:last], lr, True) if last > first else None
        done = t
        chosen = softmax(u)[0]
        apart.append(tuple(float(0.5 * np.abs(softmax(w)[0] - shown).sum()) for w in (u, v)))
        favourite = OPTIONS[int(u[0].argmax())]
        yield TUG(
            dict(
                step=np.array([0, *(s for s in at if s <= t)]),
                utility=u[0] - u[0].mean(),
                moved=(u - before)[0],
                exact=v[0] - v[0].mean(),
                chosen=chosen,
                shown=shown,
                apart=np.array([a for a, _ in apart]),
                apart_exact=np.array([b for _, b in apart]),
            ),
            f"After {t} demonstrations {favourite} stands highest. The learner would choose A in {chosen[0]:.0%}, it "
            f"is shown in {shown[0]:.0%}; all shares together differ by {apart[-1][0]:.1%}.",
            t / steps,
        )


AVERAGE = Frame(
    draws=axis("rivals averaged, for each digit"),
    coordinate=axis("weight"),
    cosine=var("draws", "cosine with the gradient of the likelihood"),
    exact=var("coordinate", "gradient of the log-likelihood"),
    average=var("coordinate", "mean step against rivals"),
    off=var("coordinate", "difference, in standard errors"),
    enumerated=var("", "largest difference when each rival counts by its probability"),
)


@experiment(quick=dict(draws=1000), frame=AVERAGE)
def average(
    draws: Annotated[int, number(1, 100_000, "Rivals for each digit", scale="log", label="rivals averaged")] = 20_000,
    confidence: Annotated[float, number(0, 3, "Size of the first utilities", label="first confidence")] = 1.0,
    batch: Annotated[int, number(2, 256, "Digits", "data", label="digits in a batch")] = 8,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Steps of a linear classifier of digits against more and more rivals, beside the gradient of the likelihood.

    A frame each time the rivals are doubled. `enumerated` takes each of the ten options as the rival, one by one.
    """
    split, rng = digits_split(batch, 1, seed), np.random.default_rng([seed, 1])
    x, y = split.x_train, split.y_train.argmax(1)
    u = x @ rng.normal(size=(64, 10)) * confidence / 2
    p, onehot = softmax(u), np.eye(10)
    exact = x.T @ rival_gradient(u, y, 0, rng) / batch
    listed = sum(x.T @ (p[:, [r]] * (onehot[y] - onehot[r])) for r in range(10)) / batch
    spread = np.sqrt((x**2).T @ (p * (1 - p))) / batch  # of one rival a digit
    counts, total = np.zeros_like(p), 0
    sizes = sorted({*(2 ** np.arange(draws.bit_length())).tolist(), draws})
    cosines = []
    for size in sizes:
        counts += rng.multinomial(size - total, p)
        total = size
        mean = x.T @ (onehot[y] - counts / total) / batch
        cosines.append(float((mean * exact).sum() / np.linalg.norm(mean) / np.linalg.norm(exact)))
        error = spread / np.sqrt(total)
        inked = error > 0  # pixels that are never inked move nothing
        off = np.divide(mean - exact, error, out=np.zeros_like(mean), where=inked)
        enumerated = float(np.abs(listed - exact).max())
        yield AVERAGE(
            dict(
                draws=np.array(sizes[: len(cosines)]),
                cosine=np.array(cosines),
                exact=exact[inked],
                average=mean[inked],
                off=off[inked],
                enumerated=enumerated,
            ),
            f"The mean of {total} rival{'' if total == 1 else 's'} a digit has cosine {cosines[-1]:.4f} with the "
            f"gradient of the likelihood; its weights are off by {np.sqrt((off[inked] ** 2).mean()):.1f} standard "
            f"errors. Over all ten options, each counted by its probability, they differ by "
            f"{max(enumerated, 1e-18):.0e}, which is rounding.",
            len(cosines) / len(sizes),
        )


DIGITS = Frame(
    arm=axis("what a step lowers", values=NAMES),
    step=axis("batch of 32 digits"),
    test=var("arm step", "accuracy on new digits"),
    cosine=var("arm step", "cosine of the step and the exact one"),
)


@experiment(quick=dict(steps=100, n_train=300), frame=DIGITS)
def digits(
    lr: Annotated[float, number(0.01, 2, "Step size", scale="log", label="step size η", main=True)] = 0.3,
    steps: Annotated[int, number(20, 2000, "Batches of 32 digits", label="batches", main=True)] = 600,
    n_train: Annotated[int, number(100, 1000, "Training digits", label="training digits n", main=True)] = 1000,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The same network and batches four times: a step lowers all options by their probabilities, or some rivals.

    A frame for each network as it comes; the others are drawn where they begin.
    """
    split = digits_split(n_train, 797, seed)
    at = np.unique(np.linspace(0, steps, 41).astype(int))
    test, cosine = [], []
    for k, arm in enumerate(ARMS):
        course = train(split, arm, lr, at, seed)
        test.append(course.test)
        cosine.append(course.cosine)
        last = ", ".join(f"{name} {plain(t[-1], '.1%')}" for name, t in zip(NAMES, test))
        yield DIGITS(
            dict(arm=np.array(NAMES[: k + 1]), step=at, test=np.array(test), cosine=np.array(cosine)),
            f"New digits read right after {steps} batches: {last}.",
            (k + 1) / len(ARMS),
        )


SENTENCES = Frame(
    rule=axis("how an answer is chosen", values=RULES),
    tau=axis("temperature τ"),
    word=axis("word, best first", start=1),
    whole=var("rule tau", "sentences right in all words"),
    token=var("rule tau", "words right"),
    chance=var("word", "probability of a word at your τ"),
    utility=var("word", "utility of a word"),
    ranked=var("", "share of words whose best answer is the right one"),
    tau_likelihood=var("", "temperature that makes held-out sentences likeliest"),
    tau_sampling=var("", "temperature at which sampled sentences are most often the held-out ones"),
)


@experiment(quick=dict(n_demo=100, n_test=100), frame=SENTENCES)
def sentences(
    tau: Annotated[float, number(0.1, 2, "Utilities are divided by it", scale="log", label="temperature τ")] = 1.0,
    error: Annotated[float, number(0, 0.4, "Share of wrong words in demonstrations", label="wrong words e")] = 0.15,
    length: Annotated[int, number(2, 24, "Words of a sentence", label="sentence length L")] = 12,
    reading: Annotated[
        Reading,
        choice(
            "as learned; doubled: all utilities times two; squashed: large differences made small; "
            "ranks: first, second, third; the order of options stays",
            label="utilities read",
        ),
    ] = "as learned",
    n_demo: Annotated[int, number(50, 2000, "Sentences shown", "data", scale="log", label="demonstrations n")] = 400,
    rivals: Annotated[int, number(1, 16, "Rivals a step", "data", label="rivals R")] = 1,
    n_test: Annotated[int, number(50, 500, "Sentences asked for", "data", label="test sentences")] = 200,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A table of utilities learns to translate word by word from faulty sentences; three rules choose its answers.

    One frame. Sampling is measured by its probability of the right sentence, in closed form; least risk takes, of 32
    samples, the one that the others contradict in the fewest words. Both temperatures are chosen on held-out
    sentences with faults of their own.
    """
    rng = np.random.default_rng(seed)
    right = rng.permutation(WORDS)

    def shown(n: int, faults: float) -> tuple[np.ndarray, np.ndarray]:
        asked = rng.integers(0, WORDS, (n, length))
        shift = rng.integers(1, WORDS, asked.shape) * (rng.random(asked.shape) < faults)
        return asked, (right[asked] + shift) % WORDS

    asked, said = shown(n_demo, error)
    u, rounds = np.zeros((WORDS, WORDS)), 10
    order = np.concatenate([rng.permutation(asked.size) for _ in range(rounds)])
    for step in (0.1, 0.02):  # the second time smaller steps, so that single rivals no longer shake the utilities
        luck = rng.random((len(order), rivals))
        learn(u, asked.ravel()[order], said.ravel()[order], luck, step, False)
    u = read(u, reading)
    held, test = shown(200, error), shown(n_test, 0.0)
    luck = rng.random((n_test, SAMPLES, length))
    best = u.argmax(1)[test[0]] == test[1]
    whole, token = np.empty((3, len(TAUS))), np.empty((3, len(TAUS)))
    whole[0], token[0] = best.all(1).mean(), best.mean()
    for k, t in enumerate(TAUS):
        p = gibbs(u, float(t))
        whole[1, k], token[1, k] = agreement(p, *test).mean(), p[test].mean()
        hit = least_risk(p, test[0], luck) == test[1]
        whole[2, k], token[2, k] = hit.all(1).mean(), hit.mean()
    p = gibbs(u, tau)
    sampled, word = agreement(p, *test).mean(), p[test].mean()
    order = np.argsort(-u[0], kind="stable")
    yield SENTENCES(
        dict(
            tau=TAUS,
            whole=whole,
            token=token,
            chance=p[0][order],
            utility=u[0][order] - u[0].mean(),
            ranked=float((u.argmax(1) == right).mean()),
            tau_likelihood=fitted(u, *held, TAUS, "likelihood"),
            tau_sampling=fitted(u, *held, TAUS, "sampling"),
        ),
        f"At τ = {tau:g} a sampled word is right in {word:.0%} and a sampled sentence in {sampled:.0%}. The best "
        f"option of each word is right in {whole[0, 0]:.0%} of sentences, at any τ.",
        1.0,
    )
