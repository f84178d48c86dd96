// The learner's progress in a lesson: what the kernel knows of it is kept in the browser, and given back to the next
// kernel, which shows it.

function render({ model, el }) {
  const lesson = model.get("lesson");
  let able = true;
  const line = progressLine(() => {
    forget(lesson);
    model.send({ type: "afresh" });
  });
  el.append(line);

  const tell = () => line.tell(model.get("counts"), Object.keys(model.get("kept")).length > 0, able);
  const store = () => {
    // before the kernel has heard what was kept, what it says is not all
    if (model.get("heard") && Object.keys(model.get("kept")).length) able = keep(lesson, model.get("kept"));
    tell();
  };
  model.on("change:kept change:heard", store);
  model.on("change:counts", tell);
  tell();
  model.send({ type: "opened", kept: kept(lesson) });
  return () => {
    model.off("change:kept change:heard", store);
    model.off("change:counts", tell);
  };
}

export default { render };
