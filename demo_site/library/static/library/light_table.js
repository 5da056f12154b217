// Buttons of the light table change the page in place; without this they load it anew.
(function () {
  "use strict";

  const form = document.getElementById("light-table");
  const news = document.getElementById("table-news");
  if (!form || !news) return;
  const KEY = "light-table"; // when a button was last pressed on any page, by the server's clock
  let last = Promise.resolve();

  // The visitor's own table, with something on it.
  const isTablePage = (page = document) =>
    Boolean(page.querySelector("#table-top [name='remove'][form='light-table']"));

  function say(text, isError) {
    news.toggleAttribute("data-error", isError);
    news.textContent = text;
  }

  // Elements of the answer take the place of those with the same ids.
  function fill(answer) {
    for (const fresh of answer.querySelectorAll("[id]")) {
      const old = document.getElementById(fresh.id);
      if (!old || !fresh.isConnected || fresh.parentElement.closest("#table-top, #alike")) continue;
      if (fresh.hasAttribute("data-shell")) {
        old.hidden = fresh.hidden;
      } else if (fresh.id === "table-link" || fresh.id === "alike") {
        old.replaceChildren(...fresh.childNodes); // the slider knows this very element
        if (fresh.dataset.at) old.dataset.at = fresh.dataset.at;
      } else {
        const action = old.getAttribute("formaction");
        if (action) fresh.setAttribute("formaction", action);
        old.replaceWith(fresh);
      }
    }
    document.dispatchEvent(new CustomEvent("library:filled"));
  }

  const places = (button) => {
    const part = button.closest("#table-top, #alike");
    return part ? [...part.querySelectorAll(`[name="${button.name}"]`)] : [];
  };

  // Whoever has pressed a button stays on it, or on the one that has come to its place.
  function findAgain(button, part, index) {
    if (!part) return document.getElementById(button.id);
    const others = [...part().querySelectorAll(`[name="${button.name}"]`)];
    const same = others.find((other) => other.value === button.value);
    return same || others[Math.min(index, others.length - 1)] || document.querySelector("#table-top h1");
  }

  const balance = () => new URLSearchParams(window.location.search).get("style");

  async function press(button) {
    const whole = isTablePage();
    const id = button.closest("#table-top, #alike")?.id;
    const part = whole && id ? () => document.getElementById(id) : null;
    const index = places(button).indexOf(button);
    const address = new URL(form.action);
    const style = balance();
    if (whole && style) address.searchParams.set("style", style);
    try {
      const answer = await fetch(address, {
        method: "POST",
        headers: { "X-Light-Table": whole ? "page" : "button" },
        credentials: "same-origin",
        body: new URLSearchParams({
          csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value,
          [button.name]: button.value,
        }),
      });
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const words = page.querySelector("[data-news]");
      const isFocused = document.activeElement === button || document.activeElement === document.body;
      const list = id === "alike" ? document.getElementById("alike").firstElementChild : null;
      const before = list?.querySelector("h2")?.getBoundingClientRect().top;
      // A slider that was moved meanwhile knows the balance, and did not know what was pressed.
      const slider = whole && document.getElementById("alike-balance");
      const isOld = slider && (style !== balance() || document.querySelector("#alike[aria-busy]"));
      if (isOld) page.getElementById("alike")?.remove();
      fill(page);
      if (isOld) slider.requestSubmit();
      sessionStorage.setItem(KEY, document.getElementById("table-link").dataset.at);
      // A table that has grown above must not push away what was pressed.
      const heading = document.querySelector("#alike h2");
      if (before !== undefined && heading) {
        window.scrollBy({ top: heading.getBoundingClientRect().top - before, behavior: "instant" });
      }
      if (isFocused) findAgain(button, part, index)?.focus({ preventScroll: true });
      say(words.textContent, words.hasAttribute("data-error"));
    } catch {
      say(news.dataset.failed, true);
    }
  }

  // What was said to all has been read when something else is done.
  document.addEventListener("click", () => news.removeAttribute("data-error"));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") news.removeAttribute("data-error");
  });

  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || button.name === "take_over") return;
    event.preventDefault();
    last = last.then(() => press(button));
  });

  // A page from the browser's memory, or one that was fetched beforehand, may be older than a press.
  window.addEventListener("pageshow", async () => {
    const pressed = Number(sessionStorage.getItem(KEY));
    if (Number(document.getElementById("table-link").dataset.at) >= pressed) return;
    try {
      const answer = await fetch(window.location.href, { credentials: "same-origin", cache: "reload" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      // With something on it the table has parts that it lacks without.
      if (isTablePage(page) !== isTablePage()) return void window.location.reload();
      const kept = page.createElement("div");
      const parts = isTablePage() ? "#table-link, #table-top, #alike" : "#table-link, .table-button[id]";
      kept.append(...page.querySelectorAll(parts));
      page.body.replaceChildren(kept);
      fill(page);
    } catch {
      // The page stays as it was; the next press tells what is true.
    }
  });

  // The balance that the slider has now belongs to the table's address.
  document.addEventListener(
    "toggle",
    (event) => {
      const input = event.target.querySelector?.("[data-balanced]");
      const style = balance();
      if (!input || !style) return;
      const address = new URL(input.value);
      address.searchParams.set("style", style);
      input.value = address.href.replaceAll("%3A", ":");
    },
    true,
  );
})();
