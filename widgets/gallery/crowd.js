// What a class answered, as pictures without names: bars for options, drawings laid over each other. The student's page
// and the teacher's have it. All words come as text.

const made = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const drawnTag = (tag, attributes = {}, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

const CROWD_STYLE = `
.crowd { --first: #8fa3b5; --last: #2f86c9; --guess: #d55e00; display: grid; gap: 10px; max-width: 75ch; }
.crowd-option { display: grid; gap: 3px; }
.crowd-option.mine > span:first-child::after { content: " (yours)"; opacity: 0.75; }
.crowd-row { display: grid; grid-template-columns: 1fr 6.5em; gap: 10px; align-items: center; }
.crowd-track { height: 0.9em; background: color-mix(in srgb, currentColor 9%, transparent); border-radius: 3px; }
.crowd-track > i { display: block; height: 100%; border-radius: 3px; background: var(--last); }
.crowd-row.before > .crowd-track { height: 0.5em; }
.crowd-row.before > .crowd-track > i { background: var(--first); }
.crowd-row > span { font-variant-numeric: tabular-nums; white-space: nowrap; }
.crowd-row.before > span { opacity: 0.75; font-size: 0.85em; }
.crowd svg { display: block; width: 100%; height: auto; }
.crowd text { fill: currentColor; font-size: 13px; }
.crowd-frame { stroke: currentColor; stroke-opacity: 0.5; fill: none; }
.crowd-grid { stroke: currentColor; stroke-opacity: 0.13; }
.crowd-line { fill: none; stroke: var(--guess); stroke-width: 2.5; stroke-linejoin: round; }
.crowd-line.before { stroke: var(--first); }
.crowd-middle { fill: none; stroke: var(--last); stroke-width: 4; stroke-linejoin: round; stroke-linecap: round; }
`;

const share = (count, of) => `${count} (${of ? Math.round((100 * count) / of) : 0} %)`;

// The answers of each round that is shown, to options; the last round stands out, and one's own answer is marked.
function bars(options, rounds, mine = null) {
  return made("div", { className: "crowd" }, ...options.map((option, k) => {
    const rows = rounds.map(({ of, counts }, round) => {
      const bar = made("i");
      bar.style.width = `${of ? (100 * counts[k]) / of : 0}%`;
      const track = made("span", { className: "crowd-track" }, bar);
      const before = round < rounds.length - 1 ? " before" : "";
      return made("span", { className: `crowd-row${before}` }, track, made("span", { textContent: share(counts[k], of) }));
    });
    const css = `crowd-option${k === mine ? " mine" : ""}`;
    return made("div", { className: css }, made("span", { textContent: option }), ...rows);
  }));
}

const short = (v) => (v !== 0 && (Math.abs(v) < 1e-3 || Math.abs(v) >= 1e5) ? v.toExponential(0) : String(Number(v.toPrecision(2))));

// A value at a share of an axis.
const at = ({ low, high, log }, s) => (log ? low * (high / low) ** s : low + (high - low) * s);

function middle(drawings) {
  return drawings[0].map((_, k) => {
    const sorted = drawings.map((d) => d[k]).sort((a, b) => a - b), half = (sorted.length - 1) / 2;
    return (sorted[Math.floor(half)] + sorted[Math.ceil(half)]) / 2;
  });
}

// The drawings of each round that is shown, laid over each other, and the middle one of each place of the last round.
function drawings({ kind, axes, question }, rounds) {
  const [W, H, left, right, top, bottom] = [760, 400, 64, 16, 12, 52], names = axes.x.names;
  const px = (s) => left + s * (W - left - right), py = (s) => H - bottom - s * (H - top - bottom);
  const picture = drawnTag("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": question });
  const add = (tag, attributes, ...children) => picture.append(drawnTag(tag, attributes, ...children));
  for (const s of [0, 0.25, 0.5, 0.75, 1]) {
    add("line", { x1: left, x2: W - right, y1: py(s), y2: py(s), class: "crowd-grid" });
    add("text", { x: left - 7, y: py(s) + 4, "text-anchor": "end" }, short(at(axes.y, s)));
    if (!names.length) add("text", { x: px(s), y: H - bottom + 18, "text-anchor": "middle" }, short(at(axes.x, s)));
  }
  names.forEach((name, k) => add("text", { x: px(axes.x.at[k]), y: H - bottom + 18, "text-anchor": "middle" }, name));
  add("path", { d: `M${left},${top}V${H - bottom}H${W - right}`, class: "crowd-frame" });
  add("text", { x: (left + W - right) / 2, y: H - 8, "text-anchor": "middle" }, axes.x.title);
  add("text", { transform: `translate(14 ${(top + H - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, axes.y.title);
  const line = (ys) => ys.map((s, k) => `${k && !names.length ? "L" : "M"}${px(axes.x.at[k])},${py(s)}${names.length ? "m-16,0h32" : ""}`).join("");
  rounds.forEach(({ drawn }, round) => {
    const css = `crowd-line${round < rounds.length - 1 ? " before" : ""}`;
    const faint = Math.max(0.25, Math.min(0.8, 4 / drawn.length));
    for (const d of drawn)
      if (kind === "place") add("circle", { cx: px(d[0]), cy: py(d[1]), r: 7, class: css, style: `fill: currentColor; fill-opacity: 0.08; stroke-opacity: ${faint}` });
      else add("path", { d: line(d), class: css, style: `stroke-opacity: ${faint}` });
    if (round === rounds.length - 1 && drawn.length > 2 && kind !== "place") add("path", { d: line(middle(drawn)), class: "crowd-middle" });
  });
  return made("div", { className: "crowd" }, picture);
}
