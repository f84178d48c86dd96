"""What a page of an executed lesson shows before its scripts have come: its words, and its benches.

Voila hides a page until the last of its scripts has chosen a theme, which here is in the page, and puts every output
into it as a text that these scripts make a part of it: a second or more after its words have come. Here HTML stands in
the page as HTML, and for each bench there is what it will show first, of which it takes the place when it is drawn.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping

from widgets.benches.early import style

EARLY = "labcore_early"  # in a notebook's metadata: what stands for each bench, by the name of its model

_OUTPUT = re.compile(r'<script type="application/vnd\.voila\.cell-output\+json">\s*(\{[^<]*\})\s*</script>')
_AS_SHOWN = '<div class="jp-RenderedHTMLCommon jp-RenderedHTML jp-OutputArea-output" data-mime-type="text/html">'
_WIDGET = "application/vnd.jupyter.widget-view+json"
_SCRIPTED = re.compile(r"<script|\$|\\[(\[]")  # HTML with scripts, or with formulas to be set
_HEAD = "<style>STYLE</style><script>themeLoaded = true;</script>"


def with_early(page: str, benches: Mapping[str, str]) -> str:
    """The page as it can be shown at once, with these benches in it, by the names of their models."""

    def stands(output: re.Match[str]) -> str:
        data = json.loads(output[1]).get("data", {})
        model = data.get(_WIDGET, {}).get("model_id")
        if model in benches:
            return benches[model] + output[0]
        html = data.get("text/html", "")
        if not html or not data.keys() <= {"text/html", "text/plain"} or _SCRIPTED.search(html):
            return output[0]
        return f"{_AS_SHOWN}{html}</div>"

    return _OUTPUT.sub(stands, page).replace("</title>", f"</title>{_head()}", 1)


@functools.cache
def _head() -> str:
    return _HEAD.replace("STYLE", style())
