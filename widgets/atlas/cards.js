// The index: cards that Python made, sorted along a path and hidden by a search. No kernel is asked while a person types.

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

// as `labcore.search.fold`
const fold = (text) =>
  (text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "").match(/[a-z0-9]+/g) ?? []).join(" ").replaceAll("s", "z");

// as `labcore.search.fits`
const fits = (typed, text) =>
  fold(typed).split(" ").filter(Boolean).every((word) => ` ${text}`.includes(` ${word.length > 3 ? word.replace(/z$/, "") : word}`));

// In JupyterLab a click opens the lesson as a tab (its command linker listens on the page); everywhere else, and for a
// middle click, the address does. Both start from the folder that this notebook stands in.
function lead(anchor) {
  const to = anchor.getAttribute("href");
  if (/^https?:/.test(to)) {
    Object.assign(anchor, { target: "_blank", rel: "noopener" });
    return;
  }
  const lab = location.pathname.match(/\/(?:lab|notebooks)(?:\/workspaces\/[^/]+)?(?:\/tree)?(?:\/(.*?)[^/]*\.ipynb)?$/);
  if (document.getElementById("jupyter-config-data") && lab && document.querySelector(".jp-LabShell")) {
    const folder = lab[1] ?? "notebooks/";
    const base = JSON.parse(document.getElementById("jupyter-config-data").textContent).baseUrl ?? "/";
    anchor.href = `${base}lab/tree/${folder}${to}`;
    anchor.dataset.commandlinkerCommand = "docmanager:open";
    anchor.dataset.commandlinkerArgs = JSON.stringify({ path: decodeURIComponent(folder) + to });
  }
}

// Buttons of which one is pressed.
function choice(label, options, chosen) {
  const group = element("div", { className: "labcore-choice", role: "group", ariaLabel: label });
  const press = (value) => {
    for (const button of group.children) button.setAttribute("aria-pressed", button.value === value);
    group.dataset.value = value;
    chosen();
  };
  for (const [value, text] of options) group.append(element("button", { type: "button", value, textContent: text, onclick: () => press(value) }));
  return { group, press };
}

function render({ model, el }) {
  const themes = model.get("themes");
  const ways = model.get("paths");
  const parsed = (html) => [...element("div", { innerHTML: html }).children];
  const lessons = parsed(model.get("lessons"));
  const papers = parsed(model.get("papers"));
  const named = Object.fromEntries(lessons.map((card) => [card.dataset.name, card]));
  for (const card of [...lessons, ...papers]) card.querySelectorAll("a").forEach(lead);

  const search = element("input", { type: "search", placeholder: "Search: Hopfield, spline, STDP, ...", ariaLabel: "Search" });
  const count = element("p", { className: "labcore-count" });
  count.setAttribute("role", "status");
  const other = element("button", { type: "button", className: "labcore-other", hidden: true });
  const note = element("p", { className: "labcore-facts" });
  const place = element("div");
  const list = element("div", { className: "labcore-papers" }, ...papers);
  const years = [...new Set(papers.map((p) => p.dataset.year))].sort();
  const select = (label, options) =>
    element("select", { ariaLabel: label, oninput: () => filter() }, ...options.map(([value, text]) => element("option", { value, textContent: text })));
  const theme = select("Theme", [["", "all themes"], ...themes.map((t) => [t.key, t.title])]);
  const since = select("From year", [["", "from any year"], ...years.map((y) => [y, `from ${y}`])]);
  const until = select("To year", [["", "to any year"], ...years.map((y) => [y, `to ${y}`])]);
  const status = select("Status", [["", "ready and planned"], ["ready", "ready"], ["planned", "planned"]]);
  const filters = element("div", { className: "labcore-filters" }, theme, since, until, status);

  let groups = [];
  const way = choice("Path", ways.map((w, i) => [String(i), w.label]), () => {
    const chosen = ways[way.group.dataset.value];
    groups = chosen.groups.map((g) => {
      const cards = g.names.map((name) => named[name]);
      const grid = element("div", { className: "labcore-grid" }, ...cards);
      return { cards, section: element("section", {}, ...(g.title ? [element("h2", { textContent: g.title })] : []), grid) };
    });
    place.replaceChildren(...groups.map((g) => g.section));
    filter();
  });
  const view = choice("Order", [["question", "By question"], ["paper", "By paper"]], () => filter());

  function shown(card) {
    const d = card.dataset;
    return (
      fits(search.value, d.text) && (!theme.value || d.theme === theme.value) && (!status.value || d.status === status.value) &&
      (!since.value || +d.year >= +since.value) && (!until.value || +d.year <= +until.value)
    );
  }

  function filter() {
    const byPaper = view.group.dataset.value === "paper";
    const typed = fold(search.value);
    let n = 0, all = 0;
    for (const { cards, section } of groups) {
      for (const card of cards) card.hidden = !fits(search.value, card.dataset.text);
      const seen = cards.filter((card) => !card.hidden).length;
      section.hidden = !seen;
      n += seen;
      all += cards.length;
    }
    for (const card of papers) card.hidden = !shown(card);
    const found = papers.filter((card) => !card.hidden).length;
    const lessonsInAll = typed ? lessons.filter((card) => fits(search.value, card.dataset.text)).length : lessons.length;
    for (const part of [place, way.group]) part.hidden = byPaper;
    for (const part of [list, filters]) part.hidden = !byPaper;
    const question = themes.find((t) => t.key === theme.value)?.question ?? "";
    note.textContent = byPaper ? question : `${ways[way.group.dataset.value]?.note ?? ""} ${model.get("rule")}`;
    if (byPaper) count.textContent = found ? `${found} of ${papers.length} papers` : "No paper fits. Remove a filter or a word.";
    else count.textContent = n ? `${n} of ${all} lessons` : "No lesson of this path fits.";
    // what was typed may be found the other way only
    const there = byPaper ? lessonsInAll : papers.filter((card) => fits(search.value, card.dataset.text)).length;
    other.hidden = !typed || !there;
    other.textContent = byPaper ? `See ${there} ${there === 1 ? "lesson" : "lessons"}` : `See ${there} ${there === 1 ? "paper" : "papers"}`;
  }
  other.onclick = () => {
    if (view.group.dataset.value === "paper") way.press("0");
    view.press(view.group.dataset.value === "paper" ? "question" : "paper");
  };
  search.addEventListener("input", filter);

  el.append(
    element(
      "div",
      { className: "labcore-atlas" },
      element("p", { textContent: model.get("summary"), className: "labcore-summary" }),
      ...(model.get("notes") ? [element("p", {}, element("a", { href: model.get("notes"), textContent: "Notes for teachers" }))] : []),
      element("div", { className: "labcore-filters" }, search, view.group),
      way.group,
      filters,
      element("div", { className: "labcore-found" }, count, other),
      note,
      place,
      list,
    ),
  );
  way.press("0");
  view.press("question");
  el.firstChild.setAttribute("data-lm-suppress-shortcuts", "true");
}

export default { render };
