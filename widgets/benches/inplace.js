// A figure whose axes hold still is rewritten in place: its numbers are put into the traces that are there, and these are
// drawn again, without axes, ticks and margins. What else changes, such as an annotation, plotly finds by itself.
//
// Plotly.react calculates and draws everything anew as soon as one number of one trace is another one.

// ----- arrays -----

const AXIS = /^[xy]axis\d*$/;
const KINDS = { f8: Float64Array, i4: Int32Array };

function unpacked({ dtype, bdata, shape }) {
  const bytes = Uint8Array.from(atob(bdata), (letter) => letter.charCodeAt(0)), all = new KINDS[dtype](bytes.buffer);
  const [rows, columns] = String(shape).split(",").map(Number);
  return columns === undefined ? all : Array.from({ length: rows }, (_, k) => all.subarray(k * columns, (k + 1) * columns));
}

const isArray = (value) => Array.isArray(value) || ArrayBuffer.isView(value);
const isPacked = (value) => typeof value?.bdata === "string";
const isPlain = (value) => value?.constructor === Object;

// What arrived before and is the same now keeps the array that was made of it: plotly asks no more than whether an array
// is the one that it has. Of each trace as it came, the arrays that were made.
const madeOf = new WeakMap();

function arrayOf(now, before) {
  if (now === before && madeOf.has(now)) return madeOf.get(now);
  const same = isPacked(now)
    ? now.bdata === before?.bdata && now.dtype === before.dtype && now.shape === before.shape
    : Array.isArray(before) && now.length === before.length && JSON.stringify(now) === JSON.stringify(before);
  const array = (same ? madeOf.get(before) : null) ?? (isPacked(now) ? unpacked(now) : now);
  madeOf.set(now, array);
  return array;
}

// What a trace means to us; plotly takes another object for another meaning.
function sameAs(now, before) {
  const same = before && JSON.stringify(now) === JSON.stringify(before) ? (madeOf.get(before) ?? before) : now;
  if (now) madeOf.set(now, same);
  return same;
}

// A trace with its arrays as plotly takes them; those that `before` had, the trace of before as it came, are the same ones.
function withArrays(now, before) {
  const out = {};
  for (const [key, value] of Object.entries(now)) {
    const old = isPlain(before) ? before[key] : undefined;
    if (isPacked(value) || Array.isArray(value)) out[key] = arrayOf(value, old);
    else if (key === "meta") out[key] = sameAs(value, old);
    else out[key] = isPlain(value) ? withArrays(value, old) : value;
  }
  return out;
}

// The same of the places at which a layout's axes have ticks. Other words at the same places are other ticks, and places
// that are numbers go as such: of a list that has changed, plotly would calculate every trace anew.
function withTicks(now, before) {
  const kept = (axis, old) => {
    const out = { ...axis }, { tickvals: places, ticktext: words } = axis;
    if (axis.minor) out.minor = kept(axis.minor, old?.minor);
    if (!isArray(places) && !isPacked(places)) return out;
    const said = words && arrayOf(words, old?.ticktext), same = !words || said === madeOf.get(old?.ticktext);
    out.tickvals = arrayOf(places, same ? old?.tickvals : undefined);
    if (words) out.ticktext = said;
    if (Array.isArray(out.tickvals) && out.tickvals.every(Number.isFinite)) madeOf.set(places, (out.tickvals = Float64Array.from(out.tickvals)));
    return out;
  };
  return Object.fromEntries(Object.entries(now).map(([key, value]) => [key, AXIS.test(key) ? kept(value, before?.[key]) : value]));
}

// ----- what may be rewritten -----

const KINDLY = new Set(["scatter", "heatmap", "bar"]); // whose numbers mean nothing to a trace of another kind
const WRITTEN = new Set(["x", "y", "z", "text", "hovertext", "customdata"]);
const SIZES = new Set(["width", "marker.size"]); // single numbers that plotly calculates with

// The places of a trace that hold other numbers than before: [path, value]; null where arrays came or went.
function rewritten(now, before, path = []) {
  const found = [];
  for (const [key, value] of Object.entries(now)) {
    const old = before[key], place = [...path, key];
    if (value === old) continue;
    if (typeof value === "number" && typeof old === "number" && SIZES.has(place.join("."))) found.push([place, value]);
    else if (isArray(value) && isArray(old)) {
      if (!value.length || !old.length || !(path[0] === "marker" || WRITTEN.has(place.join(".")))) return null;
      found.push([place, value]);
    } else if (isPlain(value) && isPlain(old)) {
      const within = rewritten(value, old, place);
      if (!within) return null;
      found.push(...within);
    } else if (isArray(value) || isArray(old)) return null;
  }
  return Object.keys(before).every((key) => key in now || !isArray(before[key])) ? found : null;
}

const numeric = (values) => !isArray(values) || ArrayBuffer.isView(values) || ArrayBuffer.isView(values[0]) || typeof values.find((v) => v !== null) === "number";

