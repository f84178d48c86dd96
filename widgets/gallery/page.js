// Says on a lesson's page that its kernel is gone, or out of reach; otherwise sliders move and nothing happens.
// Jupyter's own connection opens a broken line again. Here it is watched, and the server asked for the kernel.
// And sees that all widgets are shown. ipywidgets looks for a model for two seconds, ten times a second, and then says
// that there is none: on a busy machine, where timers are late, even of one that has come. It asks the kernel once, and
// waits for ever for an answer that is lost.
{
  const AGAIN = 20_000; // milliseconds between two questions, and only while there is no line
  const GONE = "This lesson no longer runs on the server, so its figures stand still.";
  const LOST = "The connection to the server is broken. This page tries to open it again.";
  const PART = "A part of this lesson did not come.";
  // milliseconds without a word from the kernel before each question; after that the page only looks
  const QUIET = [5_000, 10_000, 20_000, 40_000, Infinity];
  const LATE = 8_000; // milliseconds in which a figure that has come is drawn
  const PATIENCE = 60_000; // milliseconds with a kernel that goes on talking
  const views = []; // {id, place} of what the page shows: a widget's model, and where
  let heard = 0; // when the kernel last said something
  let kernel, timer, said = "", ended = false, reached = true;
  let latest = 0; // of several questions on their way, only the last one's answer counts
  let patience = 2_000; // a line that is closed on purpose, as when a proxy begins anew, is open again by then

  const box = document.createElement("div");
  box.id = "labcore-notice";
  box.style.cssText = `position: sticky; top: calc(-1 * var(--jp-notebook-padding, 0px)); z-index: 100;
    font: 15px/1.4 system-ui, sans-serif; color: var(--jp-ui-font-color1, #1f2328);
    background: var(--jp-layout-color2, #eef0f2);`;

  function say(words, ...more) {
    if (words === said) return; // a screen reader reads an alert each time that it comes
    said = words;
    box.replaceChildren();
    if (!words) return;
    const line = document.createElement("div");
    line.setAttribute("role", "alert");
    line.style.cssText = `display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; padding: 10px 20px;
      border-bottom: 3px solid #d55e00;`;
    line.append(words, ...more);
    box.append(line);
  }

  function reload() {
    const button = document.createElement("button");
    button.textContent = "Load the lesson again";
    button.style.cssText = `font: inherit; color: inherit; background: transparent; border: 1px solid currentColor;
      border-radius: 6px; padding: 4px 12px; cursor: pointer;`;
    button.onclick = () => location.reload(); // with the values in its address
    return button;
  }

  function end() {
    ended = true;
    say(GONE, reload());
  }

  const connected = () => kernel?.connectionStatus === "connected";

  async function check() {
    clearTimeout(timer);
    if (ended || document.hidden) return; // a hidden page asks when it is shown
    const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}");
    const mine = ++latest;
    let status = 0;
    if (config.kernelId)
      try {
        const options = { cache: "no-store", signal: AbortSignal.timeout(10_000) };
        status = (await fetch(`${config.baseUrl}api/kernels/${config.kernelId}`, options)).status;
      } catch { /* the server is out of reach */ }
    if (mine !== latest) return;
    if (status === 404 || kernel?.isDisposed || kernel?.connectionStatus === "disconnected") return end();
    const back = status === 200 && !reached;
    reached = status === 200;
    if (status && connected()) return say("");
    if (kernel) {
      say(LOST);
      if (back) kernel.reconnect().catch(() => {}); // by itself it would wait up to half a minute
    }
    soon(AGAIN);
  }

  function soon(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(check, milliseconds);
  }

  function follow(made) {
    kernel = made;
    if (!kernel) return end(); // Voila asked for it and there was none
    kernel.connectionStatusChanged.connect(() => {
      if (ended) return;
      if (!connected()) return soon(patience);
      clearTimeout(timer);
      latest += 1;
      say("");
    });
    if (connected()) clearTimeout(timer);
    heard = Date.now();
    kernel.anyMessage.connect(() => { heard = Date.now(); });
  }

  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const shows = ({ place }, words) => place.lastElementChild?.textContent.trim().startsWith(words);

  // whether all widgets are shown; those are put right whose models have come after all
  async function isShown(manager) {
    if (!manager.restoredStatus) return false;
    for (const view of views)
      if (shows(view, "Error displaying widget") && manager.has_model(view.id)) await show(manager, view);
    return views.every((view) => manager.has_model(view.id) && !shows(view, "Loading widget"));
  }

  async function complete(manager) {
    for (const quiet of QUIET) {
      if (quiet === Infinity) say(PART, reload());
      const began = Date.now();
      // while the first answers come, more may be on their way; a bench that moves never falls silent
      const still = () => Date.now() - (manager.restoredStatus ? began : Math.max(began, heard));
      while (!connected() || (still() <= quiet && Date.now() - began <= Math.max(PATIENCE, quiet))) {
        await pause(1_000);
        if (ended) return;
        if (await isShown(manager)) return said === PART && say("");
      }
      await askAgain(manager);
    }
  }

  async function askAgain(manager) {
    // a model can be made only where no line to it is open, as for one whose state never came
    for (const [id, line] of [...(kernel._comms ?? [])]) if (!manager.has_model(id)) line.dispose();
    await Promise.race([manager.restoreWidgets(), pause(10_000)]);
  }

  async function show(manager, { id, place }) {
    const { luminoWidget } = await manager.create_view(await manager.get_model(id));
    place.replaceChildren();
    luminoWidget.constructor.attach(luminoWidget, place);
  }

  // What stands for a bench until it has come (`early_page.py`) goes when its figure is drawn, in one step, or when that
  // takes too long.
  function replace(early) {
    const place = early.parentElement, drawn = ".labcore-figure .main-svg, .labcore-figure .gl-container";
    const look = new MutationObserver(() => {
      const live = place.querySelector(":scope > .jp-OutputArea-output");
      if (!live?.querySelector(".labcore-figure")) return;
      if (live.querySelector(drawn)) return done();
      late ??= setTimeout(done, LATE);
    });
    let late;
    const done = () => {
      clearTimeout(late);
      look.disconnect();
      early.remove();
    };
    look.observe(place, { childList: true, subtree: true });
  }

  // Voila tells of itself by this name when it has started
  Object.defineProperty(globalThis, "jupyterapp", {
    configurable: true,
    set(app) {
      Object.defineProperty(globalThis, "jupyterapp", { value: app, writable: true });
      follow(app.widgetManager?.kernel);
      if (kernel) complete(app.widgetManager);
    },
  });
  // in the part that scrolls, which fills the window: above it the notice would push the page's end out of sight
  addEventListener("DOMContentLoaded", () => {
    (document.getElementById("rendered_cells") ?? document.body).prepend(box);
    for (const output of document.querySelectorAll('script[type="application/vnd.voila.cell-output+json"]')) {
      const id = JSON.parse(output.textContent).data?.["application/vnd.jupyter.widget-view+json"]?.model_id;
      if (id) views.push({ id, place: output.parentElement });
    }
    for (const early of document.querySelectorAll(".labcore-early")) replace(early);
  });
  addEventListener("beforeunload", () => { patience = AGAIN; }); // the kernel ends with its page; the next one comes
  for (const event of ["online", "offline"]) addEventListener(event, check);
  document.addEventListener("visibilitychange", check);
  soon(AGAIN);
}
