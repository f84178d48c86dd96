// Hands in the picture: points and lines of a figure that mean parameters, as its view declares them with `hand`.
//
// They lie over the figure, at the places of the specification that is drawn. The one that is moved follows at once,
// from stop to stop of its control; the figure follows when the kernel has it. Axes hold still meanwhile.

const SVG = "http://www.w3.org/2000/svg";
const HIT = 28; // pixels that a finger may take hold of
const BEAT = 40; // milliseconds between two messages of one move
const SETTLE = 400; // milliseconds of rest until the axes are set anew
const PATIENT = 2500; // milliseconds until a place that no figure has confirmed is given up
const FAR = 10; // steps of Page Up and Page Down

const drawing = (tag, css) => {
  const made = document.createElementNS(SVG, tag);
  if (css) made.setAttribute("class", css);
  return made;
};
const put = (element, facts) => {
  for (const [key, value] of Object.entries(facts)) if (element.getAttribute(key) !== String(value)) element.setAttribute(key, value);
};

// Where v lies on the straight pieces through the pairs (from, to), which go on beyond both ends.
function through(from, to, v) {
  const up = from.at(-1) > from[0] ? 1 : -1;
  let k = from.findIndex((f) => up * (f - v) >= 0);
  k = Math.min(Math.max(k < 0 ? from.length - 1 : k, 1), from.length - 1);
  return to[k - 1] + ((v - from[k - 1]) * (to[k] - to[k - 1])) / (from[k] - from[k - 1]);
}

const plain = (array) => (array?.bdata ? Array.from(new Float64Array(Uint8Array.from(atob(array.bdata), (c) => c.charCodeAt(0)).buffer)) : array);
const written = (value) => String(Number(value.toPrecision(4)));
const decimal = (value) => (value + 0).toLocaleString("en", { useGrouping: false, maximumFractionDigits: 12 }); // 1e-17 is no number to ARIA

