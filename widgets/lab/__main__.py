"""python -m widgets.lab: note what the lessons say, after one was changed, so that JupyterLab starts it again."""

from __future__ import annotations

import json

from widgets.lab.lessons import RECORD, digests

RECORD.write_text(json.dumps(digests(), indent=1) + "\n", encoding="utf-8", newline="\n")
