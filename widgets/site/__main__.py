"""python -m widgets.site FOLDER [lesson ...]: write the lessons as pages that need no server and no network."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from widgets.site import lessons

JOBS = max(2, min(os.cpu_count() or 2, 4))  # each has about a gigabyte


def main() -> None:
    every = lessons.names()
    parser = argparse.ArgumentParser(prog="python -m widgets.site", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pages are written")
    parser.add_argument("lessons", nargs="*", help="such as kan/edge_bases; all when none is named")
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"lessons that are executed at a time (default: {JOBS})")
    asked = parser.parse_args()
    named = [name.removesuffix(".ipynb") + ".ipynb" for name in asked.lessons]
    if unknown := [name for name in named if name not in every]:
        parser.error(f"there is no lesson {unknown[0]}; there are {', '.join(every)}")
    began, failed = time.monotonic(), []
    lessons.write_shared(asked.folder)
    with ProcessPoolExecutor(max_workers=max(asked.jobs, 1)) as pool:
        futures = {pool.submit(lessons.build, name, asked.folder): name for name in named or every}
        for future in as_completed(futures):
            try:
                print(future.result(), flush=True)
            except Exception as error:  # noqa: BLE001 - the other lessons are written all the same
                failed.append(futures[future])
                print(f"{futures[future]}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    lessons.write_index(asked.folder, [n for n in every if (asked.folder / n).with_suffix(".html").is_file()])
    print(f"{asked.folder / 'index.html'}: {time.monotonic() - began:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
