/* The panel's buttons without leaving the page, whose unsaved edits stay. Without it a tab opens. */
(function () {
  "use strict";
  for (const form of document.querySelectorAll("form[data-artsimilarity-status]")) {
    const status = document.getElementById(form.dataset.artsimilarityStatus);
    const buttons = document.querySelectorAll(`button[form="${form.id}"]`);
    if (!status) continue;
    form.addEventListener("submit", async function (event) {
      event.preventDefault();
      const sent = new FormData(form);
      if (event.submitter && event.submitter.name) sent.set(event.submitter.name, event.submitter.value);
      buttons.forEach((button) => (button.disabled = true));
      try {
        const answer = await fetch(form.action, {
          method: "POST",
          body: sent,
          headers: { Accept: "application/json" },
          credentials: "same-origin",
        });
        /* What was refused is told in the same way; any other answer is no JSON. */
        status.textContent = (await answer.json()).messages.map((one) => one.text).join(" ");
        if (answer.ok) form.dispatchEvent(new CustomEvent("artsimilarity:sent", { detail: sent }));
      } catch (error) {
        status.textContent = form.dataset.failed;
      }
      buttons.forEach((button) => (button.disabled = false));
      if (event.submitter) event.submitter.focus();
    });
  }
})();