// `figure` is plotly's element in `held`; `redraw` draws it again.
function handsOf({ model, figure, held, redraw }) {
  const sheet = drawing("svg", "labcore-hands");
  const told = Object.assign(document.createElement("div"), { className: "labcore-hand-told", hidden: true });
  told.setAttribute("aria-hidden", true); // the hand says it itself
  held.append(sheet, told);
  const parts = new Map(); // by what a hand is: its elements
  let pressed = null; // the hand that is held, from where, and the pointer
  let kept = null; // where a hand was put, until a figure confirms it
  let moving = 0, settle = 0; // pointers that are down, and the clock after them
  let waiting = null, beat = 0;
  let drawn = []; // those of the figure

  // ----- axes hold still -----

  function hold() {
    clearTimeout(settle);
    settle = -1;
  }

  function rest() {
    clearTimeout(settle);
    if (!moving) settle = setTimeout(() => { settle = 0; redraw(); }, SETTLE);
  }

  // Axes as they are, while a hand moves something.
  function still(layout) {
    const now = figure._fullLayout;
    if (!settle || !now) return layout;
    const made = { ...layout };
    for (const key of Object.keys(now)) {
      if (!/^[xy]axis\d*$/.test(key) || !now[key].range) continue;
      if ((layout[key]?.type ?? now[key].type) !== now[key].type) continue;
      made[key] = { ...layout[key], range: [...now[key].range], autorange: false };
    }
    return made;
  }

  // A control beside the figure is a hand's as well.
  function heed(bench) {
    bench.addEventListener("pointerdown", ({ target }) => {
      if (!target.closest?.(".labcore-control .slider-container")) return;
      moving += 1;
      hold();
      const end = () => {
        moving -= 1;
        for (const name of ["pointerup", "pointercancel"]) document.removeEventListener(name, end, true);
        rest();
      };
      for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, end, true);
    }, true);
    bench.addEventListener("keydown", ({ target, key }) => {
      if (!target.closest?.(".labcore-control .noUi-handle") || !/^(Arrow|Page|Home|End)/.test(key)) return;
      hold();
      rest();
    }, true);
  }

  // ----- places -----

  const axesOf = (hand) => ["x", "y"].map((letter) => figure._fullLayout?.[`${letter}axis${hand.axes ?? ""}`]);

  // The directions in which a hand moves: of its place the letter, the parameter, and what the kernel says of that one.
  function ways(hand) {
    const facts = model.get("hands");
    return ["x", "y", "o"].flatMap((letter, k) => {
      const means = hand[["across", "up", "around"][k]];
      if (!means) return [];
      const way = typeof means === "string" ? { parameter: means } : means;
      return [{ letter, places: plain(way.places), values: plain(way.values), parameter: way.parameter, ...facts[way.parameter] }];
    });
  }

  // The angle of a point around a hand's centre, of all its turns the one nearest to the middle of the scale.
  function angleOf(hand, way, x, y) {
    const middle = way.places ? (way.places[0] + way.places.at(-1)) / 2 : 0;
    const off = (Math.atan2(y - hand.centre[1], x - hand.centre[0]) - middle) / (2 * Math.PI);
    return middle + 2 * Math.PI * (off - Math.round(off));
  }

  const placeIn = (hand, way) => (way.letter === "o" ? angleOf(hand, way, hand.x, hand.y) : hand[way.letter]);
  const valueAt = (way, place) => (way.places ? through(way.places, way.values, place) : place);
  const placeOf = (way, value) => (way.places ? through(way.values, way.places, value) : value);

  function nearest(way, value) {
    const scaled = (v) => (way.log ? Math.log(Math.max(v, Number.MIN_VALUE)) : v);
    let best = 0;
    way.stops.forEach((stop, k) => { if (Math.abs(scaled(stop) - scaled(value)) < Math.abs(scaled(way.stops[best]) - scaled(value))) best = k; });
    return best;
  }

  const keyOf = (hand) => JSON.stringify([ways(hand).map((w) => w.parameter), hand.axes ?? "", hand.sets ?? null]);
  const familyOf = (hand) => ways(hand).map((w) => w.parameter).join();

  // Pixels of a hand on the figure, at its declared place or at that of `values`; null where it is not to be seen.
  function spot(hand, values = {}) {
    const axes = axesOf(hand);
    if (axes.some((axis) => !axis?._length)) return null;
    const moved = { x: hand.x, y: hand.y };
    for (const way of ways(hand)) if (way.parameter in values) moved[way.letter] = placeOf(way, values[way.parameter]);
    if ("o" in moved) {
      const [cx, cy] = hand.centre, far = Math.hypot(hand.x - cx, hand.y - cy);
      [moved.x, moved.y] = [cx + far * Math.cos(moved.o), cy + far * Math.sin(moved.o)];
    }
    const [x, y] = axes.map((axis, k) => {
      const place = moved["xy"[k]];
      return place === null || place === undefined ? null : axis._offset + axis.d2p(place);
    });
    const [ax, ay] = axes.map((axis) => [axis._offset, axis._offset + axis._length]);
    const out = (v, [low, high]) => v !== null && !(v >= low - 2 && v <= high + 2);
    return { x, y, ax, ay, hidden: out(x, ax) || out(y, ay) };
  }

  const shown = () => drawn.filter((hand) => ways(hand).every((way) => way.stops));

  // What a hand's parameters are in the figure; and as stops of their controls, between which a typed value may lie.
  const meant = (hand) => Object.fromEntries(ways(hand).map((way) => [way.parameter, Number(valueAt(way, placeIn(hand, way)).toPrecision(6))]));
  const stopsOf = (hand) => Object.fromEntries(ways(hand).map((way) => [way.parameter, way.stops[nearest(way, valueAt(way, placeIn(hand, way)))]]));

  function confirmed(hand) {
    const now = stopsOf(hand);
    return Object.entries(kept.values).every(([name, value]) => !(name in now) || now[name] === value);
  }

  function place() {
    if (!drawn.length && !parts.size) return; // to ask the page for its sizes has it lay out the whole figure
    put(sheet, { width: figure.clientWidth, height: figure.clientHeight });
    const hands = Object.keys(model.get("hands")).length ? shown() : [];
    const seen = new Set();
    told.hidden = true;
    for (const hand of hands) {
      const key = keyOf(hand), family = familyOf(hand);
      if (!pressed && kept && !hand.sets && kept.family === family) {
        const late = performance.now() - kept.since > PATIENT && !model.get("stale");
        if (late || confirmed(hand)) kept = null;
      }
      seen.add(key);
      if (pressed?.key === key) continue;
      const values = !hand.sets && kept?.family === family ? kept.values : {};
      show(key, hand, values, pressed?.family === family);
    }
    if (pressed) {
      seen.add(pressed.key);
      show(pressed.key, pressed.hand, pressed.values);
    }
    for (const [key, part] of parts) if (!seen.has(key)) { parts.delete(key); part.remove(); }
  }

  function show(key, hand, values, hidden = false) {
    const at = spot(hand, values);
    let part = parts.get(key);
    if (!part) parts.set(key, (part = make(key)));
    part.hand = hand;
    const held = pressed?.key === key;
    // one that would vanish from under the hand, or with the focus, is shown beyond its panel
    part.style.display = !at || hidden || (at.hidden && !held && document.activeElement !== part) ? "none" : "";
    if (!at) return;
    const moves = ways(hand), round = moves[0]?.letter === "o", both = moves.length === 2 || round, line = hand.x === null || hand.y === null;
    const [hit, trail, ring, ...tips] = part.children;
    // a line has its grip near that end of it where the axis is
    const x = at.x ?? at.ax[1] - 16, y = at.y ?? at.ay[1] - 16;
    const size = HIT / 2;
    const [x0, x1] = at.x === null ? at.ax : [x - size, x + size], [y0, y1] = at.y === null ? at.ay : [y - size, y + size];
    put(hit, { x: x0, y: y0, width: Math.max(x1 - x0, 1), height: Math.max(y1 - y0, 1), rx: line ? 0 : size });
    const ends = at.x === null ? [at.ax[0], y, at.ax[1], y] : [x, at.ay[0], x, at.ay[1]];
    put(trail, { x1: ends[0], y1: ends[1], x2: ends[2], y2: ends[3] });
    trail.style.display = held && line ? "" : "none";
    put(ring, { cx: x, cy: y, r: line ? 6 : 9 });
    const tip = (sx, sy) => `M${x + sx * 18},${y + sy * 18}l${-sx * 6 + sy * 5},${-sy * 6 - sx * 5}l${-sy * 10},${sx * 10}z`;
    let sides = [[-1, 0], [1, 0], [0, -1], [0, 1]];
    if (round) {  // to both sides along the circle
      const [rx, ry] = axesOf(hand).map((axis, k) => [x, y][k] - axis._offset - axis.d2p(hand.centre[k])), far = Math.hypot(rx, ry) || 1;
      sides = [[ry / far, -rx / far], [-ry / far, rx / far], [0, 0], [0, 0]];
    }
    tips.forEach((path, k) => {
      path.style.display = moves.some((way) => way.letter === (k < 2 ? (round ? "o" : "x") : "y")) ? "" : "none";
      put(path, { d: tip(...sides[k]) });
    });
    part.style.color = hand.color ?? "";
    part.classList.toggle("labcore-other", Boolean(hand.sets));
    part.classList.toggle("labcore-holding", held);
    part.style.cursor = held ? "grabbing" : both ? "grab" : moves[0]?.letter === "x" ? "ew-resize" : "ns-resize";
    const now = { ...meant(hand), ...values };
    const text = moves.map((way) => `${way.label} ${written(now[way.parameter])}`).join(", ");
    if (held || part.matches(":focus-visible")) tell(text, x, y);
    if (hand.sets) return put(part, { "aria-hidden": true });
    const first = moves.at(-1); // a slider has one value; of two it is the upright one's, and its text says both
    put(part, {
      role: "slider", tabindex: 0, "aria-label": moves.map((way) => way.label).join(" and "), "aria-valuetext": text,
      "aria-valuemin": first.stops[0], "aria-valuemax": first.stops.at(-1), "aria-valuenow": decimal(now[first.parameter]),
      "aria-orientation": first.letter === "x" ? "horizontal" : "vertical",
    });
  }

  function tell(text, x, y) {
    told.textContent = text;
    told.hidden = false;
    const room = told.offsetWidth / 2 + 4;
    told.style.left = `${Math.min(Math.max(x, room), figure.clientWidth - room)}px`;
    told.style.top = `${Math.max(y - 52, 0)}px`;
  }

  function make(key) {
    const part = drawing("g", "labcore-hand");
    part.append(drawing("rect", "labcore-hand-hit"), drawing("line", "labcore-hand-trail"), drawing("circle", "labcore-hand-ring"));
    for (let k = 0; k < 4; k++) part.append(drawing("path", "labcore-hand-tip"));
    part.addEventListener("pointerdown", (event) => press(event, key, part));
    part.addEventListener("pointermove", move);
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) part.addEventListener(end, letGo);
    part.addEventListener("keydown", (event) => step(event, part));
    for (const event of ["focus", "blur"]) part.addEventListener(event, () => { if (sheet.contains(part)) place(); });
    sheet.append(part);
    return part;
  }

  // ----- moves -----

  // The newest value wins: what was not sent yet is forgotten.
  function say(values) {
    waiting = values;
    if (!beat) send();
  }

  function send() {
    beat = 0;
    if (!waiting) return;
    model.send({ type: "set", values: waiting });
    waiting = null;
    beat = setTimeout(send, BEAT);
  }

  function press(event, key, part) {
    if (event.button || pressed) return;
    event.preventDefault();
    part.setPointerCapture(event.pointerId);
    part.focus({ preventScroll: true });
    const { hand } = part, family = familyOf(hand);
    const values = !hand.sets && kept?.family === family ? kept.values : {};
    pressed = { key, family, hand, values, pointer: event.pointerId, from: [event.clientX, event.clientY], start: spot(hand, values) };
    moving += 1;
    hold();
    place();
  }

  function move(event) {
    if (event.pointerId !== pressed?.pointer) return;
    const { hand, from, start } = pressed, values = {};
    const by = { x: event.clientX - from[0], y: event.clientY - from[1] };
    const [x, y] = axesOf(hand), axes = { x, y };
    for (const way of ways(hand)) {
      const axis = axes[way.letter];
      if (way.letter === "o" && x && y) {
        const [px, py] = [x, y].map((a, k) => a.p2d(start["xy"[k]] + by["xy"[k]] - a._offset));
        values[way.parameter] = way.stops[nearest(way, valueAt(way, angleOf(hand, way, px, py)))];
        continue;
      }
      if (!axis) return;
      values[way.parameter] = way.stops[nearest(way, valueAt(way, axis.p2d(start[way.letter] + by[way.letter] - axis._offset)))];
    }
    const before = Object.keys(pressed.values).length ? pressed.values : hand.sets ? {} : stopsOf(hand);
    if (Object.entries(values).every(([name, value]) => before[name] === value)) return;
    pressed.values = values;
    say({ ...hand.sets, ...values });
    place();
  }

  function letGo(event) {
    if (event.pointerId !== pressed?.pointer) return;
    const { family, hand, values } = pressed;
    pressed = null;
    moving -= 1;
    if (Object.keys(values).length) keep(family, values);
    place();
    rest();
    // what is moved next with the keyboard is the hand that is now in its place
    if (hand.sets) [...parts.values()].find((part) => !part.hand.sets && familyOf(part.hand) === family)?.focus({ preventScroll: true });
  }

  function keep(family, values) {
    kept = { family, values, since: performance.now() };
    setTimeout(place, PATIENT + 100);
  }

  function step(event, part) {
    if (pressed || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { hand } = part, family = familyOf(hand), moves = ways(hand);
    const level = { ArrowLeft: -1, ArrowRight: 1 }[event.key], upright = { ArrowDown: -1, ArrowUp: 1 }[event.key];
    // an arrow moves the hand to its own side; one that does not lie along the hand's way makes the value larger or smaller
    const way = moves.find((w) => w.letter === (level ? "x" : "y")) ?? moves[0];
    const along = way.letter === (level ? "x" : "y");
    const now = { ...stopsOf(hand), ...(kept?.family === family ? kept.values : {}) };
    const at = nearest(way, now[way.parameter]);
    let by = level ?? upright;
    if (by && along) {
      const axis = axesOf(hand)[way.letter === "x" ? 0 : 1], pixel = (k) => axis.d2p(placeOf(way, way.stops[k])) * (way.letter === "x" ? 1 : -1);
      const other = at ? at - 1 : at + 1;
      if ((pixel(other) - pixel(at)) * (other - at) < 0) by = -by;
    }
    by ??= { PageDown: -FAR, PageUp: FAR, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = way.stops[Math.min(Math.max(at + by, 0), way.stops.length - 1)];
    keep(family, { ...now, [way.parameter]: next });
    hold();
    rest();
    say({ [way.parameter]: next });
    place();
  }

  // a hand is where the figure has it: the kernel has put its parameter elsewhere since
  function release() {
    kept = null;
    place();
  }

  model.on("change:hands", place);
  model.on("change:stale", place);
  return {
    are: (hands) => { drawn = hands; }, place, still, heed, release,
    hide: (yes) => { sheet.style.display = yes ? "none" : ""; },
  };
}
