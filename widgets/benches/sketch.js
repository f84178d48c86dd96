// A picture to draw on. Handles stand along x; a free stroke fills those that it passes, arrow keys move one. When the
// kernel sends the measured curve, it is drawn over what the hand drew.

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
const path = (points) => points.map((p, i) => (p ? `${i && points[i - 1] ? "L" : "M"}${p[0].toFixed(1)},${p[1].toFixed(1)}` : "")).join("");
const within = (v, low = 0, high = 1) => Math.min(Math.max(v, low), high);
const EDGE = { left: 60, right: 18, top: 12, bottom: 50 };
const REACH = 20; // pixels: a hand so near to a handle holds it
const STEP = { ArrowUp: 1 / 40, ArrowDown: -1 / 40, PageUp: 1 / 8, PageDown: -1 / 8 };

// A scale turns values into shares of an axis, 0 to 1, and back.
function scale({ low, high, log, names }) {
  if (names.length) [low, high] = [-0.5, names.length - 0.5];
  if (log) return { share: (v) => Math.log(v / low) / Math.log(high / low), value: (s) => low * (high / low) ** s };
  return { share: (v) => (v - low) / (high - low), value: (s) => low + (high - low) * s };
}

const digits = (v) => Number(v.toPrecision(3));
const SUPER = { "-": "⁻", ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].map((c, i) => [i, c])) };
function written(v) {
  if (v === 0 || (Math.abs(v) >= 1e-3 && Math.abs(v) < 1e4)) return String(digits(v));
  const power = Math.floor(Math.log10(Math.abs(v)) + 1e-9), front = digits(v / 10 ** power);
  return `${front === 1 ? "" : `${front}·`}10${[...String(power)].map((c) => SUPER[c]).join("")}`;
}

// Round places for the numbers of an axis, no more than fit.
function ticks({ low, high, log, names, at }, most) {
  if (names.length) return names.map((_, k) => k);
  const made = [], inside = (v) => v >= low * (1 - 1e-9 * Math.sign(low)) && v <= high + 1e-9 * Math.abs(high);
  if (log) {
    const decades = Math.log10(high / low), every = Math.ceil(decades / most);
    const fronts = decades > most / 2 ? [1] : decades > most / 3 ? [1, 3] : [1, 2, 5];
    for (let p = Math.floor(Math.log10(low) + 1e-9); p <= Math.log10(high) + 1e-9; p++)
      if (p % every === 0) for (const f of fronts) if (inside(f * 10 ** p)) made.push(f * 10 ** p);
    return made;
  }
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= rough);
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) made.push(k * step);
  return made;
}

