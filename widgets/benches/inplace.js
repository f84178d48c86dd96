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
const isPlain = (value) => value?.constructor === Object;

// What arrived before and is the same now keeps the array that was made of it: plotly asks no more than whether an array
// is the one that it has. Of each trace as it came, the arrays that were made.
const madeOf = new WeakMap();

function arrayOf(now, before) {
  if (now === before && madeOf.has(now)) return madeOf.get(now);
  const same = now.bdata
    ? now.bdata === before?.bdata && now.dtype === before.dtype && now.shape === before.shape
    : Array.isArray(before) && now.length === before.length && JSON.stringify(now) === JSON.stringify(before);
  const array = (same ? madeOf.get(before) : null) ?? (now.bdata ? unpacked(now) : now);
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
    if (value?.bdata || Array.isArray(value)) out[key] = arrayOf(value, old);
    else if (key === "meta") out[key] = sameAs(value, old);
    else out[key] = isPlain(value) ? withArrays(value, old) : value;
  }
  return out;
}

// The same of the places at which a layout's axes have ticks.
function withTicks(now, before) {
  const kept = (axis, old) => {
    const out = { ...axis };
    for (const key of ["tickvals", "ticktext"]) if (isArray(axis[key]) || axis[key]?.bdata) out[key] = arrayOf(axis[key], old?.[key]);
    if (axis.minor) out.minor = kept(axis.minor, old?.minor);
    return out;
  };
  return Object.fromEntries(Object.entries(now).map(([key, value]) => [key, AXIS.test(key) ? kept(value, before?.[key]) : value]));
}

// ----- what may be rewritten -----

const KINDLY = new Set(["scatter", "heatmap", "contour", "bar"]); // whose numbers mean nothing to a trace of another kind
const WRITTEN = new Set(["x", "y", "z", "text", "hovertext", "customdata"]);

// The places of a trace that hold other arrays than before, of one another's kind: [path, array]; null where there is
// more to it than that.
function rewritten(now, before, path = []) {
  const found = [];
  for (const [key, value] of Object.entries(now)) {
    const old = before[key];
    if (value === old) continue;
    if (isArray(value) && isArray(old)) {
      const place = [...path, key];
      if (!value.length || !old.length || !(path[0] === "marker" || WRITTEN.has(place.join(".")))) return null;
      if (key === "z" && (value.length !== old.length || value[0].length !== old[0].length)) return null;
      found.push([place, value]);
    } else if (isPlain(value) && isPlain(old)) {
      const within = rewritten(value, old, [...path, key]);
      if (!within) return null;
      found.push(...within);
    } else if (isArray(value) || isArray(old)) return null;
  }
  return Object.keys(before).every((key) => key in now || !isArray(before[key])) ? found : null;
}

const numeric = (values) => !isArray(values) || ArrayBuffer.isView(values) || ArrayBuffer.isView(values[0]) || typeof values.find((v) => v !== null) === "number";

// Whether the numbers of a trace may be other ones while everything that plotly made of the figure stays.
function writable(full, trace) {
  if (!full || full.visible !== true || !KINDLY.has(full.type) || full.type !== (trace.type ?? "scatter")) return false;
  if (full.error_x?.visible || full.error_y?.visible) return false;
  // a bar beside the panel says the scale of numbers, and contours choose their levels by them
  if (full.zauto && full.showscale || full.marker?.showscale || full.autocontour) return false;
  if (isArray(full.hovertemplate) || isArray(full.hoverinfo)) return false;
  return numeric(trace.x) && numeric(trace.y);
}

// Whether the axes of a layout are those of the figure, and no number makes them longer.
function still(figure, layout) {
  const full = figure._fullLayout;
  if (full.width !== layout.width || full.height !== layout.height) return false;
  if (full._basePlotModules.some((module) => module.name !== "cartesian") || full.scattermode === "group") return false;
  return Object.keys(full).filter((key) => AXIS.test(key)).every((key) => {
    const axis = layout[key];
    return axis?.range && axis.autorange === false && ["linear", "log"].includes(full[key].type) && !full[key].rangebreaks?.length;
  });
}

// Bars, and areas on each other: where one stands is said by the others.
const crossed = (full) => full.type === "bar" || Boolean(full.stackgroup);

// ----- drawing -----

function write(target, [path, array]) {
  for (const key of path.slice(0, -1)) target = target[key];
  target[path.at(-1)] = array;
}

// Those of which more than numbers changed, so that plotly drew them anew: they are not tried again before their axes move.
const stubborn = new WeakSet();

// Draw this figure, in place where that is the same. `data` have their arrays from `withArrays`. It ends with plotly's
// own event, as every drawing does.
async function drawIn(Plotly, figure, data, layout, config) {
  const steady = figure._fullLayout && figure._fullData?.length === data.length && still(figure, layout);
  if (!steady) stubborn.delete(figure);
  const changes = steady && !stubborn.has(figure) ? data.map((trace, k) => rewritten(trace, figure.data[k])) : [null];
  const some = changes.flatMap((found, k) => (found?.length ? [k] : []));
  const able = !changes.includes(null) && some.length && some.every((k) => writable(figure._fullData[k], data[k]));
  if (!able) return Plotly.react(figure, data, layout, config);

  // all but the numbers, with those that are there
  const before = data.map((trace, k) => changes[k].length ? withOld(trace, figure.data[k], changes[k]) : trace);
  const calculated = figure.calcdata;
  await Plotly.react(figure, before, layout, config);
  if (figure.data !== before) return; // another drawing has come since
  for (const k of some) for (const change of changes[k]) write(figure.data[k], change);
  if (figure.calcdata !== calculated) {
    stubborn.add(figure);
    return Plotly.react(figure, data, layout, config);
  }

  const { _fullData: full, _fullLayout: all } = figure;
  for (const k of some) {
    for (const change of changes[k]) write(full[k], change);
    if (!full[k].z && isArray(full[k].x) && isArray(full[k].y)) full[k]._length = Math.min(full[k].x.length, full[k].y.length);
  }
  const together = some.map((k) => full[k]).filter(crossed).map((trace) => trace.type);
  const anew = full.flatMap((trace, k) => (some.includes(k) || (together.includes(trace.type) && crossed(trace)) ? [k] : []));
  for (const k of anew) {
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
  all._basePlotModules[0].plot(figure);
  for (const module of all._visibleModules) module.style?.(figure);
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
