"""The atlas: all papers of the catalogue as cards to search, filter and open."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from IPython.display import HTML

from labcore import catalog, ledger
from widgets.benches.front_end import is_static


def row(paper: catalog.Paper) -> dict[str, Any]:
    """What the page knows of one paper."""
    preview = paper.folder / "preview.svg"
    verdicts = Counter(entry.verdict for entry in ledger.recorded(paper.key))
    return {
        "key": paper.key,
        "title": paper.title,
        "year": paper.year,
        "theme": paper.theme,
        "idea": paper.idea,
        "status": paper.status,
        "link": paper.notebook.removeprefix("notebooks/"),
        "preview": preview.read_text(encoding="utf-8") if preview.exists() else "",
        "claims": len(paper.claims),
        "verdicts": dict(verdicts),
    }


class Atlas(anywidget.AnyWidget):
    """Cards with a search box and filters for theme, years and status; filtering happens in the page."""

    _esm = Path(__file__).parent / "cards.js"
    _css = Path(__file__).parent / "cards.css"

    papers = traitlets.List().tag(sync=True)
    themes = traitlets.List().tag(sync=True)


def atlas() -> Atlas | HTML:
    """The atlas of the whole catalogue; executed as a batch, a plain list."""
    rows = [row(paper) for paper in catalog.papers()]
    if is_static():
        items = "".join(
            f"<li><b>{escape(r['title'])}</b> ({r['year']}, {r['theme']}, {r['status']}): {escape(r['idea'])}</li>"
            for r in rows
        )
        return HTML(f"<ul>{items}</ul>")
    themes = [{"key": t.key, "title": t.title, "question": t.question} for t in catalog.themes()]
    return Atlas(papers=rows, themes=themes)
