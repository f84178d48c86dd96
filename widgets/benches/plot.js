// A plotly figure that follows the model's `spec`, or shows an earlier frame of its film. The kernel replaces the whole
// specification; what changed in it is drawn (`drawIn`). Updates that arrive while one is drawn become one redraw, so a
// slow browser is never behind; the film keeps them all.

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

// A headline (`labcore.figure.headline`) whose lines are too long for the figure begins at its edge and takes more of them.
const LETTER = 8.6, LINE = 21; // pixels, of a letter and of a line in its size

function withHeadline(layout, wide, small) {
  const words = layout.annotations?.find((a) => a.name === "headline");
  if (!words) return layout;
  const left = layout.margin?.l ?? 64, lines = words.text.split("<br>");
  const length = (text) => text.replace(/<[^>]*>/g, "").length;
  if (Math.max(...lines.map(length)) * LETTER * small < wide - left) return layout;
  const made = lines.flatMap((line) => line.split(" ").reduce((parts, word) => {
    const longer = `${parts.at(-1)} ${word}`;
    return length(longer) * LETTER * small < wide - 16 ? [...parts.slice(0, -1), longer] : [...parts, word];
  }, [""])).map((line) => line.trim()).filter(Boolean);
  const room = LINE * small * (made.length - lines.length), moved = { ...words, text: made.join("<br>"), xshift: 8 - left };
  return {
    ...layout, height: (layout.height ?? HEIGHT) + room, margin: { ...layout.margin, t: layout.margin.t + room },
    annotations: layout.annotations.map((a) => (a === words ? moved : a)),
  };
}

// Where a figure is narrower than this, panels that stand side by side are put one below the other.
const PHONE = 520, GAP = 76;
const MOST = 4; // columns; more are one picture, whose parts are seen side by side

// The panels of a figure: the axes that belong together, as two of them that share one do, and the room that they fill.
function panelsOf(data, layout) {
  const keys = (kind) => Object.keys(layout).filter((key) => RegExp(`^${kind}\\d*$`).test(key));
  const short = (key) => key.replace("axis", ""), long = (id) => id.replace(/^[xy]/, "$&axis");
  const domain = (key) => layout[key].domain ?? [0, 1];
  const pairs = data.filter((t) => !t.scene && (t.x || t.y || t.z)).map((t) => [long(t.xaxis ?? "x"), long(t.yaxis ?? "y")]);
  for (const key of [...keys("xaxis"), ...keys("yaxis")]) {
    const other = layout[key].anchor ?? short(key).replace(/^[xy]/, (letter) => (letter === "x" ? "y" : "x"));
    if (!pairs.flat().includes(key) && layout[long(other)]) pairs.push([key, long(other)]);
    if (layout[key].overlaying) pairs.push([key, long(layout[key].overlaying)]);
  }
  let panels = [];
  for (const pair of pairs) {
    const same = panels.filter((axes) => pair.some((key) => axes.has(key)));
    panels = [...panels.filter((axes) => !same.includes(axes)), new Set([...same.flatMap((axes) => [...axes]), ...pair])];
  }
  const reach = (spans) => [Math.min(...spans.map((s) => s[0])), Math.max(...spans.map((s) => s[1]))];
  const found = panels.map((axes) => {
    const own = [...axes].filter((key) => layout[key] && !layout[key].overlaying);
    const along = (letter) => own.filter((key) => key[0] === letter).map(domain);
    return { axes: [...axes].filter((key) => layout[key]), x: along("x"), y: along("y") };
  }).filter(({ x, y }) => x.length && y.length);
  for (const key of keys("scene")) found.push({ axes: [key], x: [layout[key].domain?.x ?? [0, 1]], y: [layout[key].domain?.y ?? [0, 1]] });
  return found.map(({ axes, x, y }) => ({ axes, x: reach(x), y: reach(y) }));
}

// Panels in groups that do not overlap along x, or along y, in their order there.
function groups(panels, letter) {
  const made = [];
  for (const panel of [...panels].sort((a, b) => a[letter][0] - b[letter][0])) {
    const last = made.at(-1);
    if (last && panel[letter][0] < Math.max(...last.map((p) => p[letter][1])) - 1e-6) last.push(panel);
    else made.push([panel]);
  }
  return made;
}

// What is put one below the other: columns from left to right; of rows that have columns, first the upper one's. Rows of
// one column stay as they stand.
function cellsOf(panels) {
  const columns = groups(panels, "x");
  if (columns.length > MOST) return [panels];
  if (columns.length > 1) return columns.flatMap(cellsOf);
  const rows = groups(panels, "y").reverse();
  return rows.some((row) => groups(row, "x").length > 1) ? rows.flatMap(cellsOf) : [panels];
}

