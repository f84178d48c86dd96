// A plotly figure that follows the model's `spec`, or shows an earlier frame of its film. The kernel replaces the whole
// specification; Plotly.react finds what changed. Updates that arrive while one is drawn become one redraw, so a slow
// browser is never behind; the film keeps them all.

const THEMES = {
  light: { "@ink": "#1f2328", "@soft": "#6b7280", "@grid": "#e3e6ea", "@paper": "#ffffff", "@shade": "rgba(107,114,128,0.10)" },
  dark: { "@ink": "#e8eaed", "@soft": "#a3abb5", "@grid": "#3b4046", "@paper": "#111417", "@shade": "rgba(163,171,181,0.14)" },
};

// plotly.js comes in two sizes, 1.5 and 4.8 MB; the kernel says which one a figure needs. The gallery's pages bring both by
// HTTP; elsewhere each travels at most once a kernel, compressed, and is compiled once a page, whatever the number of figures.
const modelOf = (model, reference) => model.widget_manager.get_model(reference.slice("IPY_MODEL_".length));

async function loadPlotly(model, reference) {
  const library = await modelOf(model, reference);
  const name = library.get("name");
  if (globalThis.labcorePlotly) return globalThis.labcorePlotly(name);
  const made = (globalThis.labcorePlotlyMade ??= {});
  made[name] ??= unpack(library.get("source"));
  made[name].catch(() => { delete made[name]; });
  return made[name];
}

async function unpack(source) {
  const packed = new Blob([source]).stream().pipeThrough(new DecompressionStream("gzip"));
  const module = { exports: {} };
  // the page may define AMD's `define`; as a function with its own `module`, plotly cannot register there instead
  new Function("module", "exports", "define", await new Response(packed).text())(module, module.exports, undefined);
  return module.exports;
}

function isDark() {
  const flag = document.body.dataset.jpThemeLight;
  if (flag !== undefined) return flag === "false";
  return document.body.classList.contains("theme-dark");
}

// Views name colours of the page ("@ink", "@grid", ...); they become real ones here, where the theme is known.
function inColours(value, colours) {
  if (typeof value === "string") return colours[value] ?? value;
  if (Array.isArray(value)) return value.map((v) => inColours(v, colours));
  if (value && value.constructor === Object && !value.bdata)
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, inColours(v, colours)]));
  return value;
}

// Views lay their texts out for a figure of this width; in a narrower one, texts are as much smaller, down to 0.7.
const WIDTH = 860, HEIGHT = 420; // the height where a view says none

function withFonts(value, small, key) {
  if (small === 1) return value;
  if (Array.isArray(value)) return value.map((v) => withFonts(v, small));
  if (value?.constructor !== Object || value.bdata) return value;
  const made = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withFonts(v, small, k)]));
  if (/font$/.test(key) && made.size) made.size *= small;
  return made;
}

// Where a figure is narrower than this, panels that stand side by side are put one below the other.
const PHONE = 520, GAP = 64;

// The columns of panels, from left to right: x axes whose domains overlap, the y axes over them, and where they reach.
function columnsOf(data, layout) {
  const axes = (letter) => Object.keys(layout).filter((key) => RegExp(`^${letter}axis\\d*$`).test(key));
  const id = (key) => key.replace("axis", "");
  const domain = (key) => layout[key].domain ?? [0, 1];
  const columns = [];
  for (const key of axes("x").filter((k) => !layout[k].overlaying).sort((a, b) => domain(a)[0] - domain(b)[0])) {
    const [from, to] = domain(key), last = columns.at(-1);
    if (last && from < last.to - 1e-6) Object.assign(last, { to: Math.max(last.to, to) }).x.push(key);
    else columns.push({ from, to, x: [key], y: [] });
  }
  for (const key of axes("y")) {
    const over = new Set(data.filter((t) => (t.yaxis ?? "y") === id(key)).map((t) => t.xaxis ?? "x"));
    if (!over.size) over.add(layout[key].anchor ?? id(key).replace("y", "x"));
    const found = columns.filter((c) => c.x.some((x) => over.has(id(x))));
    if (found.length !== 1) return []; // one axis for panels of two columns: they belong beside each other
    found[0].y.push(key);
  }
  for (const c of columns) {
    const ends = c.y.filter((k) => !layout[k].overlaying).map(domain);
    Object.assign(c, { low: Math.min(...ends.map((e) => e[0])), high: Math.max(...ends.map((e) => e[1])) });
  }
  return columns.every((c) => c.high > c.low) ? columns : [];
}

