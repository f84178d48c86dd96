"""The drawer of a bench: its figure as a link, as lines of code and as a file, and the sweep over many values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ipywidgets as w
import xarray as xr

from labcore import frame_files
from labcore.experiment import Experiment
from widgets.benches import sharing
from widgets.benches.parts import button, layout, line, row, words
from widgets.benches.plot import Plot, Spec

_FILES = {
    "CSV": ("csv", "text/csv", frame_files.to_csv),
    "NetCDF": ("nc", "application/x-netcdf", frame_files.to_netcdf),
}
_PICTURES = ("PNG", "SVG")


class Drawer(w.VBox):
    """What a bench's buttons Share, Export and Sweep open, one at a time.

    Files and links go to the page through `plot`, to that of its views in which a button was pressed last. `label` is
    the bench's own name, if it has one; `frame()` gives the frame that is shown.
    """

    def __init__(self, experiment: Experiment, label: str, plot: Plot, frame: Callable[[], xr.Dataset | None]):
        super().__init__(layout=layout())
        self._experiment, self._label, self._plot, self._frame = experiment, label, plot, frame
        self._hand = ""  # the view in which a button was pressed last
        self._sweep: w.Widget | None = None

    def share(self, values: Mapping[str, Any]) -> None:
        """Show the link and the lines that reproduce the figure of these values.

        The link leads to the frame that is shown, and the lines to the end of its run.
        """
        frame = self._frame()
        at = 1.0 if frame is None else frame.attrs["progress"]
        what = (self._experiment, values)
        lines = {"Python": sharing.python_line(*what)}
        where = "The link opens this notebook, and this bench when its cell has run."
        if self._experiment.named:
            lines["Shell"] = sharing.command_line(*what)
            where = ""
        if self._experiment.notebook:
            lines["Papermill"] = sharing.papermill_command(*what, self._label)
            lines["PowerShell"] = sharing.papermill_command(*what, self._label, powershell=True)
            where = "The last two run the whole lesson: in Labcore's folder, where <code>notebooks</code> is."
        wide = {"width": "98%"}
        self._link = line("Link", "...", size=wide)
        self._link.add_class("labcore-link")
        self._copied = words()
        if at < 1:
            frame = "this frame of the run" if "open_ended" in frame.attrs else f"the run at {at:.0%}, as here"
            where = f"The link shows {frame}; the lines go on to its end. {where}"
        made = [line(k, v, size=wide) for k, v in lines.items()]
        self.children = [self._link, self._copied, *made, words(where)]
        self._to_page({"type": "share", "query": sharing.link_query(*what, self._label, at)})

    def export(self) -> None:
        """Offer the frame as CSV or NetCDF and the figure as PNG or SVG."""
        offered = [button(kind, "", f"Save as {kind}", partial(self._save, kind)) for kind in (*_FILES, *_PICTURES)]
        self.children = [row(offered, "labcore-toolbar")]

    def sweep(self, values: Callable[[], dict[str, Any]], view: Callable[[xr.Dataset], Spec]) -> None:
        """Offer to run the experiment over a grid, with `values()` for what is not swept."""
        if self._sweep is None:
            from widgets.benches.sweep_panel import SweepPanel  # with Dask, which no bench needs before

            self._sweep = SweepPanel(self._experiment, values, view)
        self.children = [self._sweep]

    def shut(self) -> None:
        self.children = []

    def stop(self) -> None:
        """End the sweep that is under way."""
        if self._sweep is not None:
            self._sweep.stop()

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take what a page says: "hand", where a button was pressed; "shared", its address; "copied", if it was."""
        if message["type"] == "hand":
            self._hand = message["view"]
        elif message["type"] == "shared":
            self._link.value = sharing.public_link(message["url"])
            self._to_page({"type": "copy", "text": self._link.value})
        else:
            said = "The link is copied." if message["done"] else "The link is selected: Ctrl+C, or Cmd+C, copies it."
            self._copied.value = f'<span role="status">{said}</span>'

    def _save(self, kind: str) -> None:
        frame = self._frame()
        if frame is None:
            return
        name = self._experiment.id
        if "without" in frame.attrs:
            name = f"{name} without {frame.attrs['without']}".replace(" ", "-")
        if kind in _FILES:
            suffix, mime, convert = _FILES[kind]
            self._to_page({"type": "file", "name": f"{name}.{suffix}", "mime": mime}, buffers=[convert(frame)])
        else:
            self._to_page({"type": "image", "format": kind.lower(), "name": f"{name}.{kind.lower()}"})

    def _to_page(self, message: dict[str, Any], **more: Any) -> None:
        self._plot.send(message | {"view": self._hand}, **more)
