// An associative memory as its own pixels: paint patterns, store them, show one, corrupt it, and watch neurons update one
// by one. The network lives in the kernel; this page draws what it is told and reports what hands do.

const SVG = "http://www.w3.org/2000/svg";
const svg = (tag, attributes = {}, ...children) => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};
const html = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const bytes = (view) => (view?.byteLength ? new Int8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)) : new Int8Array());
const WORDS = { 1: "ink", 0: "blank", "-1": "paper" };
const CHART = { width: 360, left: 44, right: 78, top: 8, bottom: 22 };

function render({ model, el }) {
  const side = model.get("side"), count = bytes(model.get("patterns")).length / side ** 2;
  const root = html("div", { className: "labcore-memory labcore-bench" });
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  let brush = 1;

  const button = (text, title, message) => {
    const made = html("button", { className: "jupyter-button", textContent: text, title });
    made.addEventListener("click", () => model.send(message()));
    return made;
  };
  const slider = (text, title, value, changed) => {
    const input = html("input", { type: "range", min: 0, max: 1, step: 0.01, value, title });
    const shown = html("output", { textContent: Number(value).toFixed(2) });
    input.setAttribute("aria-label", text);
    input.addEventListener("input", () => { shown.textContent = Number(input.value).toFixed(2); changed?.(Number(input.value)); });
    return { input, row: html("label", { className: "mem-slider" }, html("span", { textContent: text }), input, shown) };
  };

  // ----- grids of pixels: grid -1 is the state of the network, 0, 1, 2 are the patterns -----
  const grids = new Map();

  function values(grid) {
    return grid < 0 ? bytes(model.get("state")) : bytes(model.get("patterns")).subarray(grid * side ** 2, (grid + 1) * side ** 2);
  }

  function makeGrid(grid, name) {
    const canvas = html("canvas", { className: "mem-grid", tabIndex: 0 });
    canvas.width = canvas.height = side * 24;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-roledescription", "pixel editor");
    canvas.dataset.grid = grid;
    const at = { cursor: 0, painting: null, before: null };
    grids.set(grid, { canvas, name, at });

    const cellOf = (event) => {
      const box = canvas.getBoundingClientRect();
      const place = [event.clientX - box.left, event.clientY - box.top].map((v, i) => Math.floor((v / [box.width, box.height][i]) * side));
      return place.every((v) => v >= 0 && v < side) ? place : null;
    };
    const paint = (cells, value) => model.send({ type: "paint", grid, cells, value });
    canvas.addEventListener("pointerdown", (event) => {
      const cell = cellOf(event);
      if (!cell) return;
      canvas.setPointerCapture(event.pointerId);
      canvas.focus({ preventScroll: true });
      at.cursor = cell[1] * side + cell[0];
      // on the state a stroke flips: it takes the opposite of the pixel that it begins on
      at.painting = grid < 0 ? -values(grid)[at.cursor] : brush;
      at.before = cell;
      paint([at.cursor], at.painting);
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      const cell = at.painting === null ? null : cellOf(event);
      if (!cell || (cell[0] === at.before[0] && cell[1] === at.before[1])) return;
      // a fast hand jumps over pixels: the line between two places is painted
      const steps = Math.max(...cell.map((v, i) => Math.abs(v - at.before[i]))), cells = [];
      for (let k = 1; k <= steps; k++) {
        const [x, y] = cell.map((v, i) => Math.round(at.before[i] + ((v - at.before[i]) * k) / steps));
        cells.push(y * side + x);
      }
      at.before = cell;
      at.cursor = cells.at(-1);
      paint(cells, at.painting);
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { at.painting = null; });
    canvas.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (move) {
        const x = Math.min(Math.max((at.cursor % side) + move[0], 0), side - 1), y = Math.min(Math.max(Math.floor(at.cursor / side) + move[1], 0), side - 1);
        at.cursor = y * side + x;
        drawGrid(grid);
      } else if (event.key === " " || event.key === "Enter") {
        paint([at.cursor], grid < 0 ? -values(grid)[at.cursor] : brush);
      } else return;
      event.preventDefault();
    });
    for (const change of ["focus", "blur"]) canvas.addEventListener(change, () => drawGrid(grid));
    return canvas;
  }

  function drawGrid(grid) {
    const { canvas, name, at } = grids.get(grid), pixels = values(grid), served = grid < 0 ? bytes(model.get("served")) : null;
    const look = getComputedStyle(root), colour = (word) => look.getPropertyValue(`--mem-${word}`).trim();
    const ink = canvas.getContext("2d"), size = canvas.width / side, last = grid < 0 ? model.get("last") : -1;
    const paints = { 1: colour("ink"), 0: colour("blank"), "-1": colour("paper") };
    pixels.forEach((value, i) => {
      const x = (i % side) * size, y = Math.floor(i / side) * size;
      ink.fillStyle = paints[value];
      ink.fillRect(x, y, size, size);
      if (served?.[i]) {
        ink.fillStyle = colour(served[i]);
        ink.beginPath();
        ink.arc(x + size / 2, y + size / 2, size * 0.2, 0, 7);
        ink.fill();
      }
    });
    ink.lineWidth = 3;
    const frame = (i, style) => { ink.strokeStyle = style; ink.strokeRect((i % side) * size + 1.5, Math.floor(i / side) * size + 1.5, size - 3, size - 3); };
    if (last >= 0) frame(last, "#d55e00");
    if (document.activeElement === canvas) frame(at.cursor, "#cc79a7");
    const row = Math.floor(at.cursor / side) + 1, column = (at.cursor % side) + 1;
    const label = `${name}, ${side} by ${side} pixels. Arrows move, space paints. Row ${row}, column ${column}: ${WORDS[pixels[at.cursor]]}`;
    if (canvas.getAttribute("aria-label") !== label) canvas.setAttribute("aria-label", label);
  }
  const drawPatterns = () => { for (let q = 0; q < count; q++) drawGrid(q); };

  // ----- the page -----
  const settings = model.get("settings");
  const ready = html("select", { title: "Patterns that are drawn for you" }, ...(settings.ready === "yours" ? ["yours"] : []).concat("letters", "pictures", "random", "empty").map((name) => html("option", { textContent: name, value: name, selected: name === settings.ready })));
  ready.setAttribute("aria-label", "Ready patterns");
  ready.addEventListener("change", () => model.send({ type: "set", values: { ready: ready.value } }));
  const brushes = [1, -1, 0].map((value) => {
    const made = html("button", { className: "jupyter-button", textContent: WORDS[value], title: `Paint ${WORDS[value]}` });
    made.addEventListener("click", () => { brush = value; brushes.forEach((b, i) => b.setAttribute("aria-pressed", [1, -1, 0][i] === brush)); });
    made.setAttribute("aria-pressed", value === brush);
    return made;
  });
  const dilution = slider("blank share d", "Blank this share of every ready pattern", settings.dilution, (v) => model.send({ type: "set", values: { dilution: v } }));
  const temperature = slider("temperature T", "How often a neuron disobeys its field", settings.temperature, (v) => model.send({ type: "set", values: { temperature: v } }));
  const noise = slider("corrupt", "Share of the pixels to flip", 0.2);
  const store = button("Store", "One Hebbian step: the patterns become the memory", () => ({ type: "store" }));
  const run = button("Run", "Update neurons one after another", () => ({ type: "run" }));
  run.classList.add("mod-primary");
  const note = html("p", { className: "mem-note" });
  const title = (text) => html("div", { className: "mem-title", textContent: text });
  const figures = Array.from({ length: count }, (_, q) => {
    const caption = html("figcaption", { textContent: `pattern ${q + 1}` });
    caption.style.boxShadow = `inset 0 3px var(--mem-${q + 1})`;
    return html("figure", {}, makeGrid(q, `Pattern ${q + 1}`), caption);
  });
  const overlaps = svg("svg", { class: "mem-chart mem-overlaps", viewBox: `0 0 ${CHART.width} 190`, role: "img" });
  const energy = svg("svg", { class: "mem-chart mem-energy", viewBox: `0 0 ${CHART.width} 120`, role: "img" });
  const status = html("p", { className: "labcore-reading" });
  status.setAttribute("role", "status");
  root.append(
    html("div", { className: "mem-columns" },
      html("div", { className: "mem-patterns" },
        title("1. Patterns: paint them"),
        html("div", { className: "labcore-toolbar" }, ready, ...brushes),
        dilution.row,
        html("div", { className: "mem-row" }, ...figures),
        html("div", { className: "labcore-toolbar" }, store), note),
      html("div", { className: "mem-network" },
        title("2. The network (a dot: the pattern it serves)"),
        html("div", { className: "labcore-toolbar" }, ...Array.from({ length: count }, (_, q) => button(`Show ${q + 1}`, `Show pattern ${q + 1}; its blanks are filled at random`, () => ({ type: "show", pattern: q }))), button("Noise", "Start from noise", () => ({ type: "show", pattern: -1 }))),
        makeGrid(-1, "State of the network"),
        html("div", { className: "mem-slider" }, noise.row, button("Corrupt", "Flip this share of the pixels", () => ({ type: "corrupt", share: Number(noise.input.value) })))),
      html("div", { className: "mem-curves" },
        title("3. Let it fall"),
        html("div", { className: "labcore-toolbar" }, run, button("Step", "Update one neuron", () => ({ type: "step" })), button("Stop", "Stop the run", () => ({ type: "stop" }))),
        temperature.row, overlaps, energy)),
    status);
  el.append(root);

  // ----- curves -----
  function chart(picture, height, name, columns, range) {
    const history = model.get("history");
    picture.replaceChildren();
    if (!history.length) return;
    const { width, left, right, top, bottom } = CHART, end = Math.max(history.at(-1)[0], 1);
    let [low, high] = range ?? [Math.min(...history.map((h) => h[1])), Math.max(...history.map((h) => h[1]))];
    if (high - low < 0.02) [low, high] = [low - 0.01, high + 0.01];
    const px = (t) => left + ((width - left - right) * t) / end, py = (v) => height - bottom - ((height - top - bottom) * (v - low)) / (high - low);
    const text = (x, y, words, anchor, colour) => {
      const made = svg("text", { x, y, "text-anchor": anchor, class: "mem-tick" }, words);
      if (colour) made.style.fill = colour;
      picture.append(made);
    };
    if (low < 0 && high > 0) picture.append(svg("line", { x1: left, x2: width - right, y1: py(0), y2: py(0), class: "mem-zero" }));
    picture.append(svg("path", { d: `M${left},${top}V${height - bottom}H${width - right}`, class: "mem-axis", fill: "none" }));
    for (const v of [low, high]) text(left - 4, py(v) + 4, v.toFixed(2), "end");
    text(left, height - 6, "0", "middle");
    text(width - right, height - 6, `${end.toFixed(1)} sweeps`, "middle");
    const ends = columns.map(([k, words, colour]) => {
      const made = svg("path", { d: history.map((h, i) => `${i ? "L" : "M"}${px(h[0]).toFixed(1)},${py(h[k]).toFixed(1)}`).join(""), class: "mem-line" });
      made.style.stroke = colour;
      picture.append(made);
      return { y: py(history.at(-1)[k]) + 4, words, colour };
    });
    // labels at the ends of the curves, pushed apart until each can be read
    ends.sort((a, b) => a.y - b.y);
    ends.forEach((e, i) => { if (i) e.y = Math.max(e.y, ends[i - 1].y + 13); });
    for (const e of ends) text(width - right + 5, e.y, e.words, "start", e.colour);
    picture.setAttribute("aria-label", `${name}: ${columns.map(([k, words]) => `${words} ${history.at(-1)[k].toFixed(2)}`).join(", ")} after ${history.at(-1)[0].toFixed(2)} sweeps`);
  }
  function drawCurves() {
    const seen = model.get("history").flatMap((h) => h.slice(2)), lowest = Math.min(-0.2, ...seen), highest = Math.max(0.6, ...seen);
    chart(overlaps, 190, "Overlaps", Array.from({ length: count }, (_, q) => [q + 2, `overlap ${q + 1}`, `var(--mem-${q + 1})`]), [lowest, highest]);
    chart(energy, 120, "Energy", [[1, "energy", "var(--ink)"]], null);
  }

  const all = {
    "change:patterns": drawPatterns,
    "change:state change:served change:last": () => drawGrid(-1),
    "change:history": drawCurves,
    "change:changed": () => { note.textContent = model.get("changed") ? "Painted, not stored yet." : ""; store.classList.toggle("mod-primary", model.get("changed")); },
    "change:running": () => { run.textContent = model.get("running") ? "Running" : "Run"; },
    "change:reading": () => { status.textContent = model.get("reading"); },
  };
  for (const [events, action] of Object.entries(all)) { for (const name of events.split(" ")) model.on(name, action); action(); }
  const theme = new MutationObserver(() => { drawPatterns(); drawGrid(-1); });
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
  // the stylesheet may arrive after the first drawing
  requestAnimationFrame(() => { drawPatterns(); drawGrid(-1); });
  return () => {
    theme.disconnect();
    for (const [events, action] of Object.entries(all)) for (const name of events.split(" ")) model.off(name, action);
  };
}

export default { render };
