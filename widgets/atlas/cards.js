// The atlas of papers. Search and filters run in the page: no kernel is asked while a person types.

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

// In JupyterLab a click opens the lesson as a tab (its command linker listens on the page); everywhere else, and for a
// middle click, the address does. Both start from the folder that this notebook stands in.
function link(paper) {
  const anchor = element("a", { textContent: paper.title, href: paper.link });
  const lab = location.pathname.match(/\/(?:lab|notebooks)(?:\/workspaces\/[^/]+)?(?:\/tree)?(?:\/(.*?)[^/]*\.ipynb)?$/);
  if (document.getElementById("jupyter-config-data") && lab && document.querySelector(".jp-LabShell")) {
    const folder = lab[1] ?? "notebooks/";
    const base = JSON.parse(document.getElementById("jupyter-config-data").textContent).baseUrl ?? "/";
    anchor.href = `${base}lab/tree/${folder}${paper.link}`;
    anchor.dataset.commandlinkerCommand = "docmanager:open";
    anchor.dataset.commandlinkerArgs = JSON.stringify({ path: decodeURIComponent(folder) + paper.link });
  }
  return anchor;
}

function verdicts(paper) {
  if (!paper.claims) return "";
  const measured = Object.entries(paper.verdicts);
  if (!measured.length) return `${paper.claims} claims, not measured here yet`;
  const words = { holds: "hold", "not reproduced": "not reproduced", broken: "BROKEN", surprise: "hold against their entry" };
  return "claims: " + measured.map(([verdict, n]) => `${n} ${words[verdict]}`).join(", ");
}

function card(paper, theme) {
  const picture = element("div", { className: "labcore-preview", innerHTML: paper.preview });
  picture.setAttribute("aria-hidden", "true");
  if (!paper.preview) picture.append(element("span", { textContent: theme.title }));
  const ready = paper.status === "ready";
  const made = element(
    "article",
    { className: `labcore-paper ${paper.status}` },
    picture,
    element("h3", {}, ready ? link(paper) : paper.title),
    element("p", { className: "labcore-facts", textContent: `${paper.year} · ${theme.title} · ${ready ? "ready" : "planned"}` }),
    element("p", { textContent: paper.idea }),
  );
  if (ready) made.append(element("p", { className: "labcore-facts", textContent: verdicts(paper) }));
  made.dataset.key = paper.key;
  return made;
}

function render({ model, el }) {
  const papers = model.get("papers");
  const themes = Object.fromEntries(model.get("themes").map((t) => [t.key, t]));
  const years = [...new Set(papers.map((p) => p.year))].sort();
  const choice = (label, options) => {
    const select = element("select", { ariaLabel: label }, ...options.map(([value, text]) => element("option", { value, textContent: text })));
    return select;
  };
  const words = element("input", { type: "search", placeholder: "Search titles and ideas", ariaLabel: "Search titles and ideas" });
  const theme = choice("Theme", [["", "all themes"], ...Object.values(themes).map((t) => [t.key, t.title])]);
  const since = choice("From year", [["", "from any year"], ...years.map((y) => [y, `from ${y}`])]);
  const until = choice("To year", [["", "to any year"], ...years.map((y) => [y, `to ${y}`])]);
  const status = choice("Status", [["", "ready and planned"], ["ready", "ready"], ["planned", "planned"]]);
  const count = element("p", { className: "labcore-count" });
  count.setAttribute("role", "status");
  const question = element("p", { className: "labcore-facts" });
  const grid = element("div", { className: "labcore-grid" });
  // the ready ones first: they are what a visitor can open
  const cards = [...papers].sort((a, b) => (b.status === "ready") - (a.status === "ready")).map((p) => [p, card(p, themes[p.theme])]);
  grid.append(...cards.map(([, c]) => c));
  const bar = element("div", { className: "labcore-filters" }, words, theme, since, until, status);
  el.append(element("div", { className: "labcore-atlas" }, bar, count, question, grid));

  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const [p, c] of cards) {
      const text = `${p.title} ${p.idea} ${p.key} ${p.year} ${themes[p.theme].title}`.toLowerCase();
      const shown =
        wanted.every((w) => text.includes(w)) && (!theme.value || p.theme === theme.value) && (!status.value || p.status === status.value) &&
        (!since.value || p.year >= +since.value) && (!until.value || p.year <= +until.value);
      c.hidden = !shown;
      n += shown;
    }
    count.textContent = n ? `${n} of ${papers.length} papers` : "No paper fits. Remove a filter or a word.";
    question.textContent = theme.value ? themes[theme.value].question : "";
  }
  for (const part of [words, theme, since, until, status]) part.addEventListener("input", filter);
  filter();
  el.firstChild.setAttribute("data-lm-suppress-shortcuts", "true");
}

export default { render };
