"""Lessons to print: python -m widgets.site.handouts PAGES FOLDER [lesson ...]

From the pages of `python -m widgets.site` it writes two of each lesson: one with the questions and room for answers,
one with the solutions. Where there is a Chromium it writes them as PDF too; LABCORE_CHROMIUM names another one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

from bs4 import BeautifulSoup

from widgets.site import lessons

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT = 120  # seconds that one PDF may take
_SET = r"""<script>
renderMathInElement(document.body, { output: "mathml", throwOnError: false, delimiters: [
  { left: "$$", right: "$$", display: true }, { left: "\\[", right: "\\]", display: true },
  { left: "$", right: "$", display: false }, { left: "\\(", right: "\\)", display: false }] });
</script>"""

Kind = Literal["questions", "solutions"]


def handout(html: str, kind: Kind) -> str:
    """A lesson's page as one to print: all folds open, and the answers only among the solutions."""
    soup = BeautifulSoup(html, "html.parser")
    for part in soup.select("script, .site-control, .site-buttons, .site-sketch, .site-top, .site-foot, .site-note"):
        part.decompose()
    for part in soup.select(".labcore-whole"):  # beside its essential lines it would be there twice
        part.decompose()
    if kind == "questions":
        for part in soup.select(".site-answer, .site-exercise details"):
            part.decompose()
        for part in soup.select(".site-exercise, .site-question"):
            part.append(soup.new_tag("div", attrs={"class": "site-room"}))
    for fold in soup.select("details"):
        fold["open"] = ""
    for part in soup.select("input"):
        part["disabled"] = ""
    soup.body["class"] = "labcore-page site-handout"
    head = soup.select_one("h1")
    if head is not None and kind == "solutions":
        head.insert_after(BeautifulSoup("<p><b>With the solutions</b></p>", "html.parser"))
    up = soup.select_one("link[rel=stylesheet]")["href"].removesuffix("shared/lessons.css")
    scripts = "".join(f'<script src="{up}shared/{name}"></script>' for name in ("katex.min.js", "auto-render.min.js"))
    soup.body.append(BeautifulSoup(scripts + _SET, "html.parser"))
    return str(soup)


def browser() -> str | None:
    """The browser that prints."""
    return os.environ.get("LABCORE_CHROMIUM") or next((p for n in BROWSERS if (p := shutil.which(n))), None)


def to_pdf(program: str, page: Path) -> Path:
    """Print a page beside itself. Raises subprocess's errors."""
    target = page.with_suffix(".pdf")
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # Chromium refuses root otherwise
    words = [
        program,
        "--headless",
        "--disable-gpu",
        *root,
        "--no-pdf-header-footer",
        f"--print-to-pdf={target.resolve()}",
    ]
    subprocess.run([*words, page.resolve().as_uri()], check=True, timeout=WAIT, capture_output=True)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m widgets.site.handouts", description=__doc__)
    parser.add_argument("pages", type=Path, help="the folder that python -m widgets.site wrote")
    parser.add_argument("folder", type=Path, help="where the handouts are written")
    parser.add_argument("lessons", nargs="*", help="such as kan/edge_bases; all that have a page when none is named")
    asked = parser.parse_args()
    named = [Path(name).with_suffix(".html") for name in asked.lessons or lessons.names()]
    there = [name for name in named if (asked.pages / name).is_file()]
    if len(there) < len(named) and asked.lessons or not there:
        parser.error(
            f"{asked.pages} has no page of {' '.join(str(n.with_suffix('')) for n in named if n not in there)}"
        )
    lessons.write_shared(asked.folder, moving=False)
    program = browser()
    for name in there:
        html = (asked.pages / name).read_text(encoding="utf-8")
        for kind in ("questions", "solutions"):
            target = asked.folder / name.with_name(f"{name.stem}-{kind}.html")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(handout(html, kind), encoding="utf-8")
            print(target if program is None else to_pdf(program, target), flush=True)
    if program is None:
        print(f"No PDF: there is no Chromium (looked for {', '.join(BROWSERS)}).", file=sys.stderr)


if __name__ == "__main__":
    main()
