"""What axe-core says of a page: the faults that keep somebody from using it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

GRAVE = ("serious", "critical")
THERE = find_spec("axe_playwright_python") is not None
needed = pytest.mark.skipif(not THERE, reason="axe-playwright-python is not installed")

# each rule that is broken, how often, and the first place with the reason
_RUN = """async (rules) => {
  const only = rules.length && { runOnly: { type: "rule", values: rules } };
  const { violations } = await axe.run(document, { resultTypes: ["violations"], preload: false, ...only });
  const told = ({ any, all, none }) => [...any, ...all, ...none].map((check) => check.message).join("; ");
  return violations.map(({ id, impact, nodes }) =>
    [impact, `${id} (${nodes.length}): ${nodes[0].html.slice(0, 200)}: ${told(nodes[0])}`]);
}"""


def grave_faults(page) -> list[str]:
    """The serious and critical faults of a page, on light and, where colours decide, on dark."""
    from axe_playwright_python.base import AXE_SCRIPT

    page.evaluate(f"() => {{ {AXE_SCRIPT} }}")
    found = []
    for theme, rules in (("light", []), ("dark", ["color-contrast"])):
        page.emulate_media(color_scheme=theme)
        page.wait_for_timeout(300)  # figures change their colours
        found += [f"{theme}: {said}" for impact, said in page.evaluate(_RUN, rules) if impact in GRAVE]
    page.emulate_media(color_scheme="light")
    return found