// Whether these numbers of a trace may be other ones while everything that plotly made of the figure stays.
function writable(figure, k, trace, changes) {
  const full = figure._fullData[k];
  if (!full || full.visible !== true || !KINDLY.has(full.type) || full.type !== (trace.type ?? "scatter")) return false;
  if (full.error_x?.visible || full.error_y?.visible) return false;
  if (full.zauto && full.showscale || full.marker?.showscale) return false; // a bar beside the panel says their scale
  if (isArray(full.hovertemplate) || isArray(full.hoverinfo)) return false;
  // the legend shows a dot as the first one of the trace looks
  if (figure._fullLayout.showlegend && full.showlegend && changes.some(([path]) => path[0] === "marker")) return false;
  const named = ["x", "y"].filter((way) => figure._fullLayout[`${way}axis${full[`${way}axis`].slice(1)}`].type === "category");
  return ["x", "y"].every((way) => named.includes(way) || numeric(trace[way])) && !changes.some(([path]) => named.includes(path[0]));
}

// Whether the axes of a layout are those of the figure, and no number makes them longer.
function still(figure, layout) {
  const full = figure._fullLayout;
  if (full.width !== layout.width || full.height !== layout.height) return false;
  if (full._basePlotModules.some((module) => module.name !== "cartesian") || full.scattermode === "group") return false;
  return Object.keys(full).filter((key) => AXIS.test(key)).every((key) => {
    const axis = layout[key];
    return axis?.range && axis.autorange === false && ["linear", "log", "category"].includes(full[key].type) && !full[key].rangebreaks?.length;
  });
}

// Bars, and areas on each other: where one stands is said by the others.
const crossed = (full) => full.type === "bar" || Boolean(full.stackgroup);

// ----- drawing -----

function write(target, [path, array]) {
  for (const key of path.slice(0, -1)) target = target[key];
  target[path.at(-1)] = array;
}

function rewrite(figure, some, changes) {
  const { _fullData: full, _fullLayout: all } = figure;
  for (const k of some) {
    for (const change of changes[k]) write(full[k], change);
    if (!full[k].z && isArray(full[k].x) && isArray(full[k].y)) full[k]._length = Math.min(full[k].x.length, full[k].y.length);
  }
  const together = some.map((k) => full[k]).filter(crossed).map((trace) => trace.type);
  const recalculated = full.flatMap((trace, k) => (some.includes(k) || (together.includes(trace.type) && crossed(trace)) ? [k] : []));
  for (const k of recalculated) {
    full[k]._extremes = {};
    const points = full[k]._module.calc(figure, full[k]);
    points[0].t ??= {};
    points[0].trace = full[k];
    figure.calcdata[k] = points;
  }
  for (const type of new Set(together)) {
    const { _module: module } = full.find((trace) => trace.type === type);
    for (const [id, place] of Object.entries(all._plots)) module.crossTraceCalc(figure, place, id);
  }
  // only the panels that have another picture
  const panels = new Set(recalculated.map((k) => full[k].xaxis + full[k].yaxis)), { cartesian } = all._subplots;
  try {
    all._subplots.cartesian = cartesian.filter((id) => panels.has(id));
    all._basePlotModules[0].plot(figure);
  } finally {
    all._subplots.cartesian = cartesian;
  }
  for (const module of all._visibleModules) module.style?.(figure);
}

// How often in a row more than numbers changed in a figure, so that plotly drew it anew all the same. It is then not tried
// again before its axes move.
const stubborn = new WeakMap(), TRIES = 2;

// Draw this figure, in place where that is the same. `data` have their arrays from `withArrays`. It ends with plotly's
// own event, as every drawing does.
async function drawIn(Plotly, figure, data, layout, config) {
  // with another revision plotly calculates all anew, with the same one it asks only what stands beside the numbers
  const revision = figure.layout?.datarevision ?? 0;
  const anew = () => Plotly.react(figure, data, { ...layout, datarevision: revision + 1 }, config);
  const steady = figure._fullLayout && figure._fullData?.length === data.length && still(figure, layout);
  if (!steady) stubborn.delete(figure);
  if (!steady || stubborn.get(figure) >= TRIES) return anew();
  const changes = data.map((trace, k) => rewritten(trace, figure.data[k]));
  const some = changes.flatMap((found, k) => (found?.length ? [k] : []));
  if (changes.includes(null) || !some.every((k) => writable(figure, k, data[k], changes[k]))) return anew();

  // all but the numbers, with those that are there
  const before = data.map((trace, k) => withOld(trace, figure.data[k], changes[k]));
  const calculated = figure.calcdata;
  await Plotly.react(figure, before, { ...layout, datarevision: revision }, config);
  if (figure.data !== before || !some.length) return; // another drawing has come since
  for (const k of some) for (const change of changes[k]) write(figure.data[k], change);
  if (figure.calcdata !== calculated) {
    stubborn.set(figure, (stubborn.get(figure) ?? 0) + 1);
    return anew();
  }

  stubborn.delete(figure);
  try {
    rewrite(figure, some, changes);
  } catch {
    return anew(); // plotly's inner parts are its own
  }
  figure.emit("plotly_afterplot");
}

// A trace with the arrays of before where they have changed.
function withOld(trace, old, changes) {
  const out = { ...trace };
  for (const [path] of changes) {
    let target = out, source = old;
    for (const key of path.slice(0, -1)) [target, source] = [(target[key] = { ...target[key] }), source[key]];
    target[path.at(-1)] = source[path.at(-1)];
  }
  return out;
}
