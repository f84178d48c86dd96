// What is wider than its place scrolls there, and a keyboard has to reach it: not every browser sees to that by itself.
const SCROLLS = "mjx-container[display], .katex > math, .highlight pre, .labcore-difference pre, .labcore-card, " +
  ":is(.jp-RenderedMarkdown, .site-prose) table";
const AROUND = ":is(.jp-RenderedMarkdown, .site-prose, .highlight, .labcore-card)";

function reachable(root) {
  const look = () => {
    for (const part of root.querySelectorAll(SCROLLS)) {
      const scrolls = part.scrollWidth > part.clientWidth + 1;
      if (scrolls && !part.hasAttribute("tabindex")) Object.assign(part, { tabIndex: 0 }).dataset.labcoreScrolls = "";
      else if (!scrolls && "labcoreScrolls" in part.dataset) (part.removeAttribute("tabindex"), delete part.dataset.labcoreScrolls);
    }
  };
  const observer = new ResizeObserver(look); // a formula that is set changes the size of the prose around it
  for (const part of root.querySelectorAll(AROUND)) observer.observe(part);
  look();
  return () => observer.disconnect();
}

