// Asks what has become of a picture while it waits; without this a link loads the page anew.
(function () {
  "use strict";

  const region = document.querySelector("[data-upload]");
  if (!region) return;
  let pause = 1500;

  function state() {
    return document.getElementById("upload-state");
  }

  async function look() {
    try {
      const answer = await fetch(window.location.href, {
        headers: { "X-Artsimilarity-Fragment": "1" },
        credentials: "same-origin",
      });
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("upload-state");
      if (fresh.textContent !== state().textContent) {
        const isFocused = state().contains(document.activeElement);
        state().replaceWith(fresh);
        if (isFocused) state().querySelector("a")?.focus({ preventScroll: true });
      }
    } catch {
      // The next look may succeed; the link is there besides.
    }
    wait();
  }

  function wait() {
    if (state().dataset.state !== "waiting") return;
    window.setTimeout(look, pause);
    pause = Math.min(1.3 * pause, 15000);
  }

  wait();
})();
