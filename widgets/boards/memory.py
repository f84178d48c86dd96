"""An associative memory under the hand: paint patterns, store them with one Hebbian step, corrupt a cue, watch it fall.

    from widgets import memory_board
    memory_board(dilution=0.5)
    memory_board(pictures=["cat.png", "dog.png"])       # yours, from files or arrays

The network is a real one, updated neuron by neuron in this kernel; the page paints and draws.
"""

from __future__ import annotations

import threading
from html import escape
from pathlib import Path
from typing import Any, Literal

import anywidget
import numpy as np
import traitlets

from widgets.benches.front_end import is_static

SIDE, COUNT = 12, 3
NEURONS = SIDE * SIDE
SWEEPS = 12  # how long Run runs
TICK = 12  # updates a picture
HISTORY = 800

# drawn at half the size; chosen for small overlaps with one another, as random patterns have
_DRAWN = {
    "letters": (
        "##..../##..../##..../##..../######/######",
        "##..##/##..##/.####./..##../..##../..##..",
        "#####./##..##/##..##/#####./##..../##....",
    ),
    "pictures": (
        ".#..#./######/######/######/.####./..##..",
        "#...../##..../###.../####../#####./######",
        "..#.../..##../..###./..#.../######/.####.",
    ),
}
Ready = Literal["letters", "pictures", "random", "empty"]
YOURS = "yours"  # the ready set of a board that was made with pictures


