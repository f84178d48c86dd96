// The glossary in a lesson's prose: the first use of each term is marked, and says on hover, focus and tap what it means.
// Headings, links, code and formulas stay as they are. Also copies the lesson's links below the end of a page of Voila.

const PROSE = ".jp-RenderedMarkdown";
const LEFT_ALONE = "h1, h2, h3, h4, h5, h6, th, a, code, pre, button, script, style, svg, mjx-container, .MathJax, .labcore-term";
const LETTER = "[\\p{L}\\p{N}_-]";
const LATER = 250; // milliseconds in which a pointer may go from the word to its meaning

let made = 0; // over all glossaries of the page: the ids of meanings differ

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const written = (form) => (form.match(/\p{Lu}/gu) ?? []).length > 1; // STDP is only that
const MATH = /\$\$[\s\S]*?\$\$|\$[^$]*\$/g; // until MathJax has been there

// What finds the terms: one expression, and the term of each form.
function finder(terms) {
  const of = new Map();
  for (const term of terms) for (const form of term.every) of.set(written(form) ? form : form.toLowerCase(), term);
  const forms = [...of.keys()].sort((a, b) => b.length - a.length).map(escaped); // the longest first
  const pattern = new RegExp(`(?<!${LETTER})(${forms.join("|")})s?(?!${LETTER})`, "giu");
  return (text) => {
    if (((text.match(/\$/g) ?? []).length % 2) !== 0) return []; // a formula begins here and ends elsewhere
    const formulas = [...text.matchAll(MATH)].map((m) => [m.index, m.index + m[0].length]);
    return [...text.matchAll(pattern)]
      .filter((m) => !formulas.some(([from, to]) => from <= m.index && m.index < to))
      .map((m) => ({ at: m.index, text: m[0], term: of.get(m[1]) ?? of.get(m[1].toLowerCase()) }))
      .filter((found) => found.term);
  };
}

// A notebook may take cells out of the page that are out of sight, and with the first of them the look that it brings.
function keepLook(panel) {
  const look = panel.querySelector(".labcore-style");
  if (!look) return;
  panel.querySelector(".jp-Notebook").classList.add("labcore-page");
  document.head.querySelector(".labcore-style")?.remove();
  document.head.append(look.cloneNode(true));
}

