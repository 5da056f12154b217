/* Keeps the library page's figures up to date. Without it the page refreshes itself. */
(function () {
  "use strict";
  const panel = document.querySelector("[data-artsimilarity-status]");
  if (!panel) return;
  let shown = null;
  function show(html) {
    if (html === shown) return;
    shown = html;
    /* Whoever is on a link with the keyboard stays on it. */
    const focused = panel.contains(document.activeElement) && document.activeElement.getAttribute("href");
    panel.innerHTML = html;
    if (focused) panel.querySelector(`a[href="${focused}"]`)?.focus();
  }
  async function refresh() {
    try {
      const answer = await fetch(panel.dataset.artsimilarityStatus, { credentials: "same-origin" });
      if (answer.ok) show((await answer.json()).panel);
    } catch (error) {
      /* The server is away for a moment: the figures stay as they are, and it is asked again. */
    }
    window.setTimeout(refresh, 2000);
  }
  window.setTimeout(refresh, 2000);
})();
