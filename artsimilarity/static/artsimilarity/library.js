/* Keeps the library page's figures up to date. Without it the page refreshes itself. */
(function () {
  "use strict";
  const panel = document.querySelector("[data-artsimilarity-status]");
  if (!panel) return;
  async function refresh() {
    try {
      const answer = await fetch(panel.dataset.artsimilarityStatus, { credentials: "same-origin" });
      if (answer.ok) panel.innerHTML = (await answer.json()).panel;
    } catch (error) {
      /* The server is away for a moment: the figures stay as they are, and it is asked again. */
    }
    window.setTimeout(refresh, 2000);
  }
  window.setTimeout(refresh, 2000);
})();