function stacked(data, layout, columns) {
  const margin = { t: 24, b: 48, ...layout.margin }, edges = margin.t + margin.b;
  const room = (layout.height ?? HEIGHT) - edges;
  const heights = columns.map((c) => room * (c.high - c.low));
  const total = heights.reduce((a, b) => a + b) + GAP * (columns.length - 1);
  let top = total;
  const places = columns.map((c, k) => {
    const height = heights[k] / total, base = (top - heights[k]) / total;
    top -= heights[k] + GAP;
    return { x: (v) => (v - c.from) / (c.to - c.from), y: (v) => base + ((v - c.low) / (c.high - c.low)) * height, scale: height / (c.high - c.low) };
  });
  const made = { ...layout, height: total + edges };
  columns.forEach((c, k) => {
    for (const key of c.x) made[key] = { ...layout[key], domain: (layout[key].domain ?? [0, 1]).map(places[k].x) };
    for (const key of c.y) if (!layout[key].overlaying) made[key] = { ...layout[key], domain: (layout[key].domain ?? [0, 1]).map(places[k].y) };
  });
  // what is placed on the paper goes with the panel that it stands at
  const of = (ref) => places[columns.findIndex((c) => [...c.x, ...c.y].some((key) => key.replace("axis", "") === ref?.split(" ")[0]))];
  const at = (x) => places[Math.max(0, columns.findLastIndex((c) => c.from <= x + 0.02))];
  const moved = (part) => {
    const out = { ...part }, onX = part.xref === "paper", onY = part.yref === "paper";
    const place = onX && onY ? at(part.x ?? part.x0) : of(onX ? part.yref : part.xref);
    if (onX && place) for (const key of ["x", "x0", "x1"]) if (key in part) out[key] = place.x(part[key]);
    if (onY && place) for (const key of ["y", "y0", "y1"]) if (key in part) out[key] = place.y(part[key]);
    return out;
  };
  for (const kind of ["annotations", "shapes", "images"]) if (layout[kind]) made[kind] = layout[kind].map(moved);
  return [data.map((trace) => {
    const place = of(trace.xaxis ?? "x"), bar = trace.colorbar;
    if (!bar || !place) return trace;
    return { ...trace, colorbar: { ...bar, x: place.x(bar.x ?? 1.02), y: place.y(bar.y ?? 0.5), len: (bar.len ?? 1) * place.scale } };
  }), made];
}

function template(colours) {
  const axis = {
    gridcolor: colours["@grid"], linecolor: colours["@soft"], zerolinecolor: colours["@grid"],
    ticks: "outside", tickcolor: colours["@soft"], showline: true, title: { standoff: 8 },
  };
  return {
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest",
      font: { color: colours["@ink"], size: 13, family: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" },
      xaxis: axis, yaxis: axis, margin: { l: 64, r: 16, t: 24, b: 48 },
      annotationdefaults: { font: { size: 12 }, arrowcolor: colours["@soft"], arrowwidth: 1, arrowhead: 2 },
      hoverlabel: { font: { family: "system-ui, sans-serif" } },
    },
  };
}

function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// A page of many figures draws those first that its reader sees, and shows them before it draws the others.
function inSight(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return top < innerHeight && bottom > 0;
}

const whenIdle = globalThis.requestIdleCallback
  ? (work) => requestIdleCallback(work, { timeout: 1000 })
  : (work) => setTimeout(work, 100); // Safari

