// What a learner has answered in a lesson, kept in this browser and sent nowhere but to the learner's own kernel: an entry
// a lesson, {"exercise NAME": answer, "prediction LABEL": answer}.
// A browser may keep nothing, be full, or hold what something else wrote there; the lesson then goes on without.

const entry = (lesson) => `labcore ${lesson}`;

function kept(lesson) {
  try {
    const found = JSON.parse(localStorage.getItem(entry(lesson)));
    return found?.constructor === Object ? found : {};
  } catch {
    return {};
  }
}

// Keep these answers beside those that are there; says whether the browser did.
function keep(lesson, answers) {
  try {
    localStorage.setItem(entry(lesson), JSON.stringify({ ...kept(lesson), ...answers }));
    return true;
  } catch {
    return false;
  }
}

function forget(lesson) {
  try {
    localStorage.removeItem(entry(lesson));
  } catch { /* then nothing is there */ }
}

// A line that says how far the learner is, with the button that forgets it all, which asks once more.
function progressLine(onForget) {
  const line = document.createElement("p");
  line.className = "labcore-progress";
  line.hidden = true;
  line.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab's keys are the notebook's
  const words = document.createElement("span"), button = document.createElement("button");
  const calm = () => { button.textContent = "Start afresh"; };
  let sure = false;
  button.type = "button";
  button.onclick = () => {
    if (sure) onForget();
    else button.textContent = "Forget all answers of this lesson?";
    sure = !sure;
    if (!sure) calm();
  };
  button.onblur = () => { sure = false; calm(); };
  calm();
  line.append(words, button);
  // counts: exercises right and in all, predictions made and in all; `able`: whether the browser keeps them
  line.tell = ([right, exercises, made, predictions], any, able) => {
    const of = (n, all, one, done) => (all ? [`${n} of ${all} ${one}${all === 1 ? "" : "s"} ${done}`] : []);
    const parts = [...of(right, exercises, "exercise", "right"), ...of(made, predictions, "prediction", "made")];
    words.textContent = parts.length ? `${parts.join(", ")}.` : "";
    line.title = able ? "Kept in this browser, and nowhere else" : "This browser keeps nothing: it is forgotten with the page";
    line.hidden = !parts.length;
    button.hidden = !any;
  };
  return line;
}
