// In a class a Commit goes to the class first. It is held back here, before the bench's kernel hears of it, and posted
// without a name: the number of an option, or the heights that were drawn. When the teacher reveals, the page passes it
// on, and the bench runs and says what is right, as it does for a learner alone.
const { lesson, url } = FACTS;
const EVERY = 2_000; // milliseconds between two questions to the server, and only while the page is seen
const PATIENCE = 20_000; // milliseconds until a kernel has heard of a choice that was made again for it
const boxes = {}; // by bench: where the class is shown, and what it says
globalThis.labcoreClass = true; // a prediction of an earlier sitting is asked anew
let known = null; // by bench, how its question stands
let passing = false;
let timer, latest = 0; // of several questions on their way, only the last one's answer counts

document.head.append(made("style", { textContent: `${CROWD_STYLE}
.labcore-class { font-size: 15px; line-height: 1.45; padding: 2px 12px 10px; margin: 0 0 8px; border-left: 4px solid #2f86c9; display: grid; gap: 10px; }
.labcore-class p { margin: 0; max-width: 75ch; }` }));

const benchOf = (panel) => panel.closest(".labcore-bench")?.querySelector("[data-bench]")?.dataset.bench;
const sketchOf = (panel) => panel.querySelector(".labcore-sketch")?.labcoreSketch;
const choices = (panel) => [...panel.querySelectorAll("input[type=radio]")];
const panels = () => [...document.querySelectorAll(".labcore-bench:not(.labcore-early) .labcore-predict")];

// What a learner has chosen or drawn in a panel.
function answerIn(panel) {
  const sketch = sketchOf(panel);
  if (sketch) return sketch.shares();
  const chosen = choices(panel).findIndex((radio) => radio.checked);
  return chosen < 0 ? null : chosen;
}

// Put an answer there again, as after the page was loaded anew.
function putAnswer(panel, answer) {
  if (answerIn(panel) !== null) return;
  if (Array.isArray(answer)) sketchOf(panel)?.put(answer);
  else choices(panel)[answer]?.click();
}

async function send(options, query = "") {
  const response = await fetch(url + query, { cache: "no-store", signal: AbortSignal.timeout(10_000), ...options });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.words ?? "The class did not answer.");
  return answer;
}

async function follow() {
  clearTimeout(timer);
  const mine = ++latest;
  if (!document.hidden) {
    try {
      const { questions } = await send({}, `?lesson=${encodeURIComponent(lesson)}`);
      if (mine === latest) take(questions);
    } catch { /* it is asked again, and a Commit says what is wrong */ }
  }
  if (mine === latest) timer = setTimeout(follow, EVERY);
}

function take(questions) {
  const before = known;
  known = questions;
  for (const panel of panels()) {
    const bench = benchOf(panel), now = known[bench];
    if (!now) continue;
    if (!now.revealed && now.mine !== null && !boxes[bench]) putAnswer(panel, now.mine);
    show(panel, now);
    if (now.revealed && before?.[bench]?.revealed === false && now.mine !== null) pass(panel, now.mine);
  }
}

// Let the kernel hear of a Commit that was held back.
async function pass(panel, answer) {
  putAnswer(panel, answer);
  for (const end = Date.now() + PATIENCE; Date.now() < end; await new Promise((done) => setTimeout(done, 200))) {
    const commit = panel.querySelector(".labcore-commit");
    if (!commit) return; // the learner was quicker
    if (commit.disabled) continue;
    passing = true;
    commit.click();
    passing = false;
    return;
  }
}

function words(now) {
  if (now.revealed) return now.rounds.length ? "This is what the class said." : "Your teacher has opened this question.";
  if (now.round > 1 && !now.committed) return "Second round. Now that you have talked: commit again, to the same or to another answer.";
  if (!now.committed) return "Your class answers this together, without names. Commit; the answer comes when your teacher reveals it.";
  if (now.takes) return "Committed. You see what the others said when your teacher shows it; until then you can change your mind and commit again.";
  return "This is what the class said. Talk about it.";
}

// The class under a question; `wrong` is what did not work just now.
function show(panel, now, wrong = "") {
  const said = JSON.stringify([now, wrong]);
  const box = (boxes[benchOf(panel)] ??= { element: made("div", { className: "labcore-class", role: "status" }), said: "" });
  if (box.element.previousElementSibling !== panel) panel.after(box.element); // also of a question that is put anew
  const sketch = sketchOf(panel), drawn = JSON.stringify(now.rounds);
  if (sketch && sketch.told !== drawn) { // its picture is made anew when the answer comes
    sketch.others(now.rounds.map((round) => round.drawn));
    sketch.told = drawn;
  }
  if (said === box.said) return;
  box.said = said;
  const parts = [made("p", { textContent: wrong || words(now) })];
  if (now.rounds.length && now.kind === "options") parts.push(bars(now.options, now.rounds, now.mine));
  if (now.rounds.length && now.kind !== "options") {
    const of = now.rounds.at(-1).of;
    parts.push(made("p", { textContent: `${of} ${of === 1 ? "drawing lies" : "drawings lie"} over each other in the picture above.` }));
  }
  box.element.replaceChildren(...parts);
}

// The first to hear: nothing of the widgets' own has seen this press.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.(".labcore-predict :is(.labcore-commit, .labcore-skip)");
  if (!button || passing) return;
  const panel = button.closest(".labcore-predict"), bench = benchOf(panel), now = known?.[bench];
  if (now?.revealed || (known && bench && !now)) return; // this one the class does not answer together
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!bench) return; // its figure is not there yet
  const blank = { round: 1, kind: "", options: [], rounds: [], mine: null };
  if (!now) return show(panel, blank, "The class is out of reach just now. Your answer stays here; press again.");
  if (button.matches(".labcore-skip"))
    return show(panel, now, "Your teacher reveals this one to all. Until then there is nothing to see without a Commit, and nobody learns whose it is.");
  if (!now.takes) return show(panel, now, "The answers are shown, so yours stands until your teacher asks again.");
  const answer = answerIn(panel);
  if (answer === null) return;
  const body = JSON.stringify({ lesson, bench, round: now.round, answer });
  latest += 1; // what is on its way does not know of this yet
  try {
    known[bench] = await send({ method: "POST", headers: { "Content-Type": "application/json" }, body });
    show(panel, known[bench]);
  } catch (error) {
    show(panel, now, error.message);
  }
  clearTimeout(timer);
  timer = setTimeout(follow, EVERY);
}, true);

for (const event of ["visibilitychange", "online"]) addEventListener(event, follow);
addEventListener("DOMContentLoaded", follow);
