"""Contact sheets: every bench of every lesson as the gallery shows it, for a person to look at.

    python -m tests.browser.sheets FOLDER [--lessons WORD] [--widths 1280,1024,390] [--themes light,dark]

A sheet holds the benches of one lesson at one width in one theme, as they stand when their questions are passed by.
Beside the sheets, `seen.txt` names what a program can see: parts wider than the window, and errors of the console.
"""

from __future__ import annotations

import argparse
import base64
from pathlib import Path

from labcore import catalog
from tests.browser.conftest import launched, leave, serve_voila
from tests.browser.front import benches_in, open_in_voila, wait_for_figures

HEIGHT = 900
COLUMNS = {1280: 3, 1024: 3, 390: 6}
# parts of a bench that stand out of the window, where the page itself does not scroll sideways
WIDE = """() => [...document.querySelectorAll('.labcore-bench *')].filter(
  e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.js-plotly-plot, svg')
).map(e => `${e.tagName}.${e.className}`.slice(0, 80))"""


def sheet(page, pictures: list[bytes], columns: int, width: int, place: Path) -> None:
    """All pictures on one page, in the order of the lesson."""
    sources = [f"data:image/png;base64,{base64.b64encode(picture).decode()}" for picture in pictures]
    images = "".join(
        f'<figure><img src="{source}"><figcaption>{n}</figcaption></figure>' for n, source in enumerate(sources, 1)
    )
    style = (
        f"body {{ columns: {columns}; margin: 8px; background: #888; font: 20px sans-serif }} "
        f"figure {{ margin: 0 0 8px; break-inside: avoid }} img {{ width: 100% }}"
    )
    page.set_viewport_size({"width": min(columns * width, 2400), "height": 400})
    page.set_content(f"<!doctype html><style>{style}</style>{images}")
    page.screenshot(path=place, full_page=True)


def look(browser, url: str, lesson: str, folder: Path, widths: list[int], themes: list[str]) -> list[str]:
    """Make the sheets of a lesson; what was seen besides."""
    name, said = Path(lesson).stem, []
    page = browser.new_page(viewport={"width": widths[0], "height": HEIGHT})
    page.on("console", lambda m: said.append(f"{name}: {m.text[:200]}") if m.type == "error" else None)
    open_in_voila(page, url, lesson)
    wait_for_figures(page, benches_in(lesson), 300)
    skip = page.get_by_role("button", name="Skip")
    for left in range(skip.count(), 0, -1):
        skip.first.click()
        skip.nth(left - 1).wait_for(state="detached")
    wait_for_figures(page, benches_in(lesson), 300)
    benches = page.locator(".labcore-bench")
    with_sheets = browser.new_page()
    for width in widths:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        for theme in themes:
            page.emulate_media(color_scheme=theme)
            page.wait_for_timeout(1500)
            said += [
                f"{name} {width} {theme}: wider than the window: {part}" for part in sorted(set(page.evaluate(WIDE)))
            ]
            pictures = []
            for number in range(benches.count()):
                # Voila's page scrolls inside a frame: what is taller than the window would be cut
                tall = benches.nth(number).bounding_box()["height"]
                page.set_viewport_size({"width": width, "height": max(HEIGHT, round(tall) + 40)})
                benches.nth(number).scroll_into_view_if_needed()
                page.wait_for_timeout(200)
                pictures.append(benches.nth(number).screenshot())
            sheet(with_sheets, pictures, COLUMNS.get(width, 3), width, folder / f"{name}-{width}-{theme}.png")
    with_sheets.close()
    leave(page)
    page.close()
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lessons", default="", help="only those whose names contain this")
    parser.add_argument("--widths", default="1280,1024,390")
    parser.add_argument("--themes", default="light,dark")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    widths = [int(width) for width in chosen.widths.split(",")]
    lessons = sorted({p.notebook for p in catalog.papers() if p.status == "ready" and chosen.lessons in p.notebook})
    server = serve_voila("notebooks", chosen.folder / "log")
    url, said = next(server), []
    with launched() as browser:
        for lesson in lessons:
            try:
                said += look(browser, url, lesson, chosen.folder, widths, chosen.themes.split(","))
            except Exception as error:  # noqa: BLE001 - the other lessons can be looked at
                said.append(f"{lesson}: {error}")
            print(lesson, flush=True)
    server.close()
    (chosen.folder / "seen.txt").write_text("\n".join(said) + "\n")
    print("\n".join(said))


if __name__ == "__main__":
    main()
