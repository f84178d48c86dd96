// A lesson without a kernel. Each bench has its figures packed beside it; they are drawn by the code of a live bench,
// which finds here a model that is like the kernel's: labcorePlot and labcoreSketch are those modules.

const SHARED = new URL(".", document.currentScript.src).href;
const LINK = /^#([^?#]+)\?(.*=.*)$/s;
const SCRIPTS = { cartesian: "plotly-cartesian.min.js", whole: "plotly.min.js" };
const PATIENCE = 15_000; // milliseconds after which an answer is told, whatever the film does
const LESSON = document.body.dataset.lesson;
const benches = new Map();

// A page from a file cannot import: a library is a script that leaves a global name.
const scripts = {};
globalThis.labcorePlotly = (name) => (scripts[name] ??= new Promise((done, failed) => {
  const script = Object.assign(document.createElement("script"), { src: SHARED + SCRIPTS[name] });
  script.onload = () => done(globalThis.Plotly);
  script.onerror = () => failed(new Error(`${SCRIPTS[name]} is not beside the lessons`));
  document.head.append(script);
}));

const manager = { get_model: async (name) => ({ get: () => name }) };

class Model {
  widget_manager = manager;
  #heard = new Map();
  constructor(state, hear = () => {}) {
    Object.assign(this, { state, hear });
  }
  get(name) { return this.state[name]; }
  set(name, value) { this.put({ [name]: value }); }
  put(values) {
    Object.assign(this.state, values);
    for (const name of Object.keys(values)) this.tell(`change:${name}`);
  }
  on(names, listener) { for (const name of names.split(" ")) this.#heard.set(name, [...(this.#heard.get(name) ?? []), listener]); }
  off(names, listener) { for (const name of names.split(" ")) this.#heard.set(name, (this.#heard.get(name) ?? []).filter((l) => l !== listener)); }
  tell(name, ...more) { for (const listener of this.#heard.get(name) ?? []) listener(...more); }
  send(message) { this.hear(message); }
  save_changes() {}
}

const through = (data, stream) => new Response(new Blob([data]).stream().pipeThrough(stream));

// The pack of widgets/site/packed.py: its facts, and its figures one after another.
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const all = await through(bytes, new DecompressionStream("gzip")).arrayBuffer();
  const length = new DataView(all).getUint32(0, true), start = 4 + length;
  const facts = JSON.parse(new TextDecoder().decode(new Uint8Array(all, 4, length)));
  const arrays = new Map(), flat = new Map();
  const numbers = (place) => {
    const key = JSON.stringify(place), [offset, shape, low, step, log] = place;
    if (!arrays.has(key)) {
      const value = (q) => {
        if (q === 65535) return null;
        if (log) return q === 65534 ? 0 : Math.exp(low + step * q);
        return low + step * q;
      };
      const made = Array.from(new Uint16Array(all, start + offset, shape.reduce((a, b) => a * b)), value);
      arrays.set(key, shape.length === 1 ? made : Array.from({ length: shape[0] }, (_, r) => made.slice(r * shape[1], (r + 1) * shape[1])));
    }
    return arrays.get(key);
  };
  const specs = facts.changes.map(({ set, drop }) => {
    for (const path of drop) flat.delete(JSON.stringify(path));
    for (const [path, leaf] of set) flat.set(JSON.stringify(path), leaf);
    const spec = {};
    for (const [key, leaf] of flat) {
      const path = JSON.parse(key), last = path.pop();
      let at = spec, place = null;
      path.forEach((step, k) => {
        place = k + 1 < path.length ? path[k + 1] : last;
        at = at[step] ??= typeof place === "number" ? [] : {};
      });
      at[last] = leaf?.["@"] ? numbers(leaf["@"]) : leaf;
    }
    return { data: spec.data ?? [], layout: spec.layout ?? {} };
  });
  return { ...facts, specs };
}

class Bench {
  #count = 0; #run = []; #pack = null; #model = null;
  constructor(section) {
    this.section = section;
    Object.assign(this, JSON.parse(section.dataset.facts));
    this.form = section.querySelector("form");
    this.answer = section.querySelector(".site-answer");
    this.locked = Boolean(this.form);
    this.control = section.querySelector(".site-control input, .site-control select");
    if (this.control) this.control.oninput = () => this.move(Number(this.control.value));
    if (this.answer) this.answer.hidden = true;
    this.#allow();
    if (this.form) this.#ask();
    if (this.form) this.#restore(kept(LESSON)[`prediction ${this.label}`]);
    const sight = new IntersectionObserver(([{ isIntersecting }]) => {
      if (!isIntersecting) return;
      sight.disconnect();
      this.open();
    }, { rootMargin: "400px" });
    sight.observe(section);
  }

  // Draw what stands there as a picture anew, as a figure that can be touched.
  open() {
    return (this.opened ??= (async () => {
      const pack = (this.#pack = await unpacked(this.section.querySelector(".site-data").textContent));
      if (pack.sketch) this.#canvas(pack.sketch);
      const first = pack.runs.opening.at(-1);
      const covered = pack.covered !== undefined && this.locked;
      this.#model = new Model({
        ghosts: [], hands: {}, film: {}, stale: false, drawn: 0, bench_id: this.label, spec: covered ? pack.specs[pack.covered] : pack.specs[first],
        reading: covered ? "What was measured comes after your prediction." : pack.told[first][0], library: this.#library(first),
      }, (message) => this.#hear(message));
      const figure = Object.assign(document.createElement("div"), { className: "site-figure" });
      this.section.querySelector(".labcore-picture").append(figure);
      const module = labcorePlot();
      module.initialize({ model: this.#model });
      module.render({ model: this.#model, el: figure });
      this.section.classList.add("site-live");
      if (!covered) this.#play(pack.runs.opening, pack.runs.opening.length - 1);
    })());
  }

  #library(k) { return `IPY_MODEL_${this.#pack.whole.includes(k) ? "whole" : "cartesian"}`; }

  // Show a run, by its figures, at its n-th one; `opening` plays it.
  #play(run, n, opening = false) {
    const { specs, told } = this.#pack, k = run[n];
    this.#run = run;
    const film = run.length > 1 ? { run: ++this.#count, number: n, last: run.length - 1, every: 1, progress: told[k][1], opening } : {};
    this.#model.put({ film, library: this.#library(k), reading: told[k][0], spec: specs[k] });
  }

  async #hear(message) {
    if (message.type === "set" && this.control && !this.locked && this.labelled in message.values) {
      const wanted = Number(message.values[this.labelled]), off = this.values.map((v) => Math.abs(Number(v) - wanted));
      this.move(off.indexOf(Math.min(...off)));
    }
    if (message.type !== "film") return;
    const numbers = this.#run.map((_, n) => n).filter((n) => n > message.after), count = this.#count;
    const shots = numbers.map((number) => {
      const k = this.#run[number], [reading, progress] = this.#pack.told[k];
      return { number, progress, reading, library: this.#library(k) };
    });
    const zipped = numbers.map((n) => through(JSON.stringify(this.#pack.specs[this.#run[n]]), new CompressionStream("gzip")).arrayBuffer());
    const buffers = await Promise.all(zipped);
    if (count === this.#count) this.#model.tell("msg:custom", { type: "film", run: count, shots, more: false }, buffers);
  }

  // Move the control to its k-th value.
  async move(k) {
    await this.open();
    if (this.locked) return;
    this.control.value = k;
    const output = this.section.querySelector(".site-control output");
    if (output) output.textContent = this.#pack.shown[k];
    const { runs } = this.#pack, at = (name) => this.values.indexOf(String(name));
    if (k === at(this.start)) return this.#play(runs.opening, runs.opening.length - 1);
    if (runs.asked && k === at(this.then)) return this.#play(runs.asked, runs.asked.length - 1);
    this.#play([runs.points[k]], 0);
  }

  #allow() {
    if (this.control) this.control.disabled = this.locked;
  }

  #ask() {
    const [commit, skip] = this.form.querySelectorAll("button");
    this.form.onchange = () => { commit.disabled = !new FormData(this.form).get("option"); };
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.#commit(new FormData(this.form).get("option"));
    };
    skip.onclick = () => this.#commit(null, true);
  }

  // An answer of an earlier sitting is shown, the figure is free, and the result a press away.
  #restore(answer) {
    const drawing = Array.isArray(answer) && answer.length > 0 && answer.every((v) => v === null || Number.isFinite(v)) && this.form.querySelector(".site-sketch");
    const choice = [...this.form.querySelectorAll("input")].find((input) => input.value === answer);
    if (!drawing && !choice) return;
    if (choice) choice.checked = true;
    else this.drawing = answer;
    this.locked = false;
    this.#allow();
    for (const part of this.form.querySelectorAll("input")) part.disabled = true;
    const [commit, skip] = this.form.querySelectorAll("button");
    skip.hidden = true;
    commit.disabled = false;
    commit.textContent = "Show the result";
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.locked = true;
      this.#commit(choice ? answer : null);
    };
  }

  #canvas(state) {
    const { result, ...given } = state, commit = this.form.querySelector("button[type=submit]");
    if (this.drawing?.length === given.drawn.length) given.drawn = this.drawing;
    this.canvas = new Model({ ...given, done: Boolean(this.drawing), measured: {} });
    this.measured = result;
    this.canvas.on("change:drawn", () => { commit.disabled = this.canvas.get("drawn").filter((v) => v !== null).length < 2; });
    labcoreSketch.render({ model: this.canvas, el: this.form.querySelector(".site-sketch") });
  }

  async #commit(choice, skipped = false) {
    if (!this.locked) return;
    this.locked = false;
    for (const part of this.form.querySelectorAll("button, input")) part.disabled = true;
    await this.open();
    const answer = choice ?? (skipped ? null : this.canvas?.get("drawn"));
    if (answer) keep(LESSON, { [`prediction ${this.label}`]: answer });
    progress();
    const { runs, held = [], ghosts, specs } = this.#pack, run = runs.asked ?? runs.opening;
    this.canvas?.set("done", true);
    this.#allow();
    const k = this.values.indexOf(String(this.then));
    if (this.control && k >= 0) this.control.value = k;
    const output = this.section.querySelector(".site-control output");
    if (output && k >= 0) output.textContent = this.#pack.shown[k];
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (runs.asked && specs[ghosts].data.length) this.#model.put({ ghosts: specs[ghosts].data });
    this.#play(run, calm ? run.length - 1 : 0, !calm);
    const said = skipped ? "You skipped the prediction." : choice ? `You predicted: ${choice}.` : "";
    const right = !choice ? "" : held.includes(choice) ? " That is what happened." : "";
    const began = performance.now();
    const wait = setInterval(() => {
      const line = this.section.querySelector(".labcore-film"), range = line?.querySelector("input[type=range]");
      if (run.length > 1 && !calm && performance.now() - began < PATIENCE && (line.hidden || range.value !== range.max)) return;
      clearInterval(wait);
      this.answer.querySelector(".site-verdict").textContent = said + right;
      this.answer.hidden = false;
      this.answer.open = true;
      this.canvas?.set("measured", this.measured);
    }, 200);
  }
}

// Links of the prose move the control where they ask for one of its values, and say what they would need elsewhere.
function links() {
  const follow = new Map();
  for (const link of document.querySelectorAll("a[href^='#']")) {
    const [, name, query] = link.getAttribute("href").match(LINK) ?? [];
    if (!name) continue;
    const bench = benches.get(decodeURIComponent(name)), asked = [...new URLSearchParams(query)];
    const same = (v) => v === asked[0][1] || Number(v) === Number(asked[0][1]);
    const k = bench?.control && asked.length === 1 && asked[0][0] === bench.labelled ? bench.values.findIndex(same) : -1;
    link.classList.add(k < 0 ? "site-inert" : "site-moves");
    if (k < 0) link.title = "This needs the live lesson";
    follow.set(link, () => {
      if (k < 0) return note(link, "This value is not on the page. The live lesson has it: see the link above.");
      if (bench.locked) return note(link, "This bench asks you something first.");
      bench.move(k);
      bench.section.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    });
  }
  // on the window: a live figure hears the clicks of its document, to send them to a kernel
  addEventListener("click", (event) => {
    const followed = follow.get(event.target.closest?.("a"));
    if (!followed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    followed();
  }, true);
}

function note(link, text) {
  document.querySelector(".site-hint")?.remove();
  const hint = Object.assign(document.createElement("span"), { className: "site-hint", textContent: ` (${text})` });
  hint.setAttribute("role", "status");
  link.after(hint);
}

// How far the reader is, over the page.
const line = progressLine(() => {
  forget(LESSON);
  location.reload();
});
document.querySelector(".site-top")?.append(line);
function progress() {
  const answers = kept(LESSON), asked = [...benches.values()].filter((bench) => bench.form);
  const made = asked.filter((bench) => `prediction ${bench.label}` in answers).length;
  line.tell([0, 0, made, asked.length], made > 0, true);
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => document.body.classList.toggle("theme-dark", dark.matches);
theme();
dark.addEventListener("change", theme);
globalThis.renderMathInElement?.(document.body, {
  output: "mathml", throwOnError: false,
  delimiters: [["$$", "$$", true], ["\\[", "\\]", true], ["$", "$", false], ["\\(", "\\)", false]].map(([left, right, display]) => ({ left, right, display })),
});
reachable(document.body);
for (const section of document.querySelectorAll(".site-bench")) benches.set(JSON.parse(section.dataset.facts).label, new Bench(section));
progress();
links();
// paper has no folds
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open], .labcore-whole)")];
  for (const fold of folded) fold.open = true;
});
addEventListener("afterprint", () => { for (const fold of folded) fold.open = false; });
