// The last pictures on the way to this one, kept in the session of this tab and nowhere else.
(function () {
  "use strict";

  const KEY = "trail";
  const MOST = 5; // this one and four before it
  const trail = document.querySelector("[data-trail]");
  if (!trail) return;

  function read() {
    try {
      const steps = JSON.parse(sessionStorage.getItem(KEY));
      return Array.isArray(steps) ? steps : [];
    } catch {
      return []; // not ours
    }
  }

  const path = window.location.pathname;
  const isPicture = (address) => {
    try {
      const url = new URL(address);
      return url.origin === window.location.origin && /\/artworks\/\d+\/$/.test(url.pathname);
    } catch {
      return false;
    }
  };
  // Who goes back along the way shortens it; who comes from a list begins anew.
  let steps = read();
  const here = steps.findIndex((step) => step.path === path);
  if (here >= 0) steps = steps.slice(0, here);
  else if (!isPicture(document.referrer)) steps = [];
  const title = document.querySelector("h1").textContent.trim();
  steps = [...steps, { path, search: window.location.search, title }].slice(-MOST);
  try {
    sessionStorage.setItem(KEY, JSON.stringify(steps));
  } catch {
    return; // the visitor lets nothing be kept
  }

  const before = steps.slice(0, -1);
  if (!before.length) return;
  trail.querySelector("ol").replaceChildren(
    ...before.map((step) => {
      const link = document.createElement("a");
      link.href = new URL(step.path + step.search, window.location.origin).href;
      link.textContent = step.title;
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
  trail.hidden = false;
})();