// Keys belong to the part that has the focus, not to the notebook around it: there, d d deletes the cell. JupyterLab's
// selectors match the focused part itself before any parent is asked, so that very part must carry the word.
function keepKeys() {
  if (globalThis.labcoreKeys) return;
  globalThis.labcoreKeys = true;
  document.addEventListener("focusin", ({ target }) => {
    if (target.closest?.(".labcore-bench, .labcore-atlas")) target.setAttribute("data-lm-suppress-shortcuts", "true");
  });
}

// A bench's menu, and its controls under "More", open in the page: the kernel may be busy, or gone.
function unfold() {
  if (globalThis.labcoreFolds) return;
  globalThis.labcoreFolds = true;
  const open = (button, yes) => {
    button.nextElementSibling.classList.toggle("labcore-open", yes);
    button.setAttribute("aria-expanded", yes);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".labcore-bench .labcore-opens");
    if (button) open(button, button.getAttribute("aria-expanded") !== "true");
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const { target } = event, fold = target.closest?.(".labcore-opens") ?? target.closest?.(".labcore-more.labcore-open")?.previousElementSibling;
    if (fold?.getAttribute("aria-expanded") !== "true") return;
    event.stopPropagation();
    open(fold, false);
    fold.focus();
  }, true);
}

// ipywidgets gives a slider no name and speaks its place in the grid; a screen reader should hear the parameter and value.
function speak(bench) {
  for (const button of bench.querySelectorAll(".labcore-opens")) if (!button.ariaExpanded) button.ariaExpanded = "false";
  for (const row of bench.querySelectorAll(".labcore-control")) {
    const handle = row.querySelector(".noUi-handle"), box = row.querySelector("input[type=text]");
    if (!handle || !box) continue;
    const name = row.querySelector(".widget-label")?.textContent;
    const set = (part, key, value) => part.getAttribute(key) === value || part.setAttribute(key, value);
    set(handle, "aria-label", name);
    set(box, "aria-label", name);
    set(handle, "aria-valuetext", box.value);
  }
}

// The pinned curves stand behind the figure's own.
function withGhosts({ data, layout = {} }, ghosts) {
  if (!ghosts.length) return { data, layout };
  // below the figure, in room of its own: over the panels stand their captions
  const legend = { orientation: "h", yref: "container", yanchor: "bottom", y: 0, x: 0, ...layout.legend };
  const room = 26 * new Set(ghosts.map((ghost) => ghost.legendgroup)).size;
  const margin = { ...layout.margin, b: (layout.margin?.b ?? 48) + room };
  const height = (layout.height ?? HEIGHT) + room;
  return { data: [...ghosts, ...data], layout: { ...layout, height, margin, showlegend: true, legend } };
}

// in the gallery a notice at the top of the page says it for all figures
const ASLEEP = "This figure is not connected to its Python kernel any more, so nothing moves. Run its cell again " +
  "(menu Run, Run All Cells) to go on from here.";

