// A Kolmogorov-Arnold network as its own drawing: every edge is a small curve. Open one, drag its control points, and the
// network's output follows. The network lives in the kernel; this page draws what it is told and reports what hands do.

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
const floats = (view) => (view?.byteLength ? new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)) : new Float32Array());
const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)},${y.toFixed(2)}`).join("");
const NET = { width: 520, height: 380, cell: 46 };
const EDIT = { width: 520, height: 300, left: 46, right: 12, top: 12, bottom: 30 };
const RAMP = [[0, 32, 76], [64, 77, 107], [124, 123, 120], [188, 175, 111], [255, 234, 70]];  // cividis, readable by all

const PROMPT = 500; // milliseconds that an answer of the kernel may take unsaid

function colour(t) {
  const at = Math.min(Math.max(t, 0), 1) * (RAMP.length - 1), k = Math.min(Math.floor(at), RAMP.length - 2);
  return RAMP[k].map((c, i) => Math.round(c + (at - k) * (RAMP[k + 1][i] - c)));
}

function render({ model, el }) {
  const root = html("div", { className: "labcore-kan labcore-bench" });
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  const net = svg("svg", { viewBox: `0 0 ${NET.width} ${NET.height}`, class: "kan-net", role: "group", "aria-label": "The network, one curve an edge" });
  const editor = svg("svg", { viewBox: `0 0 ${EDIT.width} ${EDIT.height}`, class: "kan-editor", role: "group", "aria-label": "The open edge" });
  const surface = html("canvas", { className: "kan-surface" }), target = html("canvas", { className: "kan-surface" });
  const losses = svg("svg", { viewBox: "0 0 240 110", class: "kan-loss", role: "img", "aria-label": "no error yet: nothing was trained" });
  const status = html("p", { className: "labcore-reading" });
  status.setAttribute("role", "status");
  const heading = html("p", { className: "kan-heading" });
  const symbols = html("div", { className: "kan-symbols labcore-toolbar" });
  let late = 0; // until the board says that a button was heard
  const button = (text, title, message) => {
    const made = html("button", { className: "jupyter-button", textContent: text, title });
    made.addEventListener("click", () => {
      model.send(message());
      clearTimeout(late);
      late = setTimeout(() => { status.textContent = `${text} waits for Python, which is computing elsewhere …`; }, PROMPT);
    });
    return made;
  };
  const selected = () => model.get("opened")?.id ?? null;
  const tools = html("div", { className: "labcore-toolbar" },
    button("Train", "Train with Adam from where the network is", () => ({ type: "train" })),
    button("Stop", "Stop training", () => ({ type: "stop" })),
    button("Refine all grids", "Twice as many intervals; the function stays", () => ({ type: "refine" })),
    button("New network", "Start again from random curves", () => ({ type: "reset" })));
  tools.firstChild.classList.add("mod-primary");
  const edgeTools = html("div", { className: "labcore-toolbar" },
    button("Nearest symbol", "Which known function fits this curve best?", () => ({ type: "suggest", id: selected() })),
    button("Prune", "Remove this edge", () => ({ type: "prune", id: selected() })));
  const figure = (caption, canvas) => html("figure", {}, canvas, html("figcaption", { textContent: caption }));
  root.append(tools,
    html("div", { className: "kan-columns" },
      html("div", {}, net, html("div", { className: "kan-pictures" }, figure("the network", surface), figure("the target", target), html("figure", {}, losses, html("figcaption", { textContent: "error while training (log)" })))),
      html("div", {}, heading, editor, edgeTools, symbols)),
    status);
  el.append(root);

  // ----- the network -----
  function places() {
    const layers = model.get("layers");
    return layers.map((n, l) => Array.from({ length: n }, (_, i) => [40 + ((NET.width - 80) * (i + 1)) / (n + 1), NET.height - 34 - (l * (NET.height - 68)) / (layers.length - 1)]));
  }

  // Small plots of one layer stand in a row halfway up, ordered so that lines cross little.
  function seats(edges) {
    const at = new Map(), spots = places();
    const rows = new Map();
    for (const e of edges) rows.set(e.layer, [...(rows.get(e.layer) ?? []), e]);
    for (const [layer, row] of rows) {
      const size = Math.min(NET.cell, (NET.width - 16) / row.length - 6);
      const sorted = [...row].sort((a, b) => spots[layer][a.from][0] - spots[layer][b.from][0] || spots[layer + 1][a.to][0] - spots[layer + 1][b.to][0]);
      sorted.forEach((e, k) => at.set(e.id, { x: (NET.width * (k + 0.5)) / row.length, y: (spots[layer][0][1] + spots[layer + 1][0][1]) / 2, size }));
    }
    return at;
  }

  let drawn = "";  // the shape of the network that is on the page; curves alone change while it trains
  const parts = new Map();

  function drawNetwork() {
    const edges = model.get("edges"), curves = floats(model.get("curves")), n = model.get("samples");
    const shape = JSON.stringify([model.get("layers"), edges.map((e) => e.id)]);
    if (shape !== drawn) build(edges);
    drawn = shape;
    edges.forEach((e, k) => {
      const part = parts.get(e.id), y = curves.subarray(k * n, (k + 1) * n);
      let low = Math.min(...y), high = Math.max(...y);
      if (high - low < 1e-6) [low, high] = [low - 1, high + 1];
      const s = part.seat.size - 8;
      part.curve.setAttribute("d", path(Array.from(y, (v, i) => [part.seat.x - s / 2 + (s * i) / (n - 1), part.seat.y + s / 2 - (s * (v - low)) / (high - low)])));
      part.group.setAttribute("class", `kan-edge${e.alive ? "" : " pruned"}${e.id === selected() ? " open" : ""}${e.symbol ? " symbolic" : ""}`);
      part.group.style.opacity = e.alive ? 0.25 + 0.75 * Math.tanh(3 * e.score) : 0.15;
      part.text.textContent = e.symbol ?? "";
      part.group.setAttribute("aria-label", `Edge ${e.name}${e.alive ? "" : ", pruned"}${e.symbol ? `, is ${e.symbol}` : ""}, importance ${e.score.toFixed(2)}`);
    });
  }

  function build(edges) {
    net.replaceChildren();
    parts.clear();
    const spots = places(), at = seats(edges), names = model.get("names");
    for (const e of edges) {
      const seat = at.get(e.id), [x0, y0] = spots[e.layer][e.from], [x1, y1] = spots[e.layer + 1][e.to], h = seat.size / 2;
      const wire = svg("path", { d: `M${x0},${y0}L${seat.x},${seat.y + h}M${seat.x},${seat.y - h}L${x1},${y1}`, class: "kan-wire" });
      const box = svg("rect", { x: seat.x - h, y: seat.y - h, width: seat.size, height: seat.size, rx: 5, class: "kan-box" });
      const curve = svg("path", { class: "kan-curve" });
      const text = svg("text", { x: seat.x, y: seat.y - h - 3, class: "kan-symbol" });
      const group = svg("g", { tabindex: 0, role: "button", "data-edge": e.id }, wire, box, curve, text);
      group.addEventListener("click", () => model.send({ type: "select", id: e.id }));
      group.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") model.send({ type: "select", id: e.id });
        else if (event.key === "Delete") model.send({ type: "prune", id: e.id });
        else return;
        event.preventDefault();
      });
      net.append(group);
      parts.set(e.id, { group, curve, text, seat });
    }
    spots.forEach((row, l) => row.forEach(([x, y], i) => {
      const last = l === spots.length - 1;
      net.append(svg("circle", { cx: x, cy: y, r: 6, class: "kan-node" }));
      if (l === 0 || last) net.append(svg("text", { x, y: last ? y - 12 : y + 22, class: "kan-name" }, (last ? "output" : names[i])));
    }));
  }

  // ----- the open edge -----
  let dragging = null, waiting = false, next = null;
  const scale = { x: [0, 1], y: [0, 1] };
  const px = (x) => EDIT.left + ((x - scale.x[0]) / (scale.x[1] - scale.x[0])) * (EDIT.width - EDIT.left - EDIT.right);
  const py = (y) => EDIT.height - EDIT.bottom - ((y - scale.y[0]) / (scale.y[1] - scale.y[0])) * (EDIT.height - EDIT.top - EDIT.bottom);

  // One message under way at a time, and always the newest: the kernel is never behind the hand.
  function report(message) {
    if (waiting) { next = message; return; }
    waiting = true;
    model.send(message);
  }
  function answered() {
    waiting = false;
    if (next) { const message = next; next = null; report(message); }
  }

  function drawEditor() {
    const open = model.get("opened");
    answered();
    if (!open?.id) {
      heading.textContent = "Click a curve in the network to open it.";
      editor.replaceChildren(); symbols.replaceChildren(); edgeTools.hidden = true;
      return;
    }
    edgeTools.hidden = false;
    heading.textContent = `Edge ${open.name}. Drag a point: only the shaded part of the curve moves.`;
    if (dragging === null) {
      const ends = [...open.domain, ...open.points.map((p) => p[0])];  // the outermost points stand beyond the grid
      scale.x = [Math.min(...ends), Math.max(...ends)];
      const values = [...open.y, ...open.points.map((p) => p[1])], pad = 0.15 * (Math.max(...values) - Math.min(...values)) || 1;
      scale.y = [Math.min(...values) - pad, Math.max(...values) + pad];
    }
    const focus = document.activeElement?.dataset?.point;
    editor.replaceChildren();
    const shown = dragging ?? (focus === undefined ? null : +focus);
    if (shown !== null && open.spans[shown]) {
      const [a, b] = open.spans[shown].map((x) => px(Math.min(Math.max(x, scale.x[0]), scale.x[1])));
      editor.append(svg("rect", { x: a, y: EDIT.top, width: b - a, height: EDIT.height - EDIT.top - EDIT.bottom, class: "kan-span" }));
    }
    for (const knot of open.knots) if (knot >= scale.x[0] - 1e-9 && knot <= scale.x[1] + 1e-9) editor.append(svg("line", { x1: px(knot), x2: px(knot), y1: EDIT.height - EDIT.bottom, y2: EDIT.height - EDIT.bottom + 6, class: "kan-knot" }));
    editor.append(svg("line", { x1: EDIT.left, x2: EDIT.width - EDIT.right, y1: py(0), y2: py(0), class: "kan-zero" }));
    for (const [value, x, y, anchor] of [[scale.x[0], EDIT.left, EDIT.height - 6, "start"], [scale.x[1], EDIT.width - EDIT.right, EDIT.height - 6, "end"], [scale.y[0], EDIT.left - 4, EDIT.height - EDIT.bottom, "end"], [scale.y[1], EDIT.left - 4, EDIT.top + 10, "end"]])
      editor.append(svg("text", { x, y, "text-anchor": anchor, class: "kan-tick" }, value.toPrecision(3)));
    editor.append(svg("path", { d: path(open.points.map(([x, y]) => [px(x), py(y)])), class: "kan-polygon" }));
    editor.append(svg("path", { d: path(open.x.map((x, i) => [px(x), py(open.y[i])])), class: "kan-line" }));
    if (open.fit?.length) editor.append(svg("path", { d: path(open.x.map((x, i) => [px(x), py(open.fit[i])])), class: "kan-fit" }));
    open.points.forEach(([x, y], k) => {
      const dot = svg("circle", { cx: px(x), cy: py(y), r: 8, tabindex: 0, role: "slider", class: "kan-point", "data-point": k, "aria-label": `Control point ${k + 1} of ${open.points.length}`, "aria-valuenow": y.toFixed(3), "aria-orientation": "vertical" });
      dot.addEventListener("pointerdown", (event) => { dragging = k; editor.setPointerCapture(event.pointerId); dot.focus(); event.preventDefault(); });
      dot.addEventListener("keydown", (event) => {
        const step = { ArrowUp: 1, ArrowDown: -1, PageUp: 5, PageDown: -5 }[event.key];
        if (step === undefined) return;
        report({ type: "drag", id: open.id, index: k, value: y + (step * (scale.y[1] - scale.y[0])) / 60 });
        event.preventDefault();
      });
      editor.append(dot);
    });
    if (focus !== undefined) editor.querySelector(`[data-point="${focus}"]`)?.focus({ preventScroll: true });
    symbols.replaceChildren(...(open.suggestions ?? []).map((s) => {
      const made = button(`${s.name}  R² ${s.r2.toFixed(4)}`, `Replace the curve by ${s.formula}`, () => ({ type: "snap", id: open.id, name: s.name }));
      return made;
    }));
  }
  editor.addEventListener("pointermove", (event) => {
    if (dragging === null) return;
    const box = editor.getBoundingClientRect();
    const y = ((event.clientY - box.top) / box.height) * EDIT.height;
    const share = (EDIT.height - EDIT.bottom - y) / (EDIT.height - EDIT.top - EDIT.bottom);
    report({ type: "drag", id: selected(), index: dragging, value: scale.y[0] + share * (scale.y[1] - scale.y[0]) });
  });
  for (const end of ["pointerup", "pointercancel"]) editor.addEventListener(end, () => { if (dragging !== null) { dragging = null; drawEditor(); } });

  // ----- pictures of the function, and the loss -----
  function drawSurface(canvas, name) {
    const z = floats(model.get(name)), n = Math.round(Math.sqrt(z.length)), [low, high] = model.get("range");
    if (!n) return;
    canvas.width = canvas.height = n;
    const image = new ImageData(n, n);
    for (let k = 0; k < n * n; k++) {
      const row = n - 1 - Math.floor(k / n), cell = 4 * (row * n + (k % n));  // y grows upward
      image.data.set([...colour((z[k] - low) / (high - low || 1)), 255], cell);
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  }
  function drawLoss() {
    const history = model.get("history");
    losses.replaceChildren();
    if (history.length < 2) return;
    const logs = history.map(([, v]) => Math.log10(Math.max(v, 1e-9))), low = Math.min(...logs), high = Math.max(...logs), last = history.at(-1)[0] || 1;
    losses.append(svg("path", { d: path(history.map(([step], i) => [6 + (228 * step) / last, 104 - (98 * (logs[i] - low)) / (high - low || 1)])), class: "kan-line" }));
    for (const [step, , mark] of history) if (mark) losses.append(svg("line", { x1: 6 + (228 * step) / last, x2: 6 + (228 * step) / last, y1: 6, y2: 104, class: "kan-knot" }));
    losses.setAttribute("aria-label", `error ${history.at(-1)[1].toPrecision(3)} after ${last} steps`);
  }

  const say = () => { clearTimeout(late); status.textContent = model.get("reading"); };
  const heard = (message) => { if (message.type === "heard") say(); };
  model.on("msg:custom", heard);
  const all = { "change:curves change:edges change:layers": drawNetwork, "change:opened": () => { drawEditor(); drawNetwork(); }, "change:surface change:range": () => drawSurface(surface, "surface"), "change:target": () => drawSurface(target, "target"), "change:history": drawLoss, "change:reading": say };
  for (const [events, action] of Object.entries(all)) { for (const name of events.split(" ")) model.on(name, action); action(); }
  return () => { model.off("msg:custom", heard); for (const [events, action] of Object.entries(all)) for (const name of events.split(" ")) model.off(name, action); };
}

export default { render };
