"""A neural circuit diagram under the hand; `diagram_canvas` makes one.

The text is the whole state; everything else on the page is read from it in this kernel, and undo is the text before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from labcore import catalog
from labcore.diagrams import Axis, Diagram, parse, write
from labcore.diagrams.architectures import ARCHITECTURES, text_of
from widgets.boards.diagram.edits import TOOLS, above, inserted, inside, moved, removed, steps_for
from widgets.boards.diagram.reading import (
    Reading,
    as_id,
    as_path,
    blocks,
    details,
    hands,
    heat_maps,
    layer,
    paths_of,
    read,
    summary,
)

MOST_NUMBERS = 3_000_000  # in memory, when data are stepped through
SIZES = (1, 256)
LONGEST, LONGEST_SAID = 20_000, 200  # characters of a text, and of what an operation is told
NO_EDIT = "The backward diagram is made from the forward one. Switch it off to edit."


class DiagramCanvas(anywidget.AnyWidget):
    """A diagram that can be read in four ways and edited in three: on its drawing, in its text, by its sizes.

    `program`: the name of an architecture, or a text (`labcore.diagrams.text` has the grammar). `sizes`: of
    axes, by name. With `opening`, data run through it once when it comes into view. Raises ValueError for a text that
    is no diagram.
    """

    _esm = Path(__file__).parent / "canvas.js"
    _css = Path(__file__).parent / "canvas.css"

    scene = traitlets.Dict().tag(sync=True)  # the drawing, where hands can take hold of it, and bars of cost
    text = traitlets.Unicode().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)
    sizes = traitlets.List().tag(sync=True)  # [name, size, lowest, highest]
    picked = traitlets.List().tag(sync=True)  # [column, row, leg] of the wires that the tool has got
    opened = traitlets.Dict().tag(sync=True)  # the selected box
    data = traitlets.Dict().tag(sync=True)  # the arrays at one cut, as heat maps
    pixels = traitlets.Bytes().tag(sync=True)  # their colours, one byte each
    error = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    reading = traitlets.Unicode().tag(sync=True)
    menu = traitlets.Dict().tag(sync=True)
    opening = traitlets.Bool().tag(sync=True)

    def __init__(self, program: str = "multihead", seed: int = 0, opening: bool = False, **sizes: int):
        super().__init__(opening=opening)
        self._seed = seed
        self._ready = {name: re.sub(r"\n\s*\n", "\n", text_of(name)) for name in ARCHITECTURES}
        named = catalog.load_experiment("neural_circuit_diagrams.diagram").parameters["arch"]
        self.menu = {
            "architectures": [[name, named.word(name)] for name in ARCHITECTURES],
            "tools": {name: tool._asdict() for name, tool in TOOLS.items()},
        }
        self._past: list[str] = []
        self._future: list[str] = []
        self._folded: set[str] = set()
        self._backward, self._at, self._tool, self._said, self._resized = False, -1, "", "", ""
        self._was: dict[int, int] = {}
        text = self._ready.get(program, program)
        self._take(_with_sizes(text, sizes), "Here is the diagram.")
        self.on_msg(self._heard)

    # what hands do

    def load(self, name: str) -> None:
        """Start again from an architecture, or from nothing with "blank"."""
        if name != "blank" and name not in self._ready:
            raise ValueError(f"name = {name!r} is not allowed; it must be blank, {', '.join(self._ready)}")
        before = self._text
        self._folded, self._backward, self._at = set(), False, -1
        text = "f(y=20, x=24, k=8) = Q[y k], K[x k], V[x k]" if name == "blank" else self._ready[name]
        said = "Three arrays and nothing else. Choose an operation, then its wires." if name == "blank" else ""
        self._take(text, said or f"This is {name.replace('_', ' ')}.")
        self._remember(before)

    def write(self, text: str) -> None:
        """Take this text instead of the one that is there. One that is no diagram leaves everything as it is."""
        if self._backward:
            return self._refuse(NO_EDIT)
        self._change(text, "The drawing follows the text.")

    def resize(self, axis: str, size: int) -> None:
        """Another size for an axis. Steps of one slider are one step to undo."""
        if not SIZES[0] <= size <= 10_000:
            raise ValueError(f"{axis} = {size} is not allowed; it must be a whole number from 1 to 10000")
        if axis not in self._axes():
            raise ValueError(f"axis = {axis!r} is not allowed; it must be one of {', '.join(self._axes())}")
        before, first = self._text, self._resized != axis
        was = dict(enumerate(self._read.cost.live)) if first else self._was
        self._take(_with_sizes(self._text, {axis: size}), f"Axis {axis} has size {size}.", was)
        self._resized, self._was = axis, was
        if first:
            self._remember(before)

    def fold(self, box: str) -> None:
        """Close a block to one box, or open it."""
        self._folded ^= {box}
        self._show(f"The block is {'closed' if box in self._folded else 'open'}.")

    def fold_all(self, closed: bool) -> None:
        """Close or open all blocks."""
        self._folded = set(blocks(self._diagram)) if closed else set()
        self._show(f"All blocks are {'closed' if closed else 'open'}.")

    def choose(self, box: str) -> None:
        """Open the details of a box: its line of the program, its shapes, its cost. "" closes them."""
        self.opened, self.error = self._details(box) if box else {}, {}
        if box:
            self.reading = f"{self.opened['title']}. {self.opened['meaning']} {self.opened['work']}"

    def use(self, tool: str) -> None:
        """Take an operation of the palette in the hand; "" puts it down. Raises ValueError for an unknown one."""
        if tool and tool not in TOOLS:
            raise ValueError(f"tool = {tool!r} is not allowed; it must be one of {', '.join(TOOLS)}")
        self._tool, self.picked, self.error = tool, [], {}
        self._said = self._usual(tool) if tool else ""
        self._status(f"{TOOLS[tool].label}: click {TOOLS[tool].says}." if tool else "No operation chosen.")

    def say(self, said: str) -> None:
        """What the chosen operation asks for: a name, a function, a size."""
        if len(said) > LONGEST_SAID:
            return self._refuse(f"{len(said)} characters are too many here; {LONGEST_SAID} is the most.")
        self._said = said
        self._status(self.reading)

    def pick(self, column: int, row: int, leg: int) -> None:
        """Click a wire at a column of the drawing. With enough wires, the chosen operation is put on them."""
        if not self._tool:
            return self._tell_axis(column, row, leg)
        if self._backward:
            return self._refuse(NO_EDIT)
        pick = [column - (self._read.scene.columns[column].kind == "operation"), row, leg]
        self.picked = [p for p in self.picked if p != pick] if pick in self.picked else [*self.picked, pick]
        tool, self.error = TOOLS[self._tool], {}
        if len(self.picked) == tool.most:
            self.apply()
        else:
            more = " or press Apply" if len(self.picked) >= tool.least else ""
            self._status(f"{tool.label}: {len(self.picked)} of its wires. Click the next one{more}.")

    def apply(self) -> None:
        """Put the chosen operation on the wires that were picked."""
        if not self._tool or len(self.picked) < TOOLS[self._tool].least:
            return self._refuse("The operation needs more wires first.")
        column = max(c for c, _, _ in self.picked)
        try:
            legs = [self._follow(pick, column) for pick in self.picked]
            path, cut, _ = min(self._read.scene.columns[column].cuts, key=lambda c: len(c[0]))
            path = as_path(path)
            body, first = inside(self._diagram, path), above(self._diagram, path)
            legs = [(row - first, leg) for row, leg in legs]
            if any(not 0 <= row < len(body.cuts[cut]) for row, _ in legs):
                raise ValueError("one of these wires passes by the block; click wires inside it, or outside of it")
            axes = {a.name: a for array in body.cuts[cut] for a in array.axes}
            steps = steps_for(self._tool, body.cuts[cut], legs, self._said, axes | self._declared())
            diagram = inserted(self._diagram, path, cut, steps)
        except ValueError as error:
            spots = [self._spot(p) for p in self.picked] if getattr(error, "box", None) is None else []
            self.picked = []
            return self._refuse(f"{TOOLS[self._tool].label} is refused: {error}", error, spots)
        label = TOOLS[self._tool].label
        self.picked = []
        self._said = self._usual(self._tool)
        self._change(diagram, f"{label} is in the diagram.")

    def move(self, box: str, column: int, row: int, leg: int) -> None:
        """Move a softmax, sum, mean or max to another wire of its array."""
        if self._backward:
            return self._refuse(NO_EDIT)
        pick = [column - (self._read.scene.columns[column].kind == "operation"), row, leg]
        try:
            diagram = moved(self._diagram, as_path(box), (row - above(self._diagram, as_path(box)[:-1]), leg))
        except ValueError as error:
            return self._refuse(f"The move is refused: {error}", error, [self._spot(pick)])
        self._change(diagram, "The operation stands on another wire now; it is another function.")
        self.choose(box)

    def nudge(self, box: str, by: int) -> None:
        """Move a softmax, sum, mean or max up or down by this many wires."""
        found = layer(self._read.diagram, box)
        wires, leg = len(found.box.dom[0]), getattr(found.box.data, "i", 0) + by
        column = next(n for n, c in enumerate(self._read.scene.columns) if box in c.boxes)
        if 0 <= leg < wires:
            self.move(box, column, found.offset + above(self._diagram, as_path(box)[:-1]), leg)

    def remove(self, box: str = "") -> None:
        """Take a box away, the last one unless it is named."""
        if self._backward:
            return self._refuse(NO_EDIT)
        if not self._diagram.layers:
            return self._refuse("There is nothing to remove.")
        path = as_path(box) if box else (len(self._diagram.layers) - 1,)
        try:
            name = layer(self._diagram, as_id(path)).box.name
            diagram = removed(self._diagram, path)
        except ValueError as error:
            return self._refuse(f"Without it the rest does not fit: {error}", error)
        self.opened = {}
        self._folded = set()
        self._change(diagram, f"{name} is gone.")

    def undo(self) -> None:
        """Back to the text before the last change."""
        self._turn(self._past, self._future, "Undone.")

    def redo(self) -> None:
        """Forward again."""
        self._turn(self._future, self._past, "Done again.")

    def backward(self, on: bool) -> None:
        """Show the backpropagation diagram, or the diagram itself."""
        self._backward, self._at, self._tool, self.picked, self.opened = on, -1, "", [], {}
        self._folded = set()
        self._show(
            "Left of the line the forward pass is repeated; right of it the gradient runs back, from the output's."
            if on
            else "This is the diagram itself."
        )

    def step(self, cut: int) -> None:
        """Run the diagram on random numbers up to this cut, and show the arrays there; -1 puts the data away."""
        last = len(self._read.cost.live) - 1
        self._at, self.error = max(min(cut, last), -1), {}
        self._run()
        if self.data:
            told = "; ".join(a["title"] for a in self.data["arrays"])
            self._status(f"Data at cut {self._at} of {last}: {told}.")
        elif not self.error:
            self._status("The data are put away.")

    # the one way in, and what is read from the text

    def _turn(self, source: list[str], target: list[str], said: str) -> None:
        if source:
            before = self._text
            self._take(source.pop(), said)
            target.append(before)
            self._status(self.reading)

    def _change(self, new: str | Diagram, said: str) -> None:
        """Take a new text or diagram, unless it is none."""
        before = self._text
        try:
            self._take(new if isinstance(new, str) else self._with_names(write(new, self._name())), said)
        except ValueError as error:
            return self._refuse(str(error), error)
        if self._text != before:
            self._remember(before)

    def _remember(self, text: str) -> None:
        self._past.append(text)
        self._future.clear()
        self._status(self.reading)

    def _take(self, text: str, said: str, was: dict[int, int] | None = None) -> None:
        """Make this text the state. Raises ValueError, and changes nothing, when it cannot be drawn or run."""
        if len(text) > LONGEST:
            raise ValueError(f"The text has {len(text)} characters; the canvas takes {LONGEST}.")
        diagram = parse(text)
        found = read(diagram, self._folded, self._backward, _name(text))
        self._text, self._diagram, self._resized = text, diagram, ""
        self._publish(found, said, was or {})

    def _show(self, said: str) -> None:
        """The same diagram, drawn in another way."""
        self._publish(read(self._diagram, self._folded, self._backward, self._name()), said, {})

    def _publish(self, found: Reading, said: str, was: dict[int, int]) -> None:
        """Everything on the page, in one message."""
        self._read = found
        self._folded &= {*blocks(found.diagram)}
        with self.hold_sync():
            self.scene = hands(found, was)
            self.text = write(found.diagram, f"{self._name()}_backward") if self._backward else self._text
            self.code = found.program.source
            self.sizes = [[n, s, SIZES[0], max(SIZES[1], s)] for n, s in self._axes().items()]
            self.error, self.picked = {}, []
            if self.opened:
                there = any(self.opened["box"] in c.boxes for c in found.scene.columns)
                self.opened = self._details(self.opened["box"]) if there else {}
            self._at = min(self._at, len(found.cost.live) - 1)
            self._status(f"{said} {summary(found, self._name())}")
            self._run()

    def _details(self, box: str) -> dict[str, Any]:
        return details(self._read, box, self._name(), self._axes())

    def _run(self) -> None:
        """The arrays at the chosen cut, on random numbers."""
        most = max(self._read.cost.live)
        if self._at >= 0 and most > MOST_NUMBERS:
            self._at = -1
            self._refuse(f"{most:,} numbers in memory are too many to step through; make the sizes smaller.")
        with self.hold_sync():  # colours and shapes belong together
            if self._at < 0:
                self.data, self.pixels = {}, b""
            else:
                arrays, self.pixels = heat_maps(self._read.diagram, self._at, self._seed)
                self.data = {"cut": self._at, "arrays": arrays}

    def _status(self, said: str) -> None:
        tool = TOOLS[self._tool]._asdict() if self._tool else {}
        self.state = {
            "undo": len(self._past),
            "redo": len(self._future),
            "backward": self._backward,
            "tool": self._tool,
            "least": tool.get("least", 0),
            "ask": tool.get("ask", ""),
            "said": self._said,
            "at": self._at,
            "last": len(self._read.cost.live) - 1,
            "name": self._name(),
            "blocks": len(blocks(self._read.diagram)),
        }
        self.reading = said

    def _refuse(self, why: str, error: Exception | None = None, spots: list[list[float]] | None = None) -> None:
        """Say what is wrong, in words and in red; the last good diagram stays."""
        axes = [str(a) for a in getattr(error, "axes", ())]
        box = getattr(error, "box", None)
        inner = getattr(error, "error", None)
        if inner is not None and not spots:
            spots = self._spots_of(inner)
        self.error = {
            "message": why,
            "line": getattr(error, "line", 0),
            "column": getattr(error, "column", 0) if hasattr(error, "line") else 0,
            "axes": axes,
            "names": [a.name for a in getattr(error, "axes", ())],
            "spots": [s for s in spots or [] if s],
            "box": as_id(box) if box is not None else "",
        }
        self._status(f"{why} The last good diagram stays.")

    # small questions

    def _name(self) -> str:
        return _name(self._text)

    def _with_names(self, text: str) -> str:
        """A canonical text, with the names that the inputs have in the text that is there."""
        names, (header, rest) = _inputs(self._text), _header(text)
        arrays, *steps = rest.split("\n")
        parts = arrays.split("[")
        if len(names) == len(parts) - 1:
            arrays = parts[0] + "".join(f"{name}[{part}" for name, part in zip(names, parts[1:]))
        return header + "\n".join([arrays, *steps])

    def _axes(self) -> dict[str, int]:
        """The axes that the text gives a size, with the size."""
        header, _ = _header(self._text)
        return {name: int(size) for name, size in re.findall(r"([\w']+)\s*=\s*(\d+)", header)}

    def _declared(self) -> dict[str, Any]:
        return {name: Axis(name, size) for name, size in self._axes().items()}

    def _usual(self, tool: str) -> str:
        usual = TOOLS[tool].usual
        if tool == "linear":  # two maps of one name would share their numbers
            taken = {layer(self._diagram, as_id(p)).box.data.name for p in paths_of(self._diagram, ("Linear",))}
            usual = next(n for n in ("L", *(f"L{k}" for k in range(2, 99))) if n not in taken) + ": n=8"
        return usual

    def _follow(self, pick: list[int], column: int) -> tuple[int, int]:
        """Row and leg, at a later column, of a wire that was picked."""
        start = next(w for w in self._read.scene.wires if [w.column, w.row, w.leg] == pick)
        for w in self._read.scene.wires:
            if w.wire == start.wire and w.column == column:
                return w.row, w.leg
        raise ValueError(f"the wire {start.axis} has ended where the other one is; click wires of the same column")

    def _spot(self, pick: list[int]) -> list[float]:
        """The middle of a wire at a column, or nothing."""
        for w in self._read.scene.wires:
            if [w.column, w.row, w.leg] == pick:
                (x0, y0), (x1, _) = w.points[0], w.points[-1]
                return [round((x0 + x1) / 2, 1), round(y0, 1)]
        return []

    def _spots_of(self, error: Any) -> list[list[float]]:
        """Where the wires of a refused text stand in the drawing that is still there, when they are in it."""
        found = []
        for column in range(len(self._read.scene.columns)):
            if any(path == "" and cut == error.column for path, cut, _ in self._read.scene.columns[column].cuts):
                for (row, leg), axis in zip(error.legs, error.axes):
                    wires = [w for w in self._read.scene.wires if w.column == column and w.axis == axis.name]
                    exact = [w for w in wires if (w.row, w.leg) == ((error.row or 0) + row, leg)] or wires
                    found += [self._spot([column, w.row, w.leg]) for w in exact[:1]]
                break
        return found

    def _tell_axis(self, column: int, row: int, leg: int) -> None:
        found = [w for w in self._read.scene.wires if [w.column, w.row, w.leg] == [column, row, leg]]
        if found:
            axis, here = found[0].axis, self._read.scene.wires
            lines = len({w.wire for w in here if w.axis == axis})
            known = f"{lines} {'lines' if lines > 1 else 'line'}"
            self._status(f"Axis {axis} has size {found[0].size}; it is {known} of this diagram.")

    def _heard(self, _: Any, message: dict[str, Any], __: Any) -> None:
        kind = message.get("type")
        acts: dict[str, Callable[[], None]] = {
            "load": lambda: self.load(str(message["name"])),
            "write": lambda: self.write(str(message["text"])),
            "resize": lambda: self.resize(str(message["axis"]), int(message["size"])),
            "fold": lambda: self.fold(str(message["box"])),
            "fold_all": lambda: self.fold_all(bool(message["closed"])),
            "choose": lambda: self.choose(str(message["box"])),
            "use": lambda: self.use(str(message["tool"])),
            "say": lambda: self.say(str(message["said"])),
            "pick": lambda: self.pick(*(int(message[k]) for k in ("column", "row", "leg"))),
            "move": lambda: self.move(str(message["box"]), *(int(message[k]) for k in ("column", "row", "leg"))),
            "nudge": lambda: self.nudge(str(message["box"]), int(message["by"])),
            "remove": lambda: self.remove(str(message.get("box") or "")),
            "backward": lambda: self.backward(bool(message["on"])),
            "step": lambda: self.step(int(message["cut"])),
            "apply": self.apply,
            "undo": self.undo,
            "redo": self.redo,
        }
        if kind in acts:
            try:
                acts[kind]()
            except ValueError as error:
                self._refuse(str(error), error)
            except (LookupError, StopIteration):  # a click on a drawing that has changed in the meantime
                self._refuse("That part of the drawing is not there any more.")
            finally:
                self.send({"type": "done"})


def _name(text: str) -> str:
    found = re.match(r"\s*([\w']+)", text)
    return found[1] if found else "f"


def _header(text: str) -> tuple[str, str]:
    """The text up to the end of its first parentheses, and the rest."""
    depth = 0
    for n, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == ")" and not depth:
            return text[: n + 1], text[n + 1 :]
    return text, ""


def _with_sizes(text: str, sizes: dict[str, int]) -> str:
    """The text with other sizes in its parentheses. Raises ValueError for an axis that is not there."""
    header, rest = _header(text)
    for name, size in sizes.items():
        header, count = re.subn(rf"(?<![\w']){re.escape(name)}(\s*=\s*)\d+", rf"{name}\g<1>{int(size)}", header)
        if not count:
            raise ValueError(f"{name} = {size} is not allowed; the text gives no size to an axis {name}")
    return header + rest


def _inputs(text: str) -> list[str]:
    """The names of the input arrays of a text, "" where one has none."""
    return re.findall(r"([\w']*)\s*\[", _header(text)[1].partition("|")[0])
