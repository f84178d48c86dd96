"""A Kolmogorov-Arnold network under the hand: its drawing, one curve an edge, and an editor for the curve that is open.

    from widgets.boards.kan import KanBoard
    KanBoard(lambda x, y: x * y)

The network is a real one, in torch, in this kernel: what the page drags are its coefficients.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import torch
import traitlets
from torch import Tensor

from labcore.kan.kan_assessment import KAN
from labcore.kan.kan_assessment.kan import KANLayer, l1
from labcore.kan.kan_assessment.symbols import LIBRARY, fit_symbol, suggest

POINTS, PIXELS = 41, 40
MOST_INTERVALS = 80
FITS = 0.9  # the least R2 of a symbol that can stand for a curve


class KanBoard(anywidget.AnyWidget):
    """A KAN [2, hidden, 1] on the square [-1, 1]^2, learning `target(x, y)` (numpy arrays in, array or number out).

    `intervals` (G, 2 to 80) and `k` (1 to 5) are those of every spline. Raises ValueError for values out of range, and
    for a target that is not finite or has another shape than its arguments.
    """

    _esm = Path(__file__).parent / "kan.js"
    _css = Path(__file__).parent / "kan.css"

    layers = traitlets.List().tag(sync=True)
    names = traitlets.List(["x", "y"]).tag(sync=True)
    edges = traitlets.List().tag(sync=True)
    samples = traitlets.Int(POINTS).tag(sync=True)
    curves = traitlets.Bytes().tag(sync=True)
    opened = traitlets.Dict().tag(sync=True)
    surface = traitlets.Bytes().tag(sync=True)
    target = traitlets.Bytes().tag(sync=True)
    range = traitlets.List([0.0, 1.0]).tag(sync=True)
    history = traitlets.List().tag(sync=True)
    reading = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        target: Callable[[np.ndarray, np.ndarray], np.ndarray],
        hidden: int = 3,
        intervals: int = 5,
        k: int = 3,
        steps: int = 400,
        lr: float = 0.03,
        seed: int = 0,
    ):
        whole = {"hidden": (hidden, 1, 6), "intervals": (intervals, 2, MOST_INTERVALS), "k": (k, 1, 5)}
        for name, (value, low, high) in whole.items():
            if not low <= value <= high:
                raise ValueError(f"{name} = {value} is not allowed; it must be a whole number from {low} to {high}")
        super().__init__(layers=[2, hidden, 1])
        self._function, self._steps, self._lr, self._seed = target, steps, lr, seed
        self._shape = intervals, k
        self._lock = threading.RLock()  # one hand on the network at a time: the page's or the training's
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        axis = np.linspace(-1, 1, PIXELS)
        x, y = (a.ravel() for a in np.meshgrid(axis, axis))
        self._grid = _tensor(np.stack([x, y], -1))
        wanted = self._wanted(x, y)
        self.range = [float(wanted.min()), float(wanted.max())]
        self.target = wanted.astype(np.float32).tobytes()
        self.on_msg(self._heard)
        self.reset()

    # what hands do

    def reset(self) -> None:
        """A new network with random curves; the same seed gives the same one."""
        self.stop()
        with self._lock:
            draws = np.random.default_rng(self._seed)
            x = draws.uniform(-1, 1, (500, 2))
            self._x = _tensor(x)
            self._y = _tensor(self._wanted(x[:, 0], x[:, 1])[:, None])
            self.network = KAN(self.layers, *self._shape, rngs=[torch.Generator().manual_seed(self._seed)])
            self._step, self.history, self.opened = 0, [], {}
            self._show("Random curves. Press Train, or open one and draw it yourself.")

    def select(self, edge: str) -> None:
        """Open an edge in the editor."""
        with self._lock:
            self._open(edge)

    def drag(self, edge: str, index: int, value: float) -> None:
        """Move one control point of an edge to this height; at most k + 1 intervals of the curve follow."""
        with self._lock, torch.no_grad():
            layer, o, i = self._find(edge)
            heights = self._base(layer, o, i)
            scale = float(layer.scale[0, i, o])
            if (o, i) in layer.symbols or not layer.alive[0, i, o] or abs(scale) < 1e-6:
                return self._say("This edge has no control points any more: it was pruned or replaced by a symbol.")
            layer.coef[0, i, index, o] = (float(value) - heights[index]) / scale
            self._open(edge)
            self._show(f"Edge {self._name(edge)}: point {index + 1} of {layer.basis.size} moved.")

    def refine(self) -> None:
        """Twice as many grid intervals on every edge; the function stays what it is."""
        with self._lock:
            self._widen()
            before = self.output()
            intervals = self.network.layers[0].basis.intervals
            if 2 * intervals > MOST_INTERVALS:
                return self._say(f"The grids have {intervals} intervals already; {MOST_INTERVALS} is the most here.")
            self.network.extend(2)
            jump = float(np.abs(self.output() - before).max())
            self._mark()
            self._reopen()
            said = f"Every grid has {2 * intervals} intervals, not {intervals}; the output moved by {jump:.1e} at most."
            self._show(said)

    def suggest(self, edge: str) -> None:
        """Fit every symbol to an edge's curve and offer the best three: by R2 as it is shown, the simpler one first."""
        with self._lock:
            layer, o, i = self._find(edge)
            x = np.linspace(*layer.domain()[0, i], POINTS)
            # a score that weighs simplicity in puts "0" first on curves that it has nothing of
            fitted = suggest(x, layer.curve(o, i, x))
            best = sorted(fitted, key=lambda s: (-round(s.r2, 4), LIBRARY[s.name]))[:3]
            offers = [{"name": s.name, "r2": s.r2, "formula": _formula(s)} for s in best]
            self._open(edge, offers)
            told = ", ".join(f"{s.name} (R² {s.r2:.4f})" for s in best)
            self._say(f"Nearest to {self._name(edge)}: {told}.{_warned(best[0].r2)}")

    def snap(self, edge: str, name: str) -> None:
        """Replace an edge's curve by this symbol, its four numbers fitted. Raises ValueError for an unknown name."""
        with self._lock:
            layer, o, i = self._find(edge)
            x = np.linspace(*layer.domain()[0, i], POINTS)
            found = fit_symbol(name, x, layer.curve(o, i, x))
            layer.snap(o, i, found)
            self._open(edge)
            self._show(f"Edge {self._name(edge)} is now {_formula(found)}.{_warned(found.r2)}")

    def prune(self, edge: str) -> None:
        """Remove an edge."""
        with self._lock, torch.no_grad():
            layer, o, i = self._find(edge)
            layer.alive[0, i, o] = 0
            layer.symbols.pop((o, i), None)
            self._open(edge)
            self._show(f"Edge {self._name(edge)} is gone.")

    def train(self) -> None:
        """Train with Adam from where the network is, in a thread; `stop` ends it."""
        if self._thread is None or not self._thread.is_alive():
            self._stop.clear()
            self._say("Training begins.")
            self._thread = threading.Thread(target=self._train, name="labcore-kan", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the training at its next step and wait for that."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(10)

    # what the network says

    def output(self) -> np.ndarray:
        """The network's output on the picture's grid, (PIXELS * PIXELS,), y outermost."""
        with torch.no_grad():
            return self.network(self._grid)[:, 0, 0].numpy()

    def error(self) -> float:
        """Root mean square error on the training samples."""
        with torch.no_grad():
            return float((self.network(self._x) - self._y).square().mean().sqrt())

    def _wanted(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The target at these points, (N,); a number is the same everywhere."""
        found = np.asarray(self._function(x, y), np.float64)
        if found.shape not in ((), x.shape) or not np.isfinite(found).all():
            allowed = f"it must be finite, and a number or of shape {x.shape}"
            raise ValueError(f"target(x, y) of shape {found.shape} is not allowed; {allowed}")
        return np.broadcast_to(found, x.shape).copy()

    def _train(self) -> None:
        optimizer, known = None, set()
        for step in range(self._steps):
            with self._lock:
                if self._stop.is_set():
                    return self._show(f"Stopped after {self._step} steps.")
                if self._step < 100 and self._step % 20 == 0:
                    self._widen()
                parameters = list(self.network.parameters())
                if {id(p) for p in parameters} != known:
                    # a moved or refined grid and a symbol make new parameters, in the middle of a run too
                    optimizer, known = torch.optim.Adam(parameters, lr=self._lr), {id(p) for p in parameters}
                optimizer.zero_grad()
                loss = (self.network(self._x) - self._y).square().mean()
                if not torch.isfinite(loss):
                    return self._say(f"Training diverged at step {self._step}. Press New network.")
                loss.backward()
                optimizer.step()
                self._step += 1
                last = step == self._steps - 1
                if step % 10 == 0 or last:
                    self.history = [*self.history, [self._step, float(loss.detach().sqrt()), ""]]
                    self._reopen()
                    self._show(f"{'Done' if last else 'Training'}: step {self._step}.")

    def _widen(self) -> None:
        """Move the grids that the values have outgrown. Off its grid a spline fades to zero, and cannot learn."""
        with torch.no_grad():
            x = self._grid
            for layer in self.network.layers:
                after, ends = layer(x), layer.domain()[0]
                low, high = x[:, 0].amin(0).numpy(), x[:, 0].amax(0).numpy()
                if (low < ends[:, 0] - 1e-6).any() or (high > ends[:, 1] + 1e-6).any():
                    layer.update_grid(x)
                x = after

    def _mark(self) -> None:
        self.history = [*self.history, [self._step, self.error(), "refined"]]

    def _find(self, edge: str) -> tuple[KANLayer, int, int]:
        layer, o, i = map(int, edge.split("-"))
        return self.network.layers[layer], o, i

    def _name(self, edge: str) -> str:
        layer, o, i = map(int, edge.split("-"))
        left = self.names[i] if layer == 0 else f"h{i + 1}"
        return f"{left} to {'output' if layer == len(self.network.layers) - 1 else f'h{o + 1}'}"

    def _base(self, layer: KANLayer, o: int, i: int) -> np.ndarray:
        """wb silu(x) at the Greville points of input i: a control point is drawn on top of it."""
        x = torch.as_tensor(layer.basis.greville()[i])
        return (float(layer.base[0, i, o].detach()) * torch.nn.functional.silu(x)).numpy()

    def _reopen(self) -> None:
        if self.opened:
            self._open(self.opened["id"])

    def _open(self, edge: str, suggestions: list[dict] | None = None) -> None:
        layer, o, i = self._find(edge)
        domain = layer.domain()[0, i]
        x = np.linspace(*domain, 161)
        editable = bool(layer.alive[0, i, o]) and (o, i) not in layer.symbols
        with torch.no_grad():
            heights = self._base(layer, o, i) + (layer.scale[0, i, o] * layer.coef[0, i, :, o]).numpy()
        greville = layer.basis.greville()[i]
        self.opened = {
            "id": edge,
            "name": self._name(edge),
            "domain": domain.tolist(),
            "x": x.tolist(),
            "y": layer.curve(o, i, x).tolist(),
            "points": np.stack([greville, heights], -1).tolist() if editable else [],
            "spans": [list(layer.basis.span(i, c)) for c in range(layer.basis.size)] if editable else [],
            "knots": layer.basis.grid[i].tolist(),
            "suggestions": suggestions or [],
        }

    def _show(self, said: str) -> None:
        """Send the drawing and the pictures, in one message."""
        edges, curves = [], []
        with torch.no_grad():
            scores = [l1(e)[0] for e in self.network.traced(self._x)[1]]
        for number, (layer, score) in enumerate(zip(self.network.layers, scores, strict=True)):
            for o in range(layer.shape[2]):
                for i in range(layer.shape[1]):
                    symbol = layer.symbols.get((o, i))
                    edge = f"{number}-{o}-{i}"
                    alive = bool(layer.alive[0, i, o]) or symbol is not None
                    edges.append(
                        {
                            "id": edge,
                            "name": self._name(edge),
                            "layer": number,
                            "from": i,
                            "to": o,
                            "alive": alive,
                            "symbol": symbol,
                            "score": float(score[o, i]),
                        }
                    )
                    curves.append(layer.curve(o, i, np.linspace(*layer.domain()[0, i], POINTS)))
        with self.hold_sync():
            self.edges = edges
            self.curves = np.stack(curves).astype(np.float32).tobytes()
            self.surface = self.output().astype(np.float32).tobytes()
            self._say(said)

    def _say(self, said: str) -> None:
        self.reading = f"{said} Error {self.error():.4f} (root mean square), {len(self.edges)} edges."

    def _heard(self, _: Any, message: dict[str, Any], __: Any) -> None:
        kind = message.get("type")
        if kind in ("train", "stop", "refine", "reset"):
            getattr(self, kind)()
        elif kind in ("select", "suggest", "prune") and message.get("id"):
            getattr(self, kind)(message["id"])
        elif kind == "drag":
            self.drag(message["id"], int(message["index"]), float(message["value"]))
        elif kind == "snap":
            self.snap(message["id"], message["name"])
        self.send({"type": "heard"})


def _tensor(x: np.ndarray) -> Tensor:
    """Samples (N, d) for one model: (N, 1, d)."""
    return torch.as_tensor(x, dtype=torch.float32)[:, None]


def _formula(found: Any) -> str:
    return f"{found.c:.3g} {found.name}({found.a:.3g} u + {found.b:.3g}) + {found.d:.3g}"


def _warned(r2: float) -> str:
    return "" if r2 >= FITS else f" No fit: with R² {r2:.2f}, below {FITS}, it makes another network of this one."
