// What a press on a bench's first button means: the word that the hand has read there, Run, Pause or Resume.

const READ = 400; // milliseconds that a word must have stood to have been read

// Know since when the word stands on the first button of this bench, once it is there; returns what ends it.
function followWord(bench) {
  let observer, waiting;
  const find = () => {
    const button = bench.querySelector(".labcore-run");
    if (!button) {
      waiting = setTimeout(find, 200);
      return;
    }
    let word = button.textContent;
    observer = new MutationObserver(() => {
      if (button.textContent === word) return; // it is written anew whenever anything of the button changes
      word = button.textContent;
      button.labcoreSince = performance.now();
    });
    observer.observe(button, { childList: true, characterData: true, subtree: true });
  };
  find();
  return () => {
    clearTimeout(waiting);
    observer?.disconnect();
  };
}

// A run may begin or end by itself just before the press, which would then pause what it should have begun. And a double
// click is one press: the second would pause what the first has begun.
function heedWords() {
  if (globalThis.labcoreWords) return;
  globalThis.labcoreWords = true;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".labcore-bench .labcore-run");
    if (!button) return;
    const unread = performance.now() - (button.labcoreSince ?? -READ) < READ;
    if (event.detail > 1 || unread) event.stopImmediatePropagation();
  }, true);
}