function render({ model, el, film }) {
  const figure = Object.assign(document.createElement("div"), { className: "labcore-figure" });
  figure.setAttribute("role", "figure"); // no picture: there are handles in it
  const reading = Object.assign(document.createElement("p"), { className: "labcore-reading" });
  reading.setAttribute("role", "status");
  const held = Object.assign(document.createElement("div"), { className: "labcore-held" });
  const word = Object.assign(document.createElement("div"), { className: "labcore-stale-word", textContent: "Run to update" });
  const asleep = Object.assign(document.createElement("p"), { className: "labcore-asleep", textContent: ASLEEP, hidden: true });
  asleep.setAttribute("role", "status");
  held.append(figure, word);
  el.append(asleep, held, reading);
  const hands = handsOf({ model, figure, held, redraw: () => redraw() });
  const showTime = timeline(film, held);
  figure.style.minHeight = `${model.get("spec").layout?.height ?? HEIGHT}px`;

  let Plotly = null, queued = false, gone = false;

  function themed(dark) {
    const colours = THEMES[dark ? "dark" : "light"];
    let { data, layout = {} } = inColours(withGhosts(film.picture.spec, model.get("ghosts")), colours);
    const wide = figure.clientWidth || WIDTH;
    const columns = wide < PHONE ? columnsOf(data, layout) : [];
    if (columns.length > 1) [data, layout] = stacked(data, layout, columns);
    const small = Math.min(1, Math.max(0.7, (wide * (columns.length || 1)) / WIDTH));
    // both sizes are said: left to plotly, a height that it is told while it follows the window's width may be lost
    return { data, layout: withFonts({ template: template(colours), height: HEIGHT, ...layout, width: wide }, small) };
  }

  // the library for the specification of now: another one may be wanted by the time that one has come
  async function current() {
    try {
      for (;;) {
        const wanted = film.picture.library, library = await loadPlotly(model, wanted);
        if (wanted === film.picture.library) return { library };
      }
    } catch (failed) {
      return { failed };
    }
  }

  async function draw() {
    const { library, failed } = await current();
    queued = false;
    if (failed) reading.textContent = `The figure could not be drawn: ${failed.message}`;
    if (gone || failed) return;
    const first = library !== Plotly;
    if (first) Plotly?.purge(figure);
    Plotly = library;
    const { data, layout } = themed(isDark());
    figure.style.minHeight = `${layout.height}px`;
    const config = {
      responsive: true, displaylogo: false, doubleClick: "reset",
      // no button that uploads the figure to a company
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "sendChartToCloud"],
    };
    await Plotly.react(figure, data, first ? layout : hands.still(layout), config);
    if (figure._fullLayout && figure.clientWidth && figure._fullLayout.width !== figure.clientWidth) await Plotly.Plots.resize(figure);
    hands.place();
    if (first) listen();
  }

  function redraw() {
    if (queued) return;
    queued = true;
    // a task, not an animation frame: messages already here are taken together, and no frame is waited for
    inSight(figure) ? setTimeout(draw) : whenIdle(draw);
  }

  function listen() {
    figure.on("plotly_click", ({ points }) => {
      const { x, y, data, pointNumber } = points[0];
      const click = data.meta?.click;
      if (!click) return;
      const values = { ...click.sets?.[pointNumber] };
      if (click.x) values[click.x] = x;
      if (click.y) values[click.y] = y;
      model.send({ type: "set", values });
    });
    for (const event of ["plotly_relayout", "plotly_relayouting", "plotly_afterplot"]) figure.on(event, hands.place);
  }

  let drawn = null, told = null;
  function follow() {
    showTime();
    const { spec, reading: words } = film.picture;
    if (words !== told) {
      reading.textContent = told = words;
      figure.setAttribute("aria-label", words);
    }
    if (spec !== drawn) redraw();
    drawn = spec;
    if (seen) film.open();
  }

  // not classes of the kernel's: a view of anywidget's does not follow these
  const mark = () => ["stale", "covered"].forEach((word) => el.classList.toggle(`labcore-${word}`, model.get(word)));

  // a kernel that is gone, or was never there since a saved notebook was opened
  async function live() {
    const library = await modelOf(model, model.get("library")).catch(() => null);
    hands.hide(library?.comm_live === false);
    asleep.hidden = library?.comm_live !== false || Boolean(document.getElementById("labcore-notice"));
  }

  // The kernel answers all views of a figure, in whatever pages; what a hand asked for in one of them is for that one.
  const view = `${links.page}.${links.views++}`;

  async function onMessage(message, buffers) {
    if ("view" in message && message.view !== view) return;
    if (message.type === "file") save(message.name, new Blob([buffers[0]], { type: message.mime }));
    if (message.type === "image" && Plotly) {
      const { data, layout } = themed(false);
      const size = { width: figure.clientWidth, height: figure.clientHeight };
      const picture = { data, layout: { ...layout, paper_bgcolor: "#ffffff", ...size }, config: {} };
      const url = await Plotly.toImage(picture, { format: message.format, scale: message.format === "png" ? 2 : 1, ...size });
      save(message.name, await (await fetch(url)).blob());
    }
    if (message.type === "share") {
      // the kernel answers with the link: on Binder, this page's own address is of no use to anybody else
      model.send({ type: "shared", url: `${location.origin}${location.pathname}?${message.query}` });
    }
    if (message.type === "anyone") model.send({ type: "here" });
    if (message.type === "copy") {
      const box = () => el.closest(".labcore-bench")?.querySelector(".labcore-link input");
      model.send({ type: "copied", done: await copy(message.text, box) });
    }
    if (message.type === "look" && message.page === links.page) {
      // what else has changed in the bench is drawn first, and may have made it longer
      requestAnimationFrame(() => setTimeout(() => bringIntoView(el.closest(".labcore-bench") ?? el)));
    }
  }

  // a page that takes room from a figure or gives it some, as JupyterLab does with its side bar, tells nobody
  let width = 0;
  const room = new ResizeObserver(() => {
    if (width === figure.clientWidth) return;
    width = figure.clientWidth;
    if (Plotly && width) redraw();
  });
  room.observe(figure);
  const stopTheme = new MutationObserver(redraw);
  stopTheme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
  // a film that comes into view is asked for, and played if its bench opens with it
  let seen = false;
  const sight = new IntersectionObserver(([{ isIntersecting }]) => {
    if (el.isConnected) links.homes.set(homeOf(el), model.widget_manager);
    seen = isIntersecting;
    if (!seen) return;
    film.ask();
    film.open();
  }, { threshold: 0.5 });
  sight.observe(figure);
  const unlisten = film.listen(follow);
  for (const name of ["change:spec", "change:reading", "change:library"]) model.on(name, follow);
  model.on("change:ghosts", redraw);
  model.on("change:stale change:covered", mark);
  model.on("comm_live_update", live);
  model.on("msg:custom", onMessage);
  follow();
  mark();
  live();
  const asked = opened(model);
  let voice, unfollow;
  requestAnimationFrame(() => {
    const bench = el.closest(".labcore-bench");
    if (!bench || gone) return;
    if (asked) bench.scrollIntoView({ block: "start" });
    keepKeys();
    unfold();
    followLinks();
    heedWords();
    unfollow = followWord(bench);
    bench.addEventListener("click", ({ target }) => {
      if (target.closest("button")) model.send({ type: "hand", view });
    }, true);
    speak(bench);
    hands.heed(bench);
    // what a hand does next is done to the frame that it sees
    for (const event of ["pointerdown", "keydown"]) bench.addEventListener(event, () => film.report(), { capture: true });
    // the slider writes its place into aria-valuetext whenever it moves
    voice = new MutationObserver(() => speak(bench));
    voice.observe(bench, { subtree: true, attributes: true, attributeFilter: ["aria-valuetext"] });
  });

  return () => {
    gone = true;
    room.disconnect();
    stopTheme.disconnect();
    voice?.disconnect();
    unfollow?.();
    sight.disconnect();
    unlisten(); // what hears the model is taken from it by anywidget
    Plotly?.purge(figure);
    try {
      model.send({ type: "gone" });
    } catch { /* the kernel went first */ }
  };
}

// A page that opens onto a running kernel loses what the kernel says until all of its models are made. So the figure
// asks for it again, and a share link's values travel only then, when their answer has somewhere to arrive.
function opened(model) {
  const message = { type: "opened", drawn: model.get("drawn") };
  // JupyterLab rewrites the address soon after loading, so ask for the one first opened
  const { search, searchParams } = new URL(performance.getEntriesByType("navigation")[0]?.name ?? location.href);
  const bench = model.get("bench_id");
  if (bench && searchParams.getAll("bench").includes(bench) && !linked.has(model)) {
    linked.add(model);
    message.link = search.slice(1);
  }
  model.send(message);
  return "link" in message;
}
const linked = new WeakSet(); // a figure shown twice follows its link once

// one film a figure, for all of its views
export default () => {
  let film;
  return {
    initialize({ model }) {
      film = new Film(model);
      return linkable(model);
    },
    render({ model, el }) { return render({ model, el, film }); },
  };
};
