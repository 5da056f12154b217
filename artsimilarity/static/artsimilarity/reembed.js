/* "Re-embed now" without leaving the page, whose unsaved edits stay. Without it a tab opens. */
(function () {
  "use strict";
  const form = document.getElementById("artsimilarity-reembed");
  const status = document.getElementById("artsimilarity-reembed-status");
  if (!form || !status) return;
  form.addEventListener("submit", async function (event) {
    event.preventDefault();
    const button = document.querySelector('[form="artsimilarity-reembed"]');
    button.disabled = true;
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
        credentials: "same-origin",
      });
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      status.textContent = (await answer.json()).messages.map((one) => one.text).join(" ");
    } catch (error) {
      status.textContent = form.dataset.failed;
    }
    button.disabled = false;
  });
})();