class MemoryBoard(anywidget.AnyWidget):
    """Three patterns on a 12 by 12 grid of neurons. `dilution` blanks that share of every ready pattern.

    `pictures` are up to three of yours, as `labcore.pictures` takes them, in place of the ready patterns; an array has
    12 rows and columns, and a file is scaled to that.
    Raises ValueError for a ready set that does not exist and for a dilution or temperature out of [0, 1], and
    `PictureError` for pictures that cannot be used.
    """

    _esm = Path(__file__).parent / "memory.js"
    _css = Path(__file__).parent / "memory.css"

    pause = 0.04  # seconds from picture to picture, so that eyes can follow

    side = traitlets.Int(SIDE).tag(sync=True)
    patterns = traitlets.Bytes().tag(sync=True)  # (3, 144) int8, as painted
    state = traitlets.Bytes().tag(sync=True)  # (144,) int8
    served = traitlets.Bytes().tag(sync=True)  # (144,) uint8: the pattern that a neuron serves, from 1; 0 is none
    last = traitlets.Int(-1).tag(sync=True)  # the neuron that Step updated
    history = traitlets.List().tag(sync=True)  # rows of time in sweeps, energy per neuron, overlaps
    changed = traitlets.Bool(False).tag(sync=True)  # painted but not stored
    running = traitlets.Bool(False).tag(sync=True)
    settings = traitlets.Dict().tag(sync=True)
    reading = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        ready: Ready = "letters",
        dilution: float = 0.0,
        temperature: float = 0.02,
        seed: int = 0,
        pictures: Any = None,
    ):
        # numba and torch are loaded when a board is made, not when `widgets` is imported
        from labcore.hebbian.multitasking_hebbian import glauber, serves

        super().__init__()
        self._glauber, self._serves = glauber, serves
        self._own = None if pictures is None else _own(pictures)
        self._rng = np.random.default_rng(seed)
        shade = np.random.default_rng([seed, 1])
        self._veil = shade.random((COUNT, NEURONS))  # a pixel is blank where the dilution is above this
        self._noise = np.where(shade.random((COUNT, NEURONS)) < 0.5, 1, -1).astype(np.int8)
        self._lock = threading.RLock()  # one hand on the network at a time: the page's or the run's
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._spins = np.ones(NEURONS, np.int8)
        self._time = 0
        self.settings = {}
        self.set(ready=ready if pictures is None else YOURS, dilution=dilution, temperature=temperature)
        self.store()
        self.show(0)
        self.on_msg(self._heard)

    # what hands do

    def set(self, **values: Any) -> None:
        """Change `ready`, `dilution` (both draw the patterns anew) or `temperature`."""
        for name, value in values.items():
            known = (*_DRAWN, "random", "empty") + ((YOURS,) if self._own is not None else ())
            if name == "ready" and value not in known:
                raise ValueError(f"ready = {value!r} is not allowed; it must be one of {', '.join(known)}")
            if name != "ready" and not 0 <= value <= 1:
                raise ValueError(f"{name} = {value} is not allowed; it must be from 0 to 1")
        with self._lock:
            self.settings = {**self.settings, **values}
            if "ready" in values or "dilution" in values:
                self._drawn = np.where(self._veil < self.settings["dilution"], 0, self._ready()).astype(np.int8)
                self._painted("The patterns are drawn anew.")

    def paint(self, grid: int, cells: list[int], value: int) -> None:
        """Paint these pixels of a pattern (-1, 0 or 1), or, with grid -1, of the network's state (-1 or 1)."""
        if grid not in range(-1, COUNT) or value not in ((-1, 1) if grid < 0 else (-1, 0, 1)):
            raise ValueError(f"grid = {grid}, value = {value} is not allowed; patterns take -1, 0, 1, the state -1, 1")
        cells = [c for c in cells if 0 <= c < NEURONS]
        with self._lock:
            if grid >= 0:
                self._drawn[grid, cells] = value
                return self._painted(f"Pattern {grid + 1} is painted.")
            self._spins[cells] = value
            self._sums = self._glauber.pattern_sums(self._patterns, self._spins)
            self._record(f"{'A pixel' if len(cells) == 1 else f'{len(cells)} pixels'} of the state changed by hand.")

    def store(self) -> None:
        """One Hebbian step: the couplings become those of the patterns as they are painted now."""
        with self._lock:
            self._patterns = np.ascontiguousarray(self._drawn.T)
            self._sums = self._glauber.pattern_sums(self._patterns, self._spins)
            self.changed = False
            self._restart("Stored in one Hebbian step: J = Σ ξ ξᵀ / N.")

    def show(self, pattern: int) -> None:
        """Show a stored pattern (0, 1, 2) to the network, its blanks filled at random, or with -1 noise alone."""
        with self._lock:
            free = self._rng.choice(np.array([-1, 1], np.int8), NEURONS)
            wanted = self._patterns[:, pattern] if pattern >= 0 else np.zeros(NEURONS, np.int8)
            self._spins = np.where(wanted != 0, wanted, free)
            self._sums = self._glauber.pattern_sums(self._patterns, self._spins)
            what = f"pattern {pattern + 1}" if pattern >= 0 else "noise"
            self._restart(f"The network is shown {what}. Corrupt it, or press Run.")

    def corrupt(self, share: float) -> None:
        """Flip this share of the pixels of the state, chosen at random. Raises ValueError out of [0, 1]."""
        if not 0 <= share <= 1:
            raise ValueError(f"share = {share} is not allowed; it must be from 0 to 1")
        with self._lock:
            cells = self._rng.permutation(NEURONS)[: round(share * NEURONS)]
            self._spins[cells] *= -1
            self._sums = self._glauber.pattern_sums(self._patterns, self._spins)
            self._record(f"{len(cells)} of {NEURONS} pixels are flipped.")

    def step(self) -> None:
        """Update one neuron, drawn at random, and say what its field told it."""
        self.stop()
        with self._lock:
            site = int(self._rng.integers(NEURONS))
            row, before = self._patterns[site], self._spins[site]
            field = (int(row @ self._sums) - int(before) * int(row @ row)) / NEURONS
            temperature = self.settings["temperature"]
            beta = np.inf if temperature == 0 else 1 / temperature
            chance = self._rng.random(1)
            self._glauber.update(self._patterns, self._spins, self._sums, np.array([site]), chance, beta, 1.0)
            self._time += 1
            self.last = site
            did = "stays" if self._spins[site] == before else "becomes"
            where = f"The neuron in row {site // SIDE + 1}, column {site % SIDE + 1}"
            self._record(f"{where} has field {field:+.3f}; it {did} {'ink' if self._spins[site] > 0 else 'paper'}.")

    def run(self) -> None:
        """Let the network go for twelve sweeps, in a thread; `stop` ends it."""
        if self._thread is None or not self._thread.is_alive():
            self._stop.clear()
            self.running, self.last = True, -1
            self._thread = threading.Thread(target=self._go, name="labcore-memory", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the run at its next picture and wait for that."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(10)

    # what the network says

    @property
    def painted(self) -> np.ndarray:
        """The patterns as they are painted, (k, 12, 12), for `labcore.pictures.on_pictures`: without those that are
        blank all over.
        """
        drawn = self._drawn.reshape(COUNT, SIDE, SIDE)
        return drawn[drawn.any((1, 2))]

    def overlaps(self) -> np.ndarray:
        """m of each stored pattern, (3,)."""
        return self._sums / NEURONS

    def advance(self, updates: int) -> None:
        """That many asynchronous updates, at once."""
        with self._lock:
            temperature = self.settings["temperature"]
            self._glauber.advance(self._patterns, self._spins, self._sums, temperature, updates, self._rng)
            self._time += updates

    def _go(self) -> None:
        for _ in range(SWEEPS * NEURONS // TICK):
            if self._stop.wait(self.pause):
                break
            with self._lock:
                self.advance(TICK)
                self._record("Neurons are updated one after another.")
        with self._lock:
            self.running = False
            self._record("Stopped." if self._stop.is_set() else f"{SWEEPS} sweeps are done.")

    def _ready(self) -> np.ndarray:
        name = self.settings["ready"]
        if name == YOURS:
            return self._own
        if name in _DRAWN:
            small = [[[1 if c == "#" else -1 for c in row] for row in p.split("/")] for p in _DRAWN[name]]
            return np.kron(np.array(small), np.ones((2, 2), int)).reshape(COUNT, NEURONS)
        return self._noise if name == "random" else np.zeros((COUNT, NEURONS), int)

    def _painted(self, said: str) -> None:
        self.patterns, self.changed = self._drawn.tobytes(), True
        self.reading = f"{said} The memory still holds the old ones until you press Store."

    def _restart(self, said: str) -> None:
        self._time, self.history, self.last = 0, [], -1
        self._record(said)

    def _record(self, said: str) -> None:
        """Add a point to the curves and send the picture, in one message."""
        m = self.overlaps()
        energy = float(self._glauber.energy(self._patterns, self._sums)) / NEURONS
        point = [self._time / NEURONS, energy, *m.tolist()]
        told = ", ".join(f"pattern {q + 1}: {x:+.2f}" for q, x in enumerate(m))
        with self.hold_sync():
            self.state = self._spins.tobytes()
            self.served = self._serves(self._patterns, self._spins, m).astype(np.uint8).tobytes()
            self.history = [*self.history, point][-HISTORY:]
            self.reading = f"{said} Overlaps after {self._time / NEURONS:.2f} sweeps: {told}. Energy {energy:.3f}."

    def _heard(self, _: Any, message: dict[str, Any], __: Any) -> None:
        kind = message.get("type")
        if kind in ("run", "stop", "step", "store"):
            getattr(self, kind)()
        elif kind == "set":
            self.set(**{k: v for k, v in message["values"].items() if k in ("ready", "dilution", "temperature")})
        elif kind == "paint":
            self.paint(int(message["grid"]), [int(c) for c in message["cells"]], int(message["value"]))
        elif kind == "show":
            self.show(int(message["pattern"]))
        elif kind == "corrupt":
            self.corrupt(float(message["share"]))


def _own(source: Any) -> np.ndarray:
    """Pictures of a person's own as patterns, (3, 144); those that are missing are blank."""
    from labcore.pictures import PictureError, pictures

    found = pictures(source, 1, COUNT, SIDE).pixels
    if found.shape[1:] != (SIDE, SIDE):
        raise PictureError(f"the pictures are {found.shape[1]} by {found.shape[2]}; they must be {SIDE} by {SIDE} here")
    return np.concatenate([found, np.zeros((COUNT - len(found), SIDE, SIDE), np.int8)]).reshape(COUNT, NEURONS)


class StaticMemoryBoard:
    """What the board shows after a cue, a fifth of it corrupted, and twelve sweeps: for notebooks nobody touches."""

    def __init__(self, board: MemoryBoard):
        patterns = np.frombuffer(board.patterns, np.int8).reshape(COUNT, NEURONS)
        board.show(0)
        board.corrupt(0.2)
        cue = board._spins.copy()
        board.advance(SWEEPS * NEURONS)
        board._record(f"Shown pattern 1 with a fifth of its pixels flipped, the network ran for {SWEEPS} sweeps.")
        self.reading = board.reading
        self._pictures = [
            *((f"pattern {q + 1}", p) for q, p in enumerate(patterns)),
            ("cue", cue),
            ("after", board._spins),
        ]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        parts = []
        for k, (name, picture) in enumerate(self._pictures):
            for i, value in enumerate(picture):
                x, y = 130 * k + 10 * (i % SIDE), 10 * (i // SIDE)
                colour = {1: "#1f2328", 0: "#d9b36c", -1: "#f2f3f5"}[int(value)]
                parts.append(f'<rect x="{x}" y="{y}" width="10" height="10" fill="{colour}"/>')
            parts.append(f'<text x="{130 * k + 60}" y="140" text-anchor="middle" fill="gray">{name}</text>')
        size = 'viewBox="0 0 640 150" style="max-width: 760px" role="img"'
        picture = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>'
        return {"text/html": f"{picture}<p>{escape(self.reading)}</p>", "text/plain": self.reading}


def memory_board(
    ready: Ready = "letters",
    dilution: float = 0.0,
    temperature: float = 0.02,
    seed: int = 0,
    pictures: Any = None,
) -> MemoryBoard | StaticMemoryBoard:
    """A memory of three painted patterns, or of pictures of yours; without a front end a picture and a sentence."""
    board = MemoryBoard(ready, dilution, temperature, seed, pictures)
    return StaticMemoryBoard(board) if is_static() else board