// The panel at which something stands on the paper: in the column that begins left of it, in the row that is nearest.
function standing(panels, x, y) {
  const columns = groups(panels, "x"), rows = groups(panels, "y");
  if (columns.length > 1) return standing(columns.findLast((c) => Math.min(...c.map((p) => p.x[0])) <= x + 0.02) ?? columns[0], x, y);
  const away = (row) => Math.max(0, Math.min(...row.map((p) => p.y[0])) - y, y - Math.max(...row.map((p) => p.y[1])));
  return rows.length > 1 ? standing(rows.reduce((a, b) => (away(b) < away(a) ? b : a)), x, y) : panels[0];
}

// What an upright axis says of its places.
const SAID = ["title", "tickformat", "ticksuffix", "tickvals", "ticktext", "nticks", "dtick", "exponentformat", "minor"];

// Of panels side by side with one scale only the first says what its places mean; below each other, each does. An axis
// that names no anchor stands at its own panel, not at the first one of the figure.
function aloud(data, layout, panels) {
  const made = { ...layout }, short = (key) => key.replace("axis", "");
  const names = (key) => data.filter((t) => (t.yaxis ?? "y") === short(key) && Array.isArray(t.y)).flatMap((t) => t.y);
  const text = (key) => layout[key].title?.text ?? layout[key].title;
  const alike = (a, b) => {
    const [one, other] = [layout[a], layout[b]], said = (axis) => JSON.stringify([axis.type, axis.range, axis.autorange]);
    if (one.matches === short(b) || (one.matches && one.matches === other.matches)) return true;
    if (said(one) !== said(other)) return false;
    const [mine, theirs] = [names(a), names(b)]; // a scale that the data make: of names, the same ones
    return Boolean(one.range) || (typeof mine[0] === "string" && mine.every((name) => theirs.includes(name)));
  };
  for (const { axes, x, y } of panels) for (const key of axes) {
    const given = layout[key], other = key.replace(/^[xy]/, (letter) => (letter === "x" ? "y" : "x"));
    if (!given.anchor && !given.overlaying && axes.includes(other)) made[key] = { ...given, anchor: short(other) };
    if (key[0] !== "y" || given.showticklabels !== false) continue;
    const before = panels.filter((p) => p.x[1] <= x[0] && p.y[0] < y[1] && p.y[1] > y[0]).sort((a, b) => b.x[1] - a.x[1]);
    const speaker = before.flatMap((p) => p.axes).find((k) => k[0] === "y" && layout[k].showticklabels !== false && layout[k].visible !== false && alike(key, k));
    if (!speaker) continue;
    const words = Object.fromEntries(SAID.filter((word) => word in layout[speaker]).map((word) => [word, layout[speaker][word]]));
    made[key] = { ...words, ...made[key], showticklabels: true, title: text(key) ? given.title : words.title };
  }
  return made;
}

function stacked(data, layout, parts) {
  layout = aloud(data, layout, parts.flat());
  const cells = parts.map((panels) => {
    const ends = (letter, end, pick) => pick(...panels.map((p) => p[letter][end]));
    return {
      axes: panels.flatMap((p) => p.axes), from: ends("x", 0, Math.min), to: ends("x", 1, Math.max),
      low: ends("y", 0, Math.min), high: ends("y", 1, Math.max),
    };
  });
  const margin = { t: 24, b: 48, ...layout.margin }, edges = margin.t + margin.b;
  const room = (layout.height ?? HEIGHT) - edges;
  const heights = cells.map((c) => room * (c.high - c.low));
  const total = heights.reduce((a, b) => a + b) + GAP * (cells.length - 1);
  let top = total;
  // words that stood to the right of a panel, in the gap before the next one, keep room
  const beside = (c) => !margin.r && layout.annotations?.some((a) => a.xanchor === "left" && a.x > 1 && c.axes.some((key) => a.xref === `${key.replace("axis", "")} domain`));
  const places = cells.map((c, k) => {
    const height = heights[k] / total, base = (top - heights[k]) / total, reach = beside(c) ? 0.75 : 1;
    top -= heights[k] + GAP;
    return { x: (v) => (reach * (v - c.from)) / (c.to - c.from), y: (v) => base + ((v - c.low) / (c.high - c.low)) * height, scale: height / (c.high - c.low) };
  });
  const made = { ...layout, height: total + edges };
  cells.forEach((c, k) => {
    const { x, y } = places[k];
    for (const key of c.axes) {
      const given = layout[key], of = key[0] === "x" ? x : y;
      if (key.startsWith("scene")) made[key] = { ...given, domain: { x: (given.domain?.x ?? [0, 1]).map(x), y: (given.domain?.y ?? [0, 1]).map(y) } };
      else if (!given.overlaying) made[key] = { ...given, domain: (given.domain ?? [0, 1]).map(of) };
    }
  });
  // what is placed on the paper goes with the panel that it stands at
  const of = (ref) => places[cells.findIndex((c) => c.axes.some((key) => key.replace("axis", "") === ref?.split(" ")[0]))];
  const at = (x, y) => places[parts.findIndex((panels) => panels.includes(standing(parts.flat(), x, y)))];
  const moved = (part) => {
    const out = { ...part }, onX = part.xref === "paper", onY = part.yref === "paper";
    const place = onX && onY ? at(part.x ?? part.x0, part.y ?? part.y0) : of(onX ? part.yref : part.xref);
    if (onX && place) for (const key of ["x", "x0", "x1"]) if (key in part) out[key] = place.x(part[key]);
    // what stands above the uppermost panel stays in the picture
    if (onY && place) for (const key of ["y", "y0", "y1"]) if (key in part) out[key] = Math.min(place.y(part[key]), Math.max(1, part[key]));
    return out;
  };
  for (const kind of ["annotations", "shapes", "images"]) if (layout[kind]) made[kind] = layout[kind].map(moved);
  return [data.map((trace) => {
    const place = of(trace.scene ?? trace.xaxis ?? "x"), bar = trace.colorbar;
    if (!bar || !place) return trace;
    return { ...trace, colorbar: { ...bar, x: place.x(bar.x ?? 1.02), y: place.y(bar.y ?? 0.5), len: (bar.len ?? 1) * place.scale } };
  }), made];
}

