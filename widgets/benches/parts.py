"""The plain widgets of our pages, made light.

A widget of ipywidgets brings two models more, its Layout and its Style; a bench would have a hundred of them, and a
page of benches five hundred models to build, send and draw. Widgets that look alike share theirs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w


@functools.cache
def layout(**size: str) -> w.Layout:
    """The shared Layout of this size: never change one.

    Made when first asked for and not on import: a widget made before its kernel runs has no page to talk to.
    """
    return w.Layout(**size)


@functools.cache
def style(kind: type[w.Widget], **values: str) -> w.Widget:
    """The shared Style of widgets of this kind, such as `ipywidgets.Button`: never change one."""
    return kind.class_traits()["style"].klass(**values)


def _dressed(widget: w.DOMWidget, css: str) -> Any:
    if css:
        widget.add_class(css)
    return widget


def words(html: str = "", css: str = "") -> w.HTML:
    """Text that is HTML: escape what a person or a file said."""
    return _dressed(w.HTML(html, layout=layout(), style=style(w.HTML)), css)


def markdown(text: str) -> str:
    """The HTML of words of the house in Markdown, with formulas between $ and $ left to the page."""
    import mistune

    return mistune.create_markdown(escape=False, plugins=["math", "table"])(text)


def prose(text: str, css: str = "") -> w.HTMLMath:
    """Words of the house in Markdown, with formulas between $ and $."""
    return _dressed(w.HTMLMath(markdown(text), layout=layout(), style=style(w.HTMLMath)), css)


def button(
    text: str = "", icon: str = "", tip: str = "", press: Callable[[], None] | None = None, kind: str = "", **more: Any
) -> w.Button:
    """A button that calls `press()`; `kind` is ipywidgets' `button_style`, `more` are sizes of the layout."""
    look = {"layout": layout(**more), "style": style(w.Button)}
    made = w.Button(description=text, icon=icon, tooltip=tip or None, button_style=kind, **look)
    if press is not None:
        made.on_click(lambda _: press())
    return made


def switch(text: str, tip: str, turned: Callable[[bool], None]) -> w.ToggleButton:
    """A button that stays down, and calls `turned(down)`."""
    look = {"layout": layout(), "style": style(w.ToggleButton)}
    made = w.ToggleButton(description=text, tooltip=tip, **look)
    made.observe(lambda change: turned(change["new"]), "value")
    return made


def line(
    label: str = "", value: str = "", *, label_width: str = "", size: dict[str, str] | None = None, **more: Any
) -> w.Text:
    """A line that a person can type in."""
    named = {"description_width": label_width} if label_width else {}
    return w.Text(value=value, description=label, layout=layout(**(size or {})), style=style(w.Text, **named), **more)


def row(children: Sequence[w.Widget], css: str = "") -> w.Box:
    return _dressed(w.Box(children, layout=layout()), css)


def column(children: Sequence[w.Widget] = (), css: str = "") -> w.VBox:
    return _dressed(w.VBox(children, layout=layout()), css)


def show(widget: w.DOMWidget, shown: bool) -> None:
    """Take a widget out of the page, or put it back, by a class and so without a Layout of its own."""
    (widget.remove_class if shown else widget.add_class)("labcore-hidden")


def is_shown(widget: w.DOMWidget) -> bool:
    return "labcore-hidden" not in widget._dom_classes


def said(error: BaseException | str) -> str:
    """What an error, or the line that a sweep keeps of one, tells a person."""
    text = str(error)
    # numpy, numba and Python raise MemoryError, torch a RuntimeError
    if isinstance(error, MemoryError) or "MemoryError: " in text or "can't allocate memory" in text:
        return "Memory is short: this run needs more than it may have. Try smaller values."
    return text or type(error).__name__
