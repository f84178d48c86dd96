// A neural circuit diagram as its own drawing: light up an axis, open a box, put an operation on wires, drag a softmax. The
// diagram and its four readings live in the kernel; this page draws what it is told and reports what hands do.

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
const pressed = (button, on) => { button.setAttribute("aria-pressed", on); button.classList.toggle("on", on); };
const way = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x},${y}`).join("");
const short = (n) => {
  for (const [size, word] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) if (n >= size) return `${(n / size).toFixed(n >= 100 * size ? 0 : 1)}${word}`;
  return String(n);
};
const RAMP = [[0, 32, 76], [64, 77, 107], [124, 123, 120], [188, 175, 111], [255, 234, 70]];  // cividis
const SIGNED = [[33, 102, 172], [146, 197, 222], [247, 247, 247], [244, 165, 130], [178, 24, 43]];  // blue to red, 0 is white
const BAR = { width: 13, height: 44, room: 30, title: 18 };
const GROUPS = { join: "Join wires", functions: "Functions", learned: "Learned", shape: "Shapes", tuple: "Arrays" };

const BEAT = 800; // milliseconds between two operations of data that run by themselves
const ran = new WeakSet(); // canvases whose data did

function colour(ramp, t) {
  const at = Math.min(Math.max(t, 0), 1) * (ramp.length - 1), k = Math.min(Math.floor(at), ramp.length - 2);
  return ramp[k].map((c, i) => Math.round(c + (at - k) * (ramp[k + 1][i] - c)));
}

function render({ model, el }) {
  const root = html("div", { className: "labcore-diagram labcore-bench" });
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  const state = () => model.get("state"), scene = () => model.get("scene");

  // One message under way at a time, and of those of one kind always the newest: the kernel is never behind the hand.
  let waiting = false;
  const queue = [];
  function send(message) {
    const last = queue.at(-1);
    if (last && last.type === message.type && ["resize", "write", "say", "step"].includes(message.type) && last.axis === message.axis) queue.pop();
    queue.push(message);
    next();
  }
  function next() {
    if (waiting || !queue.length) return;
    waiting = true;
    root.setAttribute("aria-busy", "true");
    model.send(queue.shift());
  }
  function answered(message) {
    if (message?.type !== "done") return;
    waiting = false;
    if (!queue.length) { root.setAttribute("aria-busy", "false"); drawSizes(); }
    next();
  }

  const button = (text, title, act, name = "") => {
    const made = html("button", { className: `jupyter-button ${name}`, textContent: text, title });
    made.addEventListener("click", act);
    return made;
  };
  function download(name, kind, content) {
    const link = html("a", { href: URL.createObjectURL(new Blob([content], { type: kind })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // ----- the bar of commands, and the palette -----
  const { architectures, tools } = model.get("menu");
  const architecture = html("select", { title: "Start from an architecture" });
  architecture.setAttribute("aria-label", "Architecture");
  architecture.append(html("option", { value: "", textContent: "Architectures …" }), html("option", { value: "blank", textContent: "three arrays, blank" }),
    ...architectures.map(([name, word]) => html("option", { value: name, textContent: word })));
  architecture.addEventListener("change", () => { if (architecture.value) send({ type: "load", name: architecture.value }); board.scrollLeft = 0; });
  const undo = button("↶ Undo", "Undo the last change", () => send({ type: "undo" }));
  const redo = button("↷ Redo", "Do it again", () => send({ type: "redo" }));
  const remove = button("Remove", "Remove the selected box, or the last one (Delete)", () => send({ type: "remove", box: model.get("opened")?.box ?? "" }));
  const backward = button("Backward diagram", "Show the backpropagation diagram", () => send({ type: "backward", on: !state().backward }));
  const close = button("Close blocks", "Draw every block as one box", () => send({ type: "fold_all", closed: true }));
  const open = button("Open blocks", "Draw what is inside the blocks", () => send({ type: "fold_all", closed: false }));
  let zoom = 1;
  const zoomed = (value) => { zoom = Math.min(Math.max(value, 0.15), 2); sizeBoard(); };
  root.append(html("div", { className: "labcore-toolbar" }, architecture, undo, redo, remove, backward, close, open,
    button("−", "Smaller", () => zoomed(zoom / 1.25)), button("Fit", "The whole diagram in view", () => zoomed((board.clientWidth - 4) / room())), button("+", "Larger", () => zoomed(zoom * 1.25)),
    button("Save SVG", "Download the drawing", () => download(`${state().name}.svg`, "image/svg+xml", scene().svg)),
    button("Save torch", "Download the program; it needs torch only", () => download(`${state().name}.py`, "text/x-python", model.get("code")))));

  const palette = html("div", { className: "ncd-palette" });
  palette.setAttribute("role", "toolbar");
  palette.setAttribute("aria-label", "Operations");
  const toolButtons = new Map();
  for (const [group, title] of Object.entries(GROUPS)) {
    const made = html("div", { className: "ncd-group" }, html("span", { textContent: title }));
    for (const [name, tool] of Object.entries(tools)) {
      if (tool.group !== group) continue;
      const one = button(tool.label, `Then click ${tool.says}`, () => send({ type: "use", tool: state().tool === name ? "" : name }));
      one.dataset.tool = name;
      toolButtons.set(name, one);
      made.append(one);
    }
    palette.append(made);
  }
  const asked = html("input", { type: "text", spellcheck: false }), question = html("span");
  asked.addEventListener("input", () => send({ type: "say", said: asked.value }));
  const apply = button("Apply", "Put the operation on these wires (Enter)", () => send({ type: "apply" }), "mod-primary");
  const down = button("Put down", "Choose no operation (Escape)", () => send({ type: "use", tool: "" }));
  const told = html("span", { className: "ncd-hint" });
  const hand = html("div", { className: "labcore-toolbar ncd-hand" }, told, html("label", {}, question, asked), apply, down);
  const status = html("p", { className: "labcore-reading" });
  status.setAttribute("role", "status");
  const wrong = html("p", { className: "ncd-error" });
  wrong.setAttribute("role", "alert");

  // ----- the board -----
  const board = html("div", { className: "ncd-board" }), paper = svg("svg", { role: "group", "aria-label": "The diagram, from left to right" });
  const costs = svg("svg", { class: "ncd-costs", role: "img" });  // stays in view while a tall diagram is scrolled
  board.append(paper, costs);
  let mirrored = false, cutSeen = -1, hits = [], boxes = new Map(), focused = null, over = null, drag = null;
  const above = svg("g", { class: "ncd-above" }), lines = svg("g", { class: "ncd-above" });

  const room = () => Math.max(scene().width, 480);  // a short diagram leaves room for the words under it
  function sizeBoard() {
    const { height } = scene(), width = room();
    for (const [part, tall] of [[paper, height + 4], [costs, 2 * (BAR.height + BAR.room + BAR.title) + 8]]) {
      part.setAttribute("viewBox", `0 0 ${width} ${tall}`);
      part.setAttribute("width", width * zoom);
      part.setAttribute("height", tall * zoom);
    }
  }

  const wireKey = (w) => [w[4], w[5], w[6]].join("-");
  function drawBoard() {
    const s = scene(), drawing = svg("g", { class: "ncd-drawing", "aria-hidden": "true" });
    drawing.innerHTML = s.svg;
    hits = []; boxes = new Map(); over = null;
    const wires = svg("g", { role: "group", "aria-label": "Wires. Arrow keys go from one to the next." });
    s.wires.forEach((w) => {
      const [points, axis, size, wire, column] = w;
      const flat = s.kinds[column] === "data", [x0, y0] = points[0], x1 = points.at(-1)[0];
      const hit = flat ? svg("rect", { x: x0, y: y0 - 9, width: Math.max(x1 - x0, 4), height: 18, class: "ncd-hit" }) : svg("path", { d: way(points), class: "ncd-hit" });
      hit.addEventListener("pointerenter", () => light(w));
      hit.addEventListener("pointerleave", () => light(null));
      hit.addEventListener("click", () => pickWire(w));
      if (flat) {
        for (const [k, v] of Object.entries({ tabindex: hits.length ? -1 : 0, role: "button", "data-wire": wireKey(w), "aria-label": `axis ${axis}, size ${size}, array ${w[5] + 1}, column ${column / 2 + 1}` })) hit.setAttribute(k, v);
        hit.addEventListener("focus", () => { focused = { wire: wireKey(w) }; light(w); });
        hit.addEventListener("blur", () => light(null));
        hit.addEventListener("keydown", (event) => wireKeys(event, w));
        hits.push({ w, hit, x: (x0 + x1) / 2, y: y0 });
      }
      wires.append(hit);
    });
    const holds = svg("g", { role: "group", "aria-label": "Boxes. Arrow keys go from one to the next, Enter opens." });
    s.boxes.forEach((b, n) => {
      const [x, y, width, height] = b.at;
      const hold = svg("rect", { x, y, width, height, rx: 4, class: `ncd-hold${b.moves ? " moves" : ""}`, tabindex: n ? -1 : 0, role: "button", "data-box": b.id, "aria-label": `${b.name}: ${b.step}${b.moves ? ". Up and down move it to another wire" : ""}` });
      hold.append(svg("title", {}, `${b.step}${b.moves ? " (drag it to another wire)" : ""}`));
      hold.addEventListener("click", () => { if (!drag?.far) send({ type: "choose", box: model.get("opened")?.box === b.id ? "" : b.id }); });
      hold.addEventListener("focus", () => { focused = { box: b.id }; });
      hold.addEventListener("keydown", (event) => boxKeys(event, b, n));
      if (b.moves) hold.addEventListener("pointerdown", (event) => startDrag(event, b));
      holds.append(hold);
      boxes.set(b.id, { b, hold });
    });
    const folds = svg("g");
    for (const f of s.fences) {
      const toggle = svg("g", { class: "ncd-fold", tabindex: 0, role: "button", "aria-expanded": !f.folded, "data-fold": f.box, "aria-label": `block ${f.name}, ${f.folded ? "open it" : "close it"}` },
        svg("rect", { x: f.x - 8, y: f.y - 8, width: 16, height: 16, rx: 4 }), svg("text", { x: f.x, y: f.y + 4 }, f.folded ? "+" : "−"));
      const act = () => { focused = { fold: f.box }; send({ type: "fold", box: f.box }); };
      toggle.addEventListener("click", act);
      toggle.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { act(); event.preventDefault(); } });
      folds.append(toggle);
    }
    if (s.line && !mirrored) board.scrollLeft = Math.max(0, s.line * zoom - board.clientWidth / 2);
    mirrored = Boolean(s.line);
    const hadFocus = paper.contains(document.activeElement), before = focused;
    paper.replaceChildren(drawing, wires, holds, folds, above);
    costs.replaceChildren(bars(s), lines);
    costs.setAttribute("aria-label", `Cost: at most ${Math.max(...s.cuts.map((c) => c.live)).toLocaleString("en")} numbers in memory`);
    sizeBoard();
    drawAbove();
    if (hadFocus && before) refocus(before);
  }

  function refocus(at) {
    const target = at.wire ? `.ncd-hit[data-wire="${at.wire}"]` : at.box ? `.ncd-hold[data-box="${at.box}"]` : `[data-fold="${at.fold}"]`;
    const found = paper.querySelector(target) ?? paper.querySelector("[tabindex='0']");
    if (found) go(found);
  }
  function go(target) {
    const peers = target.parentNode.querySelectorAll("[tabindex]");
    if (!target.classList.contains("ncd-fold")) for (const peer of peers) peer.setAttribute("tabindex", -1);
    target.setAttribute("tabindex", 0);
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  function wireKeys(event, w) {
    const here = hits.find((h) => h.w === w);
    if (event.key === "Enter" || event.key === " ") {
      if (event.key === "Enter" && model.get("picked").length && model.get("picked").some((p) => p.join("-") === wireKey(w))) send({ type: "apply" });
      else pickWire(w);
    } else if (event.key === "Escape") send({ type: "use", tool: "" });
    else if (STEPS[event.key]) {
      const [dx, dy] = STEPS[event.key];
      const peers = hits.filter((h) => (dx ? Math.sign(h.w[4] - w[4]) === dx : h.w[4] === w[4] && Math.sign(h.y - here.y) === dy));
      const far = (h) => (dx ? 1e4 * Math.abs(h.w[4] - w[4]) : 0) + Math.abs(h.y - here.y);
      const nearest = peers.sort((a, b) => far(a) - far(b))[0];
      if (nearest) go(nearest.hit);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
  function boxKeys(event, b, n) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key], turn = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") send({ type: "choose", box: model.get("opened")?.box === b.id ? "" : b.id });
    else if (event.key === "Delete" || event.key === "Backspace") send({ type: "remove", box: b.id });
    else if (step) { const peer = scene().boxes[n + step]; if (peer) go(boxes.get(peer.id).hold); }
    else if (turn && b.moves) send({ type: "nudge", box: b.id, by: turn });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  function pickWire(w) {
    const column = w[4] - (scene().kinds[w[4]] === "operation");
    send({ type: "pick", column, row: w[5], leg: w[6] });
  }

  // An axis lights up wherever it is in the diagram, and its line here most of all.
  function light(w) {
    over = w;
    for (const lit of paper.querySelectorAll(".lit, .self")) lit.classList.remove("lit", "self");
    if (w) for (const part of paper.querySelectorAll(".ncd-drawing [data-axis]")) if (part.dataset.axis === w[1]) {
      part.classList.add("lit");
      if (part.dataset.wire === String(w[3])) part.classList.add("self");
    }
    drawAbove();
  }

  function place(event) {
    const box = paper.getBoundingClientRect();
    return [(event.clientX - box.left) / zoom, (event.clientY - box.top) / zoom];
  }
  function startDrag(event, b) {
    const [x, y] = place(event);
    drag = { b, x, y, at: [x, y], far: false, over: null };
    event.target.setPointerCapture(event.pointerId);
    const move = (e) => {
      drag.at = place(e);
      drag.far ||= Math.hypot(drag.at[0] - drag.x, drag.at[1] - drag.y) > 5;
      const near = hits.filter((h) => h.w[4] === b.column - 1).sort((p, q) => Math.abs(p.y - drag.at[1]) - Math.abs(q.y - drag.at[1]))[0];
      drag.over = drag.far ? near : null;
      light(drag.over?.w ?? null);
    };
    const end = () => {
      event.target.removeEventListener("pointermove", move);
      if (drag?.far && drag.over) send({ type: "move", box: b.id, column: drag.over.w[4], row: drag.over.w[5], leg: drag.over.w[6] });
      light(null);
      setTimeout(() => { drag = null; drawAbove(); });  // after the click that ends a drag
    };
    event.target.addEventListener("pointermove", move);
    for (const last of ["pointerup", "pointercancel"]) event.target.addEventListener(last, end, { once: true });
  }

  // What lies on the drawing: selections, picks, the cut, errors, the name of the axis under the hand.
  function drawAbove() {
    const s = scene(), opened = model.get("opened")?.box, error = model.get("error"), { at } = state();
    above.replaceChildren();
    lines.replaceChildren();
    const line = (x, name) => { for (const part of [above, lines]) part.append(svg("line", { x1: x, x2: x, y1: 0, y2: s.height + 400, class: name })); };
    for (const [id, { hold }] of boxes) {
      hold.classList.toggle("open", id === opened);
      hold.classList.toggle("refused", Boolean(error?.box) && id === error.box);
    }
    if (s.line) line(s.line, "ncd-mirror");
    if (s.line) above.append(svg("text", { x: s.line - 8, y: 12, class: "ncd-note", "text-anchor": "end" }, "forward again"), svg("text", { x: s.line + 8, y: 12, class: "ncd-note" }, "the gradient runs back"));
    if (at >= 0) {
      const cut = s.cuts.filter((c) => c.cut <= at).at(-1);
      if (cut) line(cut.x, "ncd-cut");
      const x = cut ? cut.x * zoom - board.scrollLeft : 0;
      if (cut && at !== cutSeen && (x < 20 || x > board.clientWidth - 20)) board.scrollLeft = cut.x * zoom - board.clientWidth / 2;
    }
    cutSeen = at;
    for (const pick of model.get("picked")) {
      const found = hits.find((h) => wireKey(h.w) === pick.join("-"));
      if (found) above.append(svg("path", { d: way(found.w[0]), class: "ncd-picked" }), svg("circle", { cx: found.x, cy: found.y, r: 6, class: "ncd-pin" }));
    }
    for (const part of paper.querySelectorAll(".ncd-drawing .refused")) part.classList.remove("refused");
    if (error?.message) {
      const spots = error.spots ?? [];
      if (!spots.length) for (const part of paper.querySelectorAll(".ncd-drawing [data-axis]")) part.classList.toggle("refused", error.names.includes(part.dataset.axis));
      if (spots.length > 1) {
        const [[x1, y1], [x2, y2]] = spots, bend = Math.max(x1, x2) + 26, [x, y] = [(x1 + x2) / 4 + bend / 2, (y1 + y2) / 2];
        above.append(svg("path", { d: `M${x1},${y1}Q${bend},${y1} ${bend},${y}Q${bend},${y2} ${x2},${y2}`, class: "ncd-refusal" }), svg("text", { x: bend, y: y + 7, class: "ncd-cross" }, "✗"));
      }
      for (const [x, y] of spots) above.append(svg("circle", { cx: x, cy: y, r: 8, class: "ncd-refusal" }));
    }
    if (drag?.far) above.append(svg("path", { d: `M${drag.at[0] - 14},${drag.at[1]}l28,-11v22z`, class: "ncd-ghost" }));
    if (over) {
      const [points, axis, size] = over, x = (points[0][0] + points.at(-1)[0]) / 2, y = (points[0][1] + points.at(-1)[1]) / 2;
      const words = `${axis}: size ${size}`, width = 7.2 * words.length + 14, left = Math.min(Math.max(x - width / 2, 2), Math.max(room() - width - 2, 2)), top = y > 34 ? y - 32 : y + 12;
      above.append(svg("rect", { x: left, y: top, width, height: 20, rx: 5, class: "ncd-tip" }), svg("text", { x: left + width / 2, y: top + 14, class: "ncd-tip-text" }, words));
    }
  }

  // ----- bars of cost, under the columns that they belong to -----
  function bars(s) {
    const made = svg("g", { class: "ncd-bars" });
    const row = (top, title, items, name) => {
      const most = Math.max(1, ...items.map((i) => Math.max(i.value, i.was))), base = top + BAR.title + BAR.room + BAR.height;
      made.append(svg("text", { x: 8, y: top + 11, class: "ncd-note" }, title), svg("line", { x1: 0, x2: room(), y1: base, y2: base, class: "ncd-base" }));
      let free = -1e9;
      for (const item of items) {
        const tall = (BAR.height * item.value) / most, before = (BAR.height * item.was) / most, words = short(item.value);
        const bar = svg("rect", { x: item.x - BAR.width / 2, y: base - tall, width: BAR.width, height: Math.max(tall, item.value ? 0.8 : 0), class: `ncd-bar-of ${name}${item.inside ? " inside" : ""}`, "data-value": item.value });
        bar.append(svg("title", {}, item.says));
        if (item.act) bar.addEventListener("click", item.act);
        made.append(bar);
        if (item.was !== item.value) made.append(svg("rect", { x: item.x - BAR.width / 2 - 1.5, y: base - before, width: BAR.width + 3, height: before, class: "ncd-was" }));
        const half = 3.4 * words.length + 2;
        if (item.value && item.x - half > free) {
          const high = base - Math.max(tall, item.was !== item.value ? before : 0) - 4;
          made.append(svg("text", { x: item.x, y: high, class: "ncd-value" }, words));
          if (item.was !== item.value && item.was) made.append(svg("text", { x: item.x, y: high - 11, class: "ncd-ratio" }, `×${Number((item.value / item.was).toPrecision(3))}`));
          free = item.x + half;
        }
      }
    };
    row(2, "numbers in memory at each cut", s.cuts.map((c) => ({ x: c.x, value: c.live, was: c.was, inside: c.inside, says: c.inside ? `inside ${c.inside}: at most ${c.live.toLocaleString("en")} numbers in memory` : `cut ${c.cut}: ${c.live.toLocaleString("en")} numbers in memory`, act: () => send({ type: "step", cut: c.cut }) })), "live");
    row(BAR.title + BAR.room + BAR.height + 6, "multiply-adds of each operation (a fused einsum counts at its last box)", s.work.map((c) => ({ x: c.x, value: c.macs, was: c.macs, says: `${c.macs.toLocaleString("en")} multiply-adds, ${c.other.toLocaleString("en")} other operations` })), "macs");
    return made;
  }

  // ----- sizes of axes -----
  const sliders = html("div", { className: "ncd-sizes" }), inputs = new Map();
  function drawSizes() {
    const sizes = model.get("sizes");
    if ([...inputs.keys()].join() !== sizes.map((s) => s[0]).join()) {
      inputs.clear();
      sliders.replaceChildren(...sizes.map(([axis]) => {
        const input = html("input", { type: "range", min: 0, step: 0.001 }), shown = html("input", { type: "number", min: 1, max: 10000 });
        input.setAttribute("aria-label", `size of axis ${axis}`);
        shown.setAttribute("aria-label", `size of axis ${axis}, as a number`);
        const change = (size) => send({ type: "resize", axis, size });
        input.addEventListener("input", () => { const size = Math.round(2 ** input.value); shown.value = size; change(size); });
        input.addEventListener("keydown", (event) => {  // keys go by one, the log scale is for the hand
          const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 8, PageDown: -8 }[event.key];
          if (!by) return;
          const size = Math.min(Math.max(Number(shown.value) + by, 1), Math.round(2 ** input.max));
          shown.value = size; input.value = Math.log2(size); change(size);
          event.preventDefault();
        });
        shown.addEventListener("change", () => { if (Number(shown.value) >= 1) change(Math.round(shown.value)); });
        const name = html("i", { textContent: axis }), row = html("label", {}, name, input, shown);
        const lit = () => { const found = scene().wires.find((w) => w[1] === axis); if (found) light(found); };
        row.addEventListener("pointerenter", lit);
        row.addEventListener("pointerleave", () => light(null));
        inputs.set(axis, { input, shown });
        return row;
      }));
    }
    for (const [axis, size, low, high] of sizes) {
      const { input, shown } = inputs.get(axis);
      input.max = Math.log2(high);
      input.setAttribute("aria-valuetext", size);
      if (document.activeElement === input && (waiting || queue.length)) continue;  // the hand is ahead of the kernel
      if (Math.round(2 ** input.value) !== size) input.value = Math.log2(size);
      if (document.activeElement !== shown) shown.value = size;
    }
  }

  // ----- text and program -----
  const text = html("textarea", { spellcheck: false, rows: 9 });
  text.setAttribute("aria-label", "The diagram as text");
  let timer = 0, sent = null;
  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => { timer = 0; sent = text.value; send({ type: "write", text: sent }); }, 300);
  });
  text.addEventListener("keydown", (event) => event.stopPropagation());
  function drawText() {
    const now = model.get("text"), typing = document.activeElement === text && (timer || now === sent);
    if (text.value !== now && !typing) text.value = now;
    text.readOnly = state().backward;
  }
  const code = html("pre", { className: "ncd-code", tabIndex: 0 });
  code.setAttribute("aria-label", "The torch program");
  function drawCode() {
    const chosen = model.get("opened")?.line ?? 0;
    code.replaceChildren(...model.get("code").replace(/\n$/, "").split("\n").map((line, n) => {
      const [before, comment] = line.includes("  # ") ? [line.slice(0, line.indexOf("  # ")), line.slice(line.indexOf("  # "))] : [line, ""];
      return html("div", { className: n + 1 === chosen ? "chosen" : "" }, html("span", { className: "number", textContent: n + 1 }), before || (comment ? "" : " "), html("span", { className: "comment", textContent: comment }));
    }));
    const line = code.querySelector(".chosen");
    if (line) code.scrollTop = Math.max(0, line.offsetTop - code.offsetTop - code.clientHeight / 2);
  }

  // ----- the open box -----
  const details = html("div", { className: "ncd-details" });
  function drawDetails() {
    const d = model.get("opened");
    if (!d?.box) {
      details.replaceChildren(html("p", { className: "ncd-hint", textContent: "Click a box, a dot, a triangle or a half circle: its line of the program, its shapes and its cost appear here." }));
      return;
    }
    const row = (name, value) => (value ? [html("dt", { textContent: name }), html("dd", { textContent: value })] : []);
    details.replaceChildren(html("h4", { textContent: d.title }), html("p", { textContent: d.meaning }), html("dl", {},
      ...row("in", d.ins.join(", ") || "nothing"), ...row("out", d.outs.join(", ") || "nothing"), ...row("passes by", d.passing.length ? `${d.passing.join(", ")} (broadcast)` : ""),
      ...row("torch", d.torch), ...row("learned", d.learned.join("; ")), ...row("work", d.work), ...row("after it", `${d.live.toLocaleString("en")} numbers in memory`)));
  }

  // ----- data at a cut -----
  const at = html("input", { type: "range", min: 0, step: 1 }), maps = html("div", { className: "ncd-maps" }), away = button("Hide data", "Put the data away", () => send({ type: "step", cut: -1 }));
  at.setAttribute("aria-label", "cut where the data are shown");
  at.addEventListener("input", () => send({ type: "step", cut: Number(at.value) }));
  const back = button("◀", "One operation back", () => send({ type: "step", cut: Math.max(state().at - 1, 0) }));
  const forth = button("Step data ▶", "Push random numbers through one operation more", () => send({ type: "step", cut: Math.min(state().at + 1, state().last) }));
  const stepping = html("div", { className: "labcore-toolbar" }, back, at, forth, away);
  function drawData() {
    const data = model.get("data"), bytes = model.get("pixels");
    const levels = bytes?.byteLength ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array();
    let from = 0;
    maps.replaceChildren(...(data.arrays ?? []).map((a) => {
      const figure = html("figure", {}, html("figcaption", { textContent: a.title }));
      if (!a.rows) return figure;
      const gaps = a.period && a.period < a.cols ? Math.ceil(a.cols / a.period) - 1 : 0, canvas = html("canvas", { width: a.cols + gaps, height: a.rows });
      const image = new ImageData(canvas.width, canvas.height), ramp = a.signed ? SIGNED : RAMP;
      for (let r = 0; r < a.rows; r++) for (let c = 0; c < a.cols; c++) {
        const x = c + (gaps ? Math.floor(c / a.period) : 0);  // an empty pixel wherever the last axis begins anew
        image.data.set([...colour(ramp, levels[from + r * a.cols + c] / 255), 255], 4 * (r * canvas.width + x));
      }
      from += a.rows * a.cols;
      canvas.getContext("2d").putImageData(image, 0, 0);
      const cell = Math.min(Math.max(Math.floor(420 / canvas.width), 2), 9);
      Object.assign(canvas.style, { width: `${canvas.width * cell}px`, height: `${canvas.height * Math.max(cell, Math.min(9, Math.ceil(40 / a.rows)))}px` });
      canvas.setAttribute("role", "img");
      const words = `rows: ${a.names[0] ?? "one number"}${a.names.length > 1 ? `, columns: ${a.names.slice(1).join(" and ")}` : ""}; from ${a.low.toPrecision(3)} to ${a.high.toPrecision(3)}${a.cropped ? "; the first part of it" : ""}`;
      canvas.setAttribute("aria-label", `${a.title}. ${words}`);
      figure.append(html("div", { className: "ncd-scroll" }, canvas), html("small", { textContent: words }));
      return figure;
    }));
  }

  function drawState() {
    const s = state();
    undo.disabled = !s.undo; redo.disabled = !s.redo;
    remove.disabled = s.backward;
    pressed(backward, s.backward);
    close.hidden = open.hidden = !s.blocks;
    for (const [name, one] of toolButtons) { pressed(one, name === s.tool); one.disabled = s.backward; }
    down.hidden = !s.tool;
    told.textContent = s.tool ? `${tools[s.tool].label}: click ${tools[s.tool].says}.` : "Point at a wire, open a box, drag a triangle. To build: choose an operation above, then the wires that it acts on.";
    asked.parentNode.hidden = !s.ask;
    question.textContent = s.ask;
    asked.setAttribute("aria-label", s.ask);
    if (document.activeElement !== asked) asked.value = s.said;
    apply.disabled = model.get("picked").length < s.least;
    apply.hidden = !s.tool || tools[s.tool].least === tools[s.tool].most;
    root.classList.toggle("picking", Boolean(s.tool));
    at.max = s.last; at.value = Math.max(s.at, 0);
    at.hidden = away.hidden = back.hidden = s.at < 0;
    text.readOnly = s.backward;
    drawAbove();
  }
  function drawError() {
    const error = model.get("error");
    wrong.textContent = error?.message ?? "";
    wrong.hidden = !error?.message;
    drawAbove();
  }

  root.append(palette, hand, board, wrong, stepping, maps,
    html("div", { className: "ncd-columns" },
      html("section", {}, html("h4", { textContent: "Sizes of the axes" }), sliders, html("h4", { textContent: "The selected box" }), details),
      html("section", {}, html("h4", { textContent: "The diagram as text" }), text, html("small", { className: "ncd-hint", textContent: "One step: | operation wires @row. Arrays are rows, from 1; x#2 is the second wire x of an array." }), html("h4", { textContent: "The same diagram as torch" }), code)),
    status);
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state().tool) send({ type: "use", tool: "" });
    if (event.target.tagName === "INPUT" && event.target === asked && event.key === "Enter") send({ type: "apply" });
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !["TEXTAREA", "INPUT"].includes(event.target.tagName)) {
      send({ type: event.shiftKey ? "redo" : "undo" });
      event.preventDefault();
    }
  });
  el.append(root);

  // data run through once, until a hand takes over, and for nobody who asked the system for less motion
  let clock = 0;
  const halt = () => clearInterval(clock);
  const sight = new IntersectionObserver(([{ isIntersecting }]) => {
    if (!isIntersecting || !model.get("opening") || ran.has(model)) return;
    ran.add(model);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    clock = setInterval(() => {
      const { at, last } = state();
      if (at >= last) halt();
      else if (!waiting) send({ type: "step", cut: at + 1 });
    }, BEAT);
  }, { threshold: 0.5 });
  sight.observe(board);
  for (const event of ["pointerdown", "keydown"]) root.addEventListener(event, halt, true);

  const say = () => { status.textContent = model.get("reading"); };
  const all = {
    "change:scene": drawBoard, "change:sizes": drawSizes, "change:text": drawText, "change:code": drawCode, "change:opened": () => { drawDetails(); drawCode(); drawAbove(); },
    "change:data change:pixels": drawData, "change:error": drawError, "change:state change:picked": drawState, "change:reading": say, "msg:custom": answered,
  };
  for (const [events, action] of Object.entries(all)) { for (const name of events.split(" ")) model.on(name, action); if (action !== answered) action(); }
  return () => { halt(); sight.disconnect(); for (const [events, action] of Object.entries(all)) for (const name of events.split(" ")) model.off(name, action); };
}

export default { render };
