// Links of the prose that move a bench: [ten million steps](#double_descent.model_wise?steps=10000000), by the name that
// the bench has in its lesson.
//
// One listener a page hears them before anybody else does: JupyterLab would look for a heading of that name. A link means
// the figures of its own notebook, whose views tell where that is; whether they are on the page just now is no matter, for
// the kernel knows which bench has the name and what the values mean. Where no kernel listens, nothing happens.

const LINK = /^#([^?#]+)\?(.*)$/s, NOTEBOOK = ".jp-NotebookPanel";

// What all figures of a page share; each has a module of its own.
const links = (globalThis.labcoreLinks ??= {
  page: Math.random().toString(36).slice(2), // its name for the kernel, which other pages may have open too
  views: 0,
  figures: new Map(), // of a widget manager, which is one notebook's: its figures
  homes: new WeakMap(), // of a notebook on the page: its widget manager
  last: null, // the link that was followed last
  waits: null, // takes away what says that its answer is late
});

const PROMPT = 500; // milliseconds that an answer of the kernel may take unsaid

// Beside a link, the word that it was heard: the kernel may be busy with another bench.
function awaitAnswer(link) {
  links.waits?.();
  const word = Object.assign(document.createElement("span"), { className: "labcore-waits", textContent: " waits for Python, which is computing …" });
  word.setAttribute("role", "status");
  const late = setTimeout(() => link.after(word), PROMPT);
  links.waits = () => { clearTimeout(late); word.remove(); links.waits = null; };
}

// A figure that has come, and what takes it away.
function linkable(model) {
  const { figures } = links, manager = model.widget_manager;
  if (!figures.has(manager)) figures.set(manager, new Set());
  figures.get(manager).add(model);
  return () => {
    figures.get(manager)?.delete(model);
    if (!figures.get(manager)?.size) figures.delete(manager);
  };
}

const homeOf = (element) => element.closest(NOTEBOOK) ?? document.body;

const alive = async (model) =>
  (await modelOf(model, model.get("library")).catch(() => null))?.comm_live !== false;

function followLinks() {
  if (links.listening) return;
  links.listening = true;
  document.addEventListener("click", async (event) => {
    const back = event.target.closest?.(".labcore-back button") && links.last;
    if (back?.isConnected) {
      bringIntoView(back);
      back.focus({ preventScroll: true });
    }
    const link = event.target.closest?.("a[href^='#']");
    const [, name, values] = link?.getAttribute("href").match(LINK) ?? [];
    if (!name || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const named = [...(links.figures.get(links.homes.get(homeOf(link))) ?? [])].filter((m) => m.get("bench_id") === name);
    if (!named.length) return; // a heading's, or a figure's that is not there
    event.preventDefault();
    event.stopPropagation();
    for (const model of named) {
      if (!(await alive(model))) continue;
      links.last = link;
      awaitAnswer(link);
      return model.send({ type: "link", name, values, page: links.page });
    }
  }, true);
}

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// As little as is needed; what is taller than the window begins at its top.
function bringIntoView(element) {
  const tall = element.getBoundingClientRect().height > innerHeight;
  element.scrollIntoView({ block: tall ? "start" : "nearest", behavior: calm() ? "auto" : "smooth" });
}

// Put words on the clipboard. A page without https has none: there the words are selected in the box that shows them.
async function copy(text, box) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    for (let tries = 0; box()?.value !== text && tries < 40; tries++) await new Promise((done) => setTimeout(done, 50));
    box()?.focus();
    box()?.select();
    return false;
  }
}
