// Opens a lesson alive in JupyterLab, and prints it whole. Where a notebook lies and what the package's lesson says is the server's word
// (widgets/lab/__init__.py); without that part of the server nothing here does anything. No command is registered:
// Markdown of a notebook that nobody trusts can call commands.
//
// JupyterLab loads this file as it is. It calls `init` with the modules that all extensions share, and `get` for the plugin.
(() => {
  let shared;

  // a module of JupyterLab itself
  async function moduleOf(name) {
    const versions = Object.values(shared[name]);
    const { get } = versions.find((version) => version.loaded) ?? versions[0];
    return (await get())();
  }

  // The cells of the package's lesson, [[type, source], ...], where the notebook at this path is one; else null.
  async function lessonAt(path, settings) {
    const { ServerConnection } = await moduleOf("@jupyterlab/services");
    const address = `${settings.baseUrl}labcore/lesson?path=${encodeURIComponent(path)}`;
    const answer = await ServerConnection.makeRequest(address, {}, settings);
    return answer.ok ? (await answer.json()).cells : null;
  }

  // Whether the notebook says the same as the lesson, letter by letter.
  function same(model, cells) {
    return (
      model.cells.length === cells.length &&
      cells.every(([type, source], at) => {
        const cell = model.cells.get(at);
        return cell.type === type && cell.sharedModel.getSource() === source;
      })
    );
  }

  // Write no lesson to disk that says what the file says already. What a reader has changed is saved as always, and from
  // then on everything, so that a change can be taken back.
  function keepFileClean(context, cells) {
    const path = context.path, save = context.save.bind(context);
    let written = false;
    const clean = () => !written && !context.isDisposed && context.path === path && same(context.model, cells);
    context.save = async () => {
      if (clean()) {
        context.model.dirty = false;
        return;
      }
      written = true;
      await save();
    };
    context.model.stateChanged.connect((model, change) => {
      // not within the signal: who hears it after us would hear that the notebook is clean first, and then that it is not
      if (change.name === "dirty" && change.newValue) {
        queueMicrotask(() => {
          if (clean()) model.dirty = false;
        });
      }
    });
  }

  // When this is on the screen: tabs that JupyterLab opens again, behind another, do not all begin to compute.
  function onScreen(node) {
    return new Promise((resolve) => {
      const observer = new IntersectionObserver((entries) => {
        if (entries.some((entry) => entry.isIntersecting)) {
          observer.disconnect();
          resolve();
        }
      });
      observer.observe(node);
    });
  }

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  // When ipywidgets has found the widgets of an earlier run in the kernel. One that a cell makes meanwhile is found too and
  // made twice, and its view may follow the one that hears nothing. ipywidgets keeps to itself how far it is; where that
  // cannot be read, it gets as long as it gives itself.
  async function widgetsFound(rendermime) {
    const limit = pause(5000);
    const renderer = rendermime.createRenderer("application/vnd.jupyter.widget-view+json");
    const manager = await Promise.race([renderer._manager?.promise, limit]);
    while (manager && !(manager.restoredStatus && !manager._kernelRestoreInProgress)) {
      if (await Promise.race([pause(50).then(() => "on"), limit]) !== "on") break;
    }
    renderer.dispose();
  }

  // A kernel that answers, and has answered what was asked before; null where the reader wants no kernel.
  async function kernelOf(sessionContext, rendermime) {
    await sessionContext.ready;
    const kernel = sessionContext.session?.kernel;
    if (!kernel) return null;
    await kernel.info;
    await widgetsFound(rendermime);
    for (let question = 0; question < 2; question++) {
      await kernel.requestCommInfo({ target_name: "jupyter.widget" });
    }
    return kernel;
  }

  // Print a page of the server in a frame that nobody sees; it is taken away when the next one is printed.
  async function printPage(address) {
    document.querySelector("#labcore-print")?.remove();
    const frame = document.createElement("iframe");
    frame.id = "labcore-print";
    frame.setAttribute("aria-hidden", "true");
    frame.style.cssText = "position: fixed; left: -1200px; top: 0; width: 1000px; height: 1000px; border: 0";
    const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
    frame.src = address;
    document.body.append(frame);
    await loaded;
    await frame.contentDocument.fonts.ready;
    frame.contentWindow.print();
  }

  // JupyterLab prints the saved file, and a lesson's holds no figures. Its page without a kernel does, and the server makes
  // it when it is asked for the first time. What a reader has changed is printed as always.
  async function printWhole(app, panel, context, cells) {
    const { Printing, Notification } = await moduleOf("@jupyterlab/apputils");
    const { ServerConnection } = await moduleOf("@jupyterlab/services");
    const settings = app.serviceManager.serverSettings, path = context.path;
    const ours = () => !context.isDisposed && context.path === path && same(context.model, cells);
    const usual = panel[Printing.symbol].bind(panel);
    const ask = () =>
      ServerConnection.makeRequest(`${settings.baseUrl}labcore/print?path=${encodeURIComponent(path)}`, { method: "POST" }, settings);
    const print = async () => {
      const note = Notification.emit("This lesson is made ready to print. It takes a minute when it is done for the first time.", "in-progress", { autoClose: false });
      try {
        let answer = await ask(), page;
        while (answer.ok && !(page = (await answer.json()).page)) answer = await ask();
        if (answer.status === 404) return usual()();
        if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).message ?? answer.statusText);
        await printPage(settings.baseUrl + page);
      } catch (error) {
        Notification.emit(`This lesson cannot be printed: ${error.message}`, "error", { autoClose: false });
      } finally {
        Notification.dismiss(note);
      }
    };
    panel[Printing.symbol] = () => (ours() ? print : usual());
  }

  async function open(app, panel, context) {
    await context.ready;
    // a document that others write too is saved by the server, with its outputs
    if (context.model.collaborative) return;
    const cells = await lessonAt(context.path, app.serviceManager.serverSettings);
    if (!cells || !same(context.model, cells)) return;
    keepFileClean(context, cells);
    await printWhole(app, panel, context, cells);
    await panel.revealed;
    await onScreen(panel.node);
    const notebook = panel.content;
    const kernel = await kernelOf(context.sessionContext, notebook.rendermime);
    if (!kernel || panel.isDisposed || !same(context.model, cells)) return;
    const { NotebookActions } = await moduleOf("@jupyterlab/notebook");
    notebook.addClass("labcore-alive");
    let moved = false; // by the reader, who then stays there
    for (const event of ["wheel", "pointerdown", "keydown"]) {
      notebook.node.addEventListener(event, () => (moved = true), { once: true, capture: true, passive: true });
    }
    await NotebookActions.runCells(notebook, notebook.widgets, context.sessionContext);
    if (!moved && !panel.isDisposed) {
      notebook.activeCellIndex = 0;
      notebook.outerNode.scrollTop = 0;
    }
  }

  const opened = new WeakSet(); // a second view of a notebook shows what the first one ran

  const plugin = {
    id: "labcore:lessons",
    description: "Starts an unchanged lesson of Labcore when it is opened, and prints it whole.",
    autoStart: true,
    async activate(app) {
      // Notebook 7 and Voila load this too
      if (app.name !== "JupyterLab" || !shared["@jupyterlab/coreutils"]) return;
      const { PageConfig } = await moduleOf("@jupyterlab/coreutils");
      if (PageConfig.getOption("labcoreLessons") !== "true") return;
      const style = document.createElement("style");
      // the first cell ends with the sentence on how to run a lesson by hand
      style.textContent = ".labcore-alive .jp-Cell:first-child .jp-RenderedMarkdown > p:last-child:has(> em:only-child) { display: none }";
      document.head.append(style);
      app.docRegistry.addWidgetExtension("Notebook", {
        createNew(panel, context) {
          if (opened.has(context)) return;
          opened.add(context);
          open(app, panel, context).catch((error) => console.warn("This lesson waits for its reader:", error));
        },
      });
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["labcore"] = {
    init: (modules) => void (shared = modules),
    get: async () => () => plugin,
  };
})();