// One object a theme and size of text: plotly draws all anew for another one.
const templates = {};

function template(colours, small) {
  const axis = {
    gridcolor: colours["@grid"], linecolor: colours["@soft"], zerolinecolor: colours["@grid"],
    ticks: "outside", tickcolor: colours["@soft"], showline: true, title: { standoff: 8 },
  };
  return (templates[`${colours["@ink"]} ${small}`] ??= withFonts({
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest",
      // plotly would put grey behind its tools, where the paper lets the page through
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colours["@soft"], activecolor: colours["@ink"] },
      font: { color: colours["@ink"], size: 13, family: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" },
      xaxis: axis, yaxis: axis, margin: { l: 64, r: 16, t: 24, b: 48 },
      annotationdefaults: { font: { size: 12 }, arrowcolor: colours["@soft"], arrowwidth: 1, arrowhead: 2 },
      hoverlabel: { font: { family: "system-ui, sans-serif" } },
    },
  }, small));
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
  figure.dataset.bench = model.get("bench_id"); // by which a class's page knows whose question it is
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

  let Plotly = null, queued = false, drawing = false, gone = false, came = {}; // what is drawn, as it came

  function themed(dark) {
    const colours = THEMES[dark ? "dark" : "light"];
    let { data, layout = {} } = inColours(withGhosts(film.picture.spec, model.get("ghosts")), colours);
    const wide = figure.clientWidth || WIDTH;
    const cells = wide < PHONE ? cellsOf(panelsOf(data, layout)) : [];
    if (cells.length > 1) [data, layout] = stacked(data, layout, cells);
    // how much of the figure's width the widest of them had
    const part = cells.length > 1 ? Math.max(...cells.flat().map(({ x: [from, to] }) => to - from)) : 1;
    const small = Math.min(1, Math.max(0.7, wide / part / WIDTH));
    // both sizes are said: left to plotly, a height that it is told while it follows the window's width may be lost
    layout = withHeadline(layout, wide, small);
    return { data, layout: { ...withFonts({ height: HEIGHT, ...layout, width: wide }, small), template: template(colours, small) } };
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
      displaylogo: false, doubleClick: "reset",
      // no button that uploads the figure to a company
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "sendChartToCloud"],
    };
    // what a layout means to us is not plotly's to compare
    const { meta, ...plain } = layout, arrays = data.map((trace, k) => withArrays(trace, came.data?.[k]));
    const seen = withTicks(plain, came.layout);
    came = { data, layout };
    hands.are(meta?.hands ?? []);
    drawing = true;
    try {
      await drawIn(Plotly, figure, arrays, first ? seen : hands.still(seen), config);
    } finally {
      drawing = false;
    }
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
    for (const event of ["plotly_relayout", "plotly_relayouting", "plotly_afterplot"]) figure.on(event, () => { if (!drawing) hands.place(); });
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
    if (message.type === "released") hands.release();
    if (message.type === "look" && message.page === links.page) {
      links.waits?.();
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