function render({ model, el }) {
  const kind = model.get("kind"), axes = model.get("axes"), places = axes.x.at, place = kind === "place";
  const bars = axes.x.names.length > 0;
  const root = html("div", { className: "labcore-sketch" });
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  const hint = html("p", { className: "sketch-hint", id: `sketch-hint-${(globalThis.labcoreSketches = (globalThis.labcoreSketches ?? 0) + 1)}` });
  hint.textContent = place
    ? "Put the point where you expect it: press and drag, or use the arrow keys."
    : bars
      ? "Lift each point as high as you expect it: press and drag, or use the arrow keys."
      : "Draw your curve: press and drag from left to right, or use the arrow keys on the points.";
  const legend = html("p", { className: "sketch-legend" });
  const picture = svg("svg", { class: "sketch-picture", role: "group", "aria-describedby": hint.id });
  picture.setAttribute("aria-label", `${axes.y.title} over ${axes.x.title}`);
  // what catches a hand lies over all and stays there while the picture is drawn anew: a browser that loses the part on
  // which a finger began takes the stroke for a scroll
  const paper = html("div", { className: "sketch-paper" });
  root.append(hint, html("div", { className: "sketch-board" }, picture, paper), legend);
  el.append(root);

  let drawn = [...model.get("drawn")], chosen = 0, width = 0, height = 0;
  let others = []; // what others drew, round by round, as shares of the axes
  let fresh = false; // whether the measured curve has just come, and is seen being drawn
  const x = scale(axes.x);
  let y = scale(axes.y);
  // a circle of a plane is round: both its axes have one scale
  const plane = place && !axes.x.log && !axes.y.log;
  const wide = axes.x.high - axes.x.low, tall = axes.y.high - axes.y.low;
  const right = () => plane ? Math.max(EDGE.right, width - EDGE.left - ((height - EDGE.top - EDGE.bottom) * wide) / tall) : EDGE.right;
  const px = (v) => EDGE.left + x.share(v) * (width - EDGE.left - right());
  const py = (v) => height - EDGE.bottom - y.share(v) * (height - EDGE.top - EDGE.bottom);
  const open = () => !model.get("done");

  // the measured curve may leave the axis that was drawn on: then the axis grows
  function ruler() {
    const seen = (model.get("measured").y ?? []).filter((v) => v !== null && (!axes.y.log || v > 0));
    return { ...axes.y, low: Math.min(axes.y.low, ...seen), high: Math.max(axes.y.high, ...seen) };
  }

  // heights at all handles: straight between those that a hand moved, level beyond, in the middle before any was
  function filled() {
    const moved = drawn.flatMap((v, k) => (v === null ? [] : [k]));
    return drawn.map((v, k) => {
      if (v !== null) return v;
      const before = moved.findLast((m) => m < k), after = moved.find((m) => m > k);
      if (before === undefined && after === undefined) return y.value(0.5);
      if (before === undefined || after === undefined) return drawn[before ?? after];
      const [a, b] = [y.share(drawn[before]), y.share(drawn[after])];
      return y.value(a + ((b - a) * (k - before)) / (after - before));
    });
  }

  function draw() {
    const focused = picture.contains(document.activeElement);
    const yRuler = ruler(), measured = model.get("measured");
    y = scale(yRuler);
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.style.height = `${height}px`;
    for (const [side, edge] of Object.entries({ ...EDGE, right: right() })) paper.style[side] = `${edge - REACH / 2}px`;
    const [x0, x1, y0, y1] = [EDGE.left, width - right(), height - EDGE.bottom, EDGE.top];
    const made = [];
    const add = (tag, attributes, ...children) => made.push(svg(tag, attributes, ...children));
    for (const v of ticks(yRuler, Math.max(2, (y0 - y1) / 45))) {
      add("line", { x1: x0, x2: x1, y1: py(v), y2: py(v), class: "sketch-grid" });
      add("text", { x: x0 - 7, y: py(v) + 4, "text-anchor": "end", class: "sketch-tick" }, written(v));
    }
    for (const v of ticks(axes.x, Math.max(2, (x1 - x0) / 70))) {
      if (!bars) add("line", { x1: px(v), x2: px(v), y1: y0, y2: y1, class: "sketch-grid" });
      if (!bars) add("text", { x: px(v), y: y0 + 17, "text-anchor": "middle", class: "sketch-tick" }, written(v));
      else named(v, y0, add);
    }
    add("path", { d: `M${x0},${y1}V${y0}H${x1}`, class: "sketch-axis" });
    add("text", { x: (x0 + x1) / 2, y: height - 6, "text-anchor": "middle", class: "sketch-title" }, axes.x.title);
    add("text", { x: 0, y: 0, "text-anchor": "middle", class: "sketch-title", transform: `translate(13 ${(y0 + y1) / 2}) rotate(-90)` }, axes.y.title);
    // one that begins or ends beyond the axes is cut there
    const frame = svg("svg", { x: x0, y: y1, width: Math.max(x1 - x0, 1), height: Math.max(y0 - y1, 1), viewBox: `${x0} ${y1} ${Math.max(x1 - x0, 1)} ${Math.max(y0 - y1, 1)}`, class: "sketch-inside" });
    // a line with gaps where there is no number; a point between two gaps is a dot, and over a thing a level mark
    const curve = (xs, ys, css) => {
      const points = xs.map((v, k) => (v === null || ys[k] === null ? null : [px(v), py(ys[k])])).map((p) => (p?.every(Number.isFinite) ? p : null));
      const alone = points.filter((p, k) => p && (bars || (!points[k - 1] && !points[k + 1])));
      if (!bars) frame.append(svg("path", { d: path(points), class: css, pathLength: 1 }));
      for (const [cx, cy] of alone) frame.append(bars ? svg("path", { d: `M${cx - 14},${cy}h28`, class: css }) : svg("circle", { cx, cy, r: alone.length > 9 ? 2.5 : 5, class: `${css} dot` }));
    };
    model.get("given").forEach((line, k) => curve(line.x, line.y, `sketch-given given-${k % 4}`));
    others.forEach((round, k) => round.forEach((shares) => {
      const css = `sketch-other${k < others.length - 1 ? " before" : ""}`, was = scale(axes.y);
      if (place) curve([x.value(shares[0])], [was.value(shares[1])], css);
      else curve(places, shares.map(was.value), css);
    }));
    made.push(frame);
    const ys = filled(), touched = drawn.some((v) => v !== null);
    if (place) {
      if (touched || open()) handle(0, x.value(0.5), y.value(0.5), add);
    } else {
      if (touched && !bars) made.push(svg("path", { d: path(places.map((v, k) => [px(v), py(ys[k])])), class: "sketch-drawn" }));
      if (touched || open()) places.forEach((v, k) => handle(k, v, ys[k], add));
    }
    if (measured.x) {
      const group = svg("g", { class: "sketch-real" });
      if (place || bars) measured.x.forEach((v, k) => group.append(svg("path", { d: `M${px(v) - 9},${py(measured.y[k])}h18`, class: "sketch-measured" }), ...(place ? [svg("path", { d: `M${px(v)},${py(measured.y[k]) - 9}v18`, class: "sketch-measured" })] : [])));
      else group.append(svg("path", { d: path(measured.x.map((v, k) => [px(v), py(measured.y[k])])), class: `sketch-measured${fresh ? " fresh" : ""}`, pathLength: 1 }));
      made.push(group);
    }
    if (open() && !touched && !place) add("text", { x: (x0 + x1) / 2, y: py(y.value(0.5)) - 16, "text-anchor": "middle", class: "sketch-call" }, bars ? "lift the points" : "draw here");
    picture.replaceChildren(...made);
    paper.hidden = !open();
    if (focused) picture.querySelector(`[data-handle="${chosen}"]`)?.focus({ preventScroll: true });
    tell(measured);
  }

  // the name of a thing, in lines that fit under its place
  function named(k, y0, add) {
    const room = (width - EDGE.left - right()) / axes.x.names.length, lines = [""];
    // letters of 12 pixels are about 6.6 wide; where the longest word has no room, all are smaller
    const longest = Math.max(...axes.x.names.flatMap((name) => name.split(" ")).map((word) => word.length)) + 0.5;
    const size = within((12 * room) / (6.6 * longest), 7, 12);
    for (const word of axes.x.names[k].split(" ")) {
      if (lines.at(-1) && (lines.at(-1).length + word.length + 1) * 0.54 * size > room) lines.push(word);
      else lines[lines.length - 1] += `${lines.at(-1) && " "}${word}`;
    }
    lines.slice(0, 2).forEach((line, n) => add("text", { x: px(k), y: y0 + 15 + 13 * n, "text-anchor": "middle", class: "sketch-tick", style: `font-size: ${size}px` }, line));
  }

  function handle(k, atX, atY, add) {
    if (place && drawn[0] !== null) [atX, atY] = drawn;
    const moved = drawn[k] !== null;
    if (bars) add("path", { d: `M${px(atX)},${height - EDGE.bottom}V${py(atY)}`, class: `sketch-stem${moved ? " moved" : ""}` });
    const dot = { cx: px(atX), cy: py(atY), r: open() || place ? 7 : 4, class: `sketch-handle${moved ? " moved" : ""}` };
    if (!open()) return add("circle", dot);
    const where = bars ? axes.x.names[k] : `${axes.x.title} ${written(atX)}`;
    const [least, most] = [y.value(0), y.value(1)].map(digits);
    add("circle", { ...dot, tabindex: k === chosen ? 0 : -1, role: "slider", "data-handle": k, "aria-orientation": "vertical",
      "aria-label": place ? `Your point: ${axes.x.title} and ${axes.y.title}` : `${axes.y.title} at ${where}, ${k + 1} of ${places.length}`,
      "aria-valuemin": least, "aria-valuemax": most, "aria-valuenow": digits(atY),
      "aria-valuetext": place ? `${written(atX)}, ${written(atY)}` : `${written(atY)}${moved ? "" : ", not drawn yet"}` });
  }

  // a line without two neighbours
  const dotted = ({ y: heights }) => !bars && !heights.some((v, k) => v !== null && k && heights[k - 1] !== null);

  function tell(measured) {
    const parts = model.get("given").map((line, k) => [dotted(line) ? "dot" : `given-${k % 4}`, line.name]);
    if (others.length) parts.push(["other", "others"]);
    if (drawn.some((v) => v !== null)) parts.push([place ? "drawn dot" : "drawn", "you drew"]);
    if (measured.x) parts.push(["measured", "measured"]);
    legend.replaceChildren(...parts.map(([css, name]) => html("span", {}, html("i", { className: css }), name)));
    hint.hidden = !open();
    if (measured.spoken) picture.setAttribute("aria-label", `${axes.y.title} over ${axes.x.title}. ${measured.spoken}`);
  }

  // ----- hands -----
  let before = null; // where the stroke was last, in shares

  function spot(event) {
    const box = picture.getBoundingClientRect();
    return [
      within((event.clientX - box.left - EDGE.left) / (box.width - EDGE.left - right())),
      within((box.bottom - event.clientY - EDGE.bottom) / (box.height - EDGE.top - EDGE.bottom)),
    ];
  }

  function stroke(to) {
    if (place) {
      drawn = [x.value(to[0]), y.value(to[1])];
    } else {
      const off = places.map((v) => Math.abs(x.share(v) - to[0]));
      chosen = off.indexOf(Math.min(...off));
      // a fast hand jumps: every handle between two spots gets the height of the line between them
      const [[ax, ay], [bx, by]] = (before ?? to)[0] < to[0] ? [before, to] : [to, before ?? to];
      places.forEach((v, k) => {
        const s = x.share(v);
        if (s > ax && s <= bx) drawn[k] = y.value(ay + ((by - ay) * (s - ax)) / (bx - ax));
      });
      // a press takes the nearest handle, and one that the hand is beside follows it up and down
      if (!before || off[chosen] * (width - EDGE.left - right()) < REACH) drawn[chosen] = y.value(to[1]);
    }
    before = to;
    draw();
  }

  const report = () => { model.set("drawn", [...drawn]); model.save_changes(); };

  paper.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    paper.setPointerCapture(event.pointerId);
    stroke(spot(event));
    picture.querySelector(`[data-handle="${chosen}"]`)?.focus({ preventScroll: true });
    event.preventDefault();
  });
  paper.addEventListener("pointermove", (event) => {
    if (!before) return;
    const parts = event.getCoalescedEvents?.() ?? [];
    for (const part of parts.length ? parts : [event]) stroke(spot(part));
  });
  for (const end of ["pointerup", "pointercancel"]) paper.addEventListener(end, () => {
    if (!before) return;
    before = null;
    report(); // one message a stroke
  });

  picture.addEventListener("keydown", (event) => {
    if (!open() || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEP[event.key], side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step !== undefined) {
      const at = place ? 1 : chosen, now = place ? drawn[1] ?? y.value(0.5) : filled()[chosen];
      if (place) drawn[0] ??= x.value(0.5);
      drawn[at] = y.value(within(y.share(now) + step));
    } else if (side && place) {
      drawn[1] ??= y.value(0.5);
      drawn[0] = x.value(within(x.share(drawn[0] ?? x.value(0.5)) + side / 40));
    } else if (side) {
      chosen = within(chosen + side, 0, places.length - 1);
    } else return;
    event.preventDefault();
    draw();
    if (step !== undefined || place) report();
  });
  // a screen reader may focus a handle by itself
  picture.addEventListener("focusin", ({ target }) => { if (target.dataset.handle !== undefined) chosen = Number(target.dataset.handle); });

  // ----- the class ----- (of `widgets.gallery`): the drawing as shares of the axes, null while it is too little
  root.labcoreSketch = {
    shares: () => {
      const own = scale(axes.y);
      if (drawn.filter((v) => v !== null).length < 2) return null;
      return place ? [x.share(drawn[0]), own.share(drawn[1])].map((s) => within(s)) : filled().map((v) => within(own.share(v)));
    },
    put: (shares) => {
      const own = scale(axes.y);
      drawn = place ? [x.value(shares[0]), own.value(shares[1])] : shares.map(own.value);
      again();
      report();
    },
    others: (rounds) => { others = rounds; again(); },
  };

  // ----- the page -----
  const room = new ResizeObserver(() => {
    if (!root.clientWidth || root.clientWidth === width) return;
    width = root.clientWidth;
    height = Math.round(within(0.42 * width, 250, 340));
    if (plane) height = Math.round(Math.min(Math.max(height, 400), EDGE.top + EDGE.bottom + ((width - EDGE.left - EDGE.right) * tall) / wide));
    draw();
  });
  room.observe(root);
  const again = () => { if (width) draw(); };
  const kept = () => { if (!before) { drawn = [...model.get("drawn")]; again(); } };
  const revealed = () => { fresh = true; again(); fresh = false; };
  model.on("change:given change:done", again);
  model.on("change:measured", revealed);
  model.on("change:drawn", kept);
  model.send({ type: "opened" });
  return () => {
    room.disconnect();
    model.off("change:given change:done", again);
    model.off("change:measured", revealed);
    model.off("change:drawn", kept);
  };
}

export default { render };
