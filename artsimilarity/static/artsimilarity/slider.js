/* Fills the list of neighbours anew when the slider is moved. Without it the form has a button. */
(function () {
  "use strict";
  const DELAY = 150; /* milliseconds without a move before the server is asked */

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  function start(form) {
    const input = form.querySelector("input[type=range]");
    const status = form.querySelector("[role=status]");
    const list = document.getElementById(form.dataset.artsimilaritySlider);
    if (!input || !status || !list) return;
    let timer = 0;
    let asking = null;

    function describe() {
      const style = Math.round(input.value * 100);
      input.setAttribute("aria-valuetext", fill(form.dataset.words, { style, colour: 100 - style }));
    }

    function show(page) {
      const fresh = new DOMParser().parseFromString(page, "text/html").getElementById(list.id);
      if (!fresh) throw new Error(`The answer has no element #${list.id}.`);
      /* Whoever is on a link with the keyboard stays on it, or goes back to the slider. */
      const focused = list.contains(document.activeElement) ? document.activeElement : null;
      list.replaceChildren(...fresh.childNodes);
      if (focused) {
        const links = Array.from(list.querySelectorAll("a[href]"));
        (links.find((link) => link.href === focused.href) || input).focus({ preventScroll: true });
      }
      const count = list.querySelectorAll(".artsimilarity-item").length;
      status.removeAttribute("data-failed");
      status.textContent = fill(form.dataset.found, { count });
    }

    async function load() {
      window.clearTimeout(timer);
      if (asking) asking.abort();
      const own = (asking = new AbortController());
      const address = new URL(window.location.href);
      address.searchParams.set(input.name, input.value);
      address.searchParams.delete("after"); /* another balance begins at its nearest */
      window.history.replaceState(window.history.state, "", address);
      list.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(address, {
          headers: { "X-Artsimilarity-Fragment": "1" },
          credentials: "same-origin",
          signal: own.signal,
        });
        if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
        const page = await answer.text();
        /* A search by a detail that was answered meanwhile knew this balance already. */
        if (own === asking && window.location.search === address.search) show(page);
      } catch (error) {
        if (own !== asking) return; /* a newer question has taken its place */
        status.setAttribute("data-failed", "");
        status.textContent = form.dataset.failed;
      }
      if (own === asking) list.removeAttribute("aria-busy");
    }

    form.querySelector("[type=submit]")?.setAttribute("hidden", "");
    input.addEventListener("input", function () {
      describe();
      window.clearTimeout(timer);
      timer = window.setTimeout(load, DELAY);
    });
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      load();
    });
  }

  document.querySelectorAll("form[data-artsimilarity-slider]").forEach(start);
})();
