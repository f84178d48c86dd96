// The teacher's page: how many have committed, and when the others' answers are shown. It may be projected, so it shows
// nothing of the answers before they are released, and takes the secret out of the address.
const { url, lessons, base, open } = FACTS;
const EVERY = 1_000;
const place = (id) => document.getElementById(id);
const key = ({ lesson, bench }) => `${lesson} ${bench}`;
const DEEDS = {
  show: ["Show the answers", "Whoever has committed sees what the others said"],
  again: ["Second round", "Everybody commits again; what they said first stays in sight"],
  reveal: ["Reveal", "The lesson runs on everybody's page and says what is right"],
  afresh: ["Start afresh", "Forget all answers to this question"],
};
const LEGEND = {
  curve: "Each thin line is somebody's; the blue one is the middle of all. What was drawn in an earlier round is grey.",
  order: "Each thin mark is somebody's; the blue ones are the middle of all. What was drawn in an earlier round is grey.",
  place: "Each circle is somebody's. What was drawn in an earlier round is grey.",
};
const STEPS = [
  "Everybody answers alone and commits. This page counts.",
  "Show the answers: whoever has committed sees what the others said. Let them talk, two by two.",
  "Second round: everybody commits again.",
  "Reveal: the experiment runs on everybody's page and says what is right.",
];

if (location.hash.length > 1) sessionStorage.setItem("labcore-teacher", location.hash.slice(1));
history.replaceState(null, "", location.pathname);
const secret = sessionStorage.getItem("labcore-teacher") ?? "";

let questions = [], chosen = null, peeked = null, said = "", latest = 0, timer;

document.head.append(made("style", { textContent: CROWD_STYLE }));
const here = !["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
place("open").textContent = here ? location.origin + (base === "/" ? "" : base) : open.join(" or ") || location.origin + base;

async function ask(body) {
  const headers = { "Labcore-Teacher": secret, ...(body && { "Content-Type": "application/json" }) };
  const options = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers };
  const response = await fetch(`${url}/answers`, { cache: "no-store", ...options });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.words ?? "The server does not answer.");
  return answer;
}

async function follow(body = null) {
  clearTimeout(timer);
  const mine = ++latest;
  try {
    const answer = await ask(body);
    if (mine !== latest) return;
    ({ questions } = answer);
    place("wrong").textContent = "";
    draw();
  } catch (error) {
    if (mine !== latest) return;
    place("wrong").textContent = secret ? error.message : "This page needs the whole link that was printed when the gallery started.";
  }
  timer = setTimeout(follow, EVERY);
}

const count = (question) => question.rounds.at(-1).of;
const touched = (question) => question.rounds[0].of > 0 || question.revealed || question.shown > 0;

function state(question) {
  if (question.revealed) return "revealed";
  const round = question.rounds.length > 1 ? "second round, " : "";
  return `${round}${count(question)} committed${question.shown === question.rounds.length ? ", shown" : ""}`;
}

function draw() {
  if (!questions.some((q) => key(q) === chosen)) chosen = null;
  chosen ??= questions.filter(touched).map(key)[0] ?? null;
  const now = JSON.stringify([questions, chosen, peeked]);
  if (now === said) return; // a button that is made anew under a hand loses its press
  said = now;
  list(place("answered"), questions.filter(touched), "Nothing yet. Questions come here as somebody commits.");
  list(place("every"), questions, "These lessons ask nothing.");
  stage(questions.find((q) => key(q) === chosen));
}

function list(nav, rows, empty) {
  const held = nav.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const parts = [];
  let lesson = null;
  for (const row of rows) {
    if (row.lesson !== lesson) parts.push(made("h3", { textContent: lessons[row.lesson] ?? row.lesson }));
    lesson = row.lesson;
    const button = made("button", { type: "button", textContent: row.question, onclick: () => { chosen = key(row); draw(); } });
    button.append(made("i", { textContent: state(row) }));
    button.dataset.key = key(row);
    if (key(row) === chosen) button.setAttribute("aria-current", "true");
    parts.push(button);
  }
  nav.replaceChildren(...(parts.length ? parts : [made("p", { className: "small", textContent: empty })]));
  if (held) [...nav.querySelectorAll("button")].find((b) => b.dataset.key === held)?.focus();
}

function deed(question, name, next) {
  const [text, title] = DEEDS[name], { lesson, bench, rounds } = question;
  const button = made("button", { type: "button", textContent: text, title, className: name === next ? "next" : "" });
  const all = question.shown === rounds.length;
  button.disabled = { show: all, again: !all || !question.again || question.revealed, reveal: question.revealed, afresh: !touched(question) }[name];
  button.dataset.deed = name;
  button.onclick = () => {
    if (name === "afresh" && !confirm("Forget all answers to this question?")) return;
    if (name === "show" || name === "afresh") peeked = null;
    follow({ lesson, bench, round: rounds.length, do: name });
  };
  return button;
}

function stage(question) {
  const where = place("stage"), held = where.contains(document.activeElement) ? document.activeElement.dataset.deed : null;
  if (!question)
    return where.replaceChildren(made("h1", { textContent: "The class" }), made("p", { textContent: "Choose a question, or wait until somebody commits." }), made("ol", {}, ...STEPS.map((step) => made("li", { textContent: step }))));
  const { rounds, shown, revealed, again } = question, all = shown === rounds.length;
  const next = revealed ? "" : !all ? "show" : again ? "again" : "reveal";
  const picture = (seen) => (question.kind === "options" ? bars(question.options, seen) : drawings(question, seen));
  const parts = [made("h1", { textContent: question.question })];
  const numbers = rounds.map((r, k) => `${rounds.length > 1 ? `Round ${k + 1}: ` : ""}${r.of} committed`).join(". ");
  parts.push(made("p", { textContent: revealed ? `${numbers}. Revealed: the lesson says what is right.` : `${numbers}.` }));
  if (shown) {
    parts.push(picture(rounds.slice(0, shown)));
    if (question.kind !== "options") parts.push(made("p", { className: "small", textContent: LEGEND[question.axes.x.names.length ? "order" : question.kind] }));
  }
  else if (question.kind === "options") parts.push(made("ol", {}, ...question.options.map((o) => made("li", { textContent: o }))));
  else parts.push(made("p", { className: "small", textContent: `To draw: ${question.axes.y.title}, over ${question.axes.x.title}.` }));
  parts.push(made("div", { className: "deeds" }, ...Object.keys(DEEDS).map((name) => deed(question, name, next))));
  if (!all && count(question)) {
    const looks = peeked === key(question);
    const look = made("button", { type: "button", textContent: looks ? "Hide" : "Look", onclick: () => { peeked = looks ? null : key(question); draw(); } });
    look.dataset.deed = "look";
    parts.push(made("p", { className: "small" }, "What they say, before it is shown: not while this is projected. ", look));
    if (looks) parts.push(picture(rounds));
  }
  where.replaceChildren(...parts);
  if (held) where.querySelector(`[data-deed="${held}"]`)?.focus();
}

place("notes").onclick = async () => {
  const response = await fetch(`${base}labcore/teaching`, { headers: { "Labcore-Teacher": secret } });
  if (!response.ok) return void (place("wrong").textContent = "The notes did not come.");
  globalThis.open(URL.createObjectURL(new Blob([await response.text()], { type: "text/html" })), "_blank");
};

addEventListener("hashchange", () => location.reload());
follow();
