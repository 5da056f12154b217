// Conveniences of the gallery: keys, more neighbours without a new page, an address to copy. Every
// page works without them.
(function () {
  "use strict";

  const isTyping = (element) =>
    element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);

  // "/" leads to the search; arrows lead through pictures, to the first one from elsewhere.
  function walk(step) {
    const links = [...document.querySelectorAll(".rows .mount")];
    // On a picture's page through its neighbours, wherever other rows may stand.
    const own = links.filter((link) => link.closest("[data-walk]"));
    const path = own.length ? own : links;
    if (!path.length) return false;
    const tile = document.activeElement.closest(".tile");
    const here = tile ? path.indexOf(tile.querySelector(".mount")) : -1;
    const next = here < 0 ? (step > 0 ? 0 : path.length - 1) : here + step;
    if (!path[next]) return false;
    path[next].focus();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (isTyping(event.target)) return;
    const search = document.getElementById("q");
    if (event.key === "/" && search) {
      event.preventDefault();
      search.focus();
      search.select();
      return;
    }
    const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    if (/^Arrow(Left|Right)$/.test(event.key) && walk(event.key === forward ? 1 : -1)) {
      event.preventDefault();
    }
  });

  // More neighbours come below those that are there.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-more]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (link.getAttribute("aria-disabled")) return;
    link.setAttribute("aria-disabled", "true");
    try {
      const answer = await fetch(link.href, {
        headers: { "X-Artsimilarity-Fragment": "1" },
        credentials: "same-origin",
      });
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const list = document.querySelector("#alike .rows");
      if (!link.isConnected || !list) return; // the slider has filled the list anew
      const tiles = [...page.querySelectorAll("#alike .tile")];
      const next = page.querySelector("[data-more]");
      list.append(...tiles);
      if (next) link.replaceWith(next);
      else link.parentElement.remove();
      tiles[0]?.querySelector("a").focus({ preventScroll: true });
    } catch {
      window.location.assign(link.href);
    }
  });

  // An address to copy; parts of a page that come later say so by the event "library:filled".
  function offerCopies() {
    if (!navigator.clipboard) return; // there is none on pages without HTTPS
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
  }
  offerCopies();
  document.addEventListener("library:filled", offerCopies);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    button.textContent = button.dataset.copied;
  });

  // A list that narrows closes when something else is chosen.
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details.facet[open], details.share[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.activeElement.closest("details.facet[open], details.share[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
})();