function render({ model, el }) {
  el.style.display = "none";
  const panel = el.closest(".jp-NotebookPanel");
  const root = panel ?? document.body;
  if (panel) keepLook(panel);
  const find = finder(model.get("terms"));
  const own = `labcore-meaning-${++made}`;
  const leaving = new AbortController();
  const { signal } = leaving;
  let open, pinned, timer;

  const meaningOf = (word) => document.getElementById(word.getAttribute("aria-describedby"));

  function mark() {
    for (const prose of root.querySelectorAll(`${PROSE}:not([data-labcore-terms="${own}"])`)) {
      prose.dataset.labcoreTerms = own;
      const walker = document.createTreeWalker(prose, NodeFilter.SHOW_TEXT);
      const texts = [];
      while (walker.nextNode()) if (!walker.currentNode.parentElement.closest(LEFT_ALONE)) texts.push(walker.currentNode);
      for (const text of texts) markIn(text);
    }
  }

  // one after another, from behind, so that what stands before keeps its place
  function markIn(text) {
    const first = new Map();
    for (const found of find(text.data)) {
      const id = `${own}-${found.term.word.replace(/\W+/g, "-")}`;
      if (!first.has(id) && !root.querySelector(`[aria-describedby="${id}"]`)) first.set(id, found);
    }
    for (const [id, { at, text: said, term }] of [...first].reverse()) {
      const rest = text.splitText(at);
      rest.splitText(said.length);
      const word = document.createElement("span");
      word.className = "labcore-term";
      word.tabIndex = 0;
      word.setAttribute("role", "button");
      word.setAttribute("aria-expanded", "false");
      word.setAttribute("aria-describedby", id);
      word.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab's keys are the notebook's, not the word's
      rest.replaceWith(word);
      word.append(rest);
      if (document.getElementById(id)) continue;
      const meaning = document.createElement("div");
      Object.assign(meaning, { id, className: "labcore-meaning", hidden: true });
      meaning.setAttribute("role", "tooltip");
      const title = document.createElement("strong");
      title.textContent = `${term.word}: `;
      meaning.append(title, term.means);
      document.body.append(meaning);
    }
  }

  function place() {
    if (!open) return;
    const meaning = meaningOf(open);
    const word = open.getClientRects()[0];
    if (!word) return;
    const { width, height } = meaning.getBoundingClientRect();
    const edge = document.documentElement.clientWidth - 8;
    meaning.style.left = `${Math.max(8, Math.min(word.left, edge - width))}px`;
    const below = word.bottom + 6;
    meaning.style.top = `${below + height < innerHeight || word.top < height + 6 ? below : word.top - height - 6}px`;
  }

  function show(word) {
    clearTimeout(timer);
    if (open === word) return;
    hide();
    open = word;
    word.setAttribute("aria-expanded", "true");
    meaningOf(word).hidden = false;
    place();
  }

  function hide() {
    clearTimeout(timer);
    if (!open) return;
    open.setAttribute("aria-expanded", "false");
    const meaning = meaningOf(open);
    if (meaning) meaning.hidden = true;
    open = pinned = undefined;
  }

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => pinned || hide(), LATER);
  };
  const toggle = (word) => {
    if (pinned === word) return hide();
    show(word);
    pinned = word;
  };
  const wordOf = (event) => {
    const word = event.target.closest?.(".labcore-term");
    return word && root.contains(word) && word.getAttribute("aria-describedby").startsWith(own) ? word : undefined;
  };
  const inMeaning = (event) => open && meaningOf(open)?.contains(event.target);
  const on = (type, listener) => document.addEventListener(type, listener, { signal, capture: true });

  on("pointerover", (event) => {
    const word = wordOf(event);
    if (word && event.pointerType !== "touch") pinned || show(word);
    else if (inMeaning(event)) clearTimeout(timer);
  });
  on("pointerout", (event) => (wordOf(event) || inMeaning(event)) && document.activeElement !== open && later());
  on("focusin", (event) => wordOf(event)?.matches(":focus-visible") && show(wordOf(event)));
  on("focusout", (event) => wordOf(event) && later());
  on("click", (event) => wordOf(event) && toggle(wordOf(event)));
  on("pointerdown", (event) => open && !wordOf(event) && !inMeaning(event) && hide());
  on("keydown", (event) => {
    if (event.key === "Escape" && open) hide();
    else if ((event.key === "Enter" || event.key === " ") && wordOf(event)) {
      event.preventDefault();
      event.stopPropagation();
      toggle(wordOf(event));
    }
  });
  on("scroll", place);
  addEventListener("resize", place, { signal });

  mark();
  signal.addEventListener("abort", reachable(root));
  let ways;
  if (panel) {
    // cells are drawn as they come into sight, and anew when they are edited
    let waiting;
    const seen = new MutationObserver(() => {
      waiting ??= setTimeout(() => {
        waiting = undefined;
        mark();
      }, 300);
    });
    seen.observe(root, { childList: true, subtree: true });
    signal.addEventListener("abort", () => (seen.disconnect(), clearTimeout(waiting)));
  } else {
    const above = document.querySelector("nav.labcore-way");
    const last = [...document.querySelectorAll(".jp-Cell")].at(-1);
    if (above && last) {
      ways = above.cloneNode(true);
      ways.setAttribute("aria-label", "Lessons, below the lesson");
      last.after(ways);
    }
  }

  return () => {
    hide();
    leaving.abort();
    ways?.remove();
    panel?.querySelector(".jp-Notebook").classList.remove("labcore-page");
    for (const word of root.querySelectorAll(`[aria-describedby^="${own}-"]`)) {
      meaningOf(word)?.remove();
      const parent = word.parentNode;
      word.replaceWith(...word.childNodes);
      parent.normalize();
    }
    for (const prose of root.querySelectorAll(`[data-labcore-terms="${own}"]`)) delete prose.dataset.labcoreTerms;
  };
}

export default { render };
