/* Draws a box on a picture with mouse, finger or keys, and fills the list with what is like it. Without it the form has
   four numbers and a button. */
(function () {
  "use strict";
  const EDGES = ["left", "top", "right", "bottom"];
  const GRAB = { mouse: 8, pen: 12, touch: 22 }; /* pixels from an edge within which it is pulled */
  const STEP = 2; /* per cent that an arrow key moves */
  const CLICK = 4; /* pixels: less is a click and no box */
  const TELL = 500; /* milliseconds after the last key before the place is told */
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  function start(form) {
    const list = document.getElementById(form.dataset.artsimilarityDetail);
    const drawing = form.querySelector("svg");
    const status = form.querySelector("[role=status]");
    const inputs = EDGES.map((name) => form.elements.namedItem(name));
    if (!list || !status || inputs.some((one) => !one)) return;
    const whole = form.querySelector("a[href]");
    const place = form.querySelector("[id$=-detail-place]");
    const least = Number(form.dataset.least);
    let drawn = form.hasAttribute("data-chosen");
    let asking = null;
    let timer = 0;

    function values() {
      return inputs.map((one) => one.valueAsNumber);
    }

    function show() {
      const [left, top, right, bottom] = values();
      if (!drawing || ![left, top, right, bottom].every(Number.isFinite)) return;
      const size = { x: left, y: top, width: Math.max(right - left, 0), height: Math.max(bottom - top, 0) };
      const box = drawing.querySelector("rect");
      for (const name of Object.keys(size)) box.setAttribute(name, size[name]);
      drawing
        .querySelector("path")
        .setAttribute("d", `M0 0H100V100H0ZM${left} ${top}H${right}V${bottom}H${left}Z`);
      drawing.toggleAttribute("data-drawn", drawn);
    }

    function tell() {
      if (!place) return;
      const rounded = values().map(Math.round);
      const named = Object.fromEntries(EDGES.map((name, i) => [name, rounded[i]]));
      place.textContent = fill(form.dataset.words, named);
    }

    function put(edges) {
      inputs.forEach((one, i) => (one.value = String(Math.round(clamp(edges[i], 0, 100) * 100) / 100)));
      show();
    }

    function moved([left, top, right, bottom], across, down) {
      const dx = clamp(across, -left, 100 - right);
      const dy = clamp(down, -top, 100 - bottom);
      return [left + dx, top + dy, right + dx, bottom + dy];
    }

    /* Some of a box's edges at another place, no nearer to the others than a box may be. */
    function pulled(edges, names, x, y) {
      const found = [...edges];
      for (const name of names) {
        const i = EDGES.indexOf(name);
        const where = i % 2 ? y : x;
        found[i] = i < 2 ? clamp(where, 0, edges[i + 2] - least) : clamp(where, edges[i - 2] + least, 100);
      }
      return found;
    }

    /* Between two corners, at least as large as a box may be. */
    function between(from, to) {
      const [left, right] = span(from.x, to.x);
      const [top, bottom] = span(from.y, to.y);
      return [left, top, right, bottom];
    }

    function span(from, to) {
      const end = clamp(to, 0, 100);
      if (Math.abs(end - from) >= least) return [Math.min(from, end), Math.max(from, end)];
      const first = clamp(end < from ? from - least : from, 0, 100 - least);
      return [first, first + least];
    }

    /* The list */

    function show_list(page) {
      const fresh = new DOMParser().parseFromString(page, "text/html").getElementById(list.id);
      if (!fresh) throw new Error(`The answer has no element #${list.id}.`);
      list.replaceChildren(...fresh.childNodes);
      const count = list.querySelectorAll(".artsimilarity-item").length;
      say(fill(form.dataset.found, { count }), false);
    }

    function say(text, failed) {
      status.toggleAttribute("data-failed", failed);
      status.textContent = text;
    }

    async function search() {
      if (!form.reportValidity()) return;
      if (asking) asking.abort();
      const own = (asking = new AbortController());
      const address = new URL(window.location.href);
      const before = address.search;
      inputs.forEach((one) => address.searchParams.set(one.name, one.value));
      address.searchParams.delete("after"); /* a list that went on begins anew */
      address.hash = "";
      list.setAttribute("aria-busy", "true");
      say(form.dataset.searching, false);
      let words = form.dataset.failed;
      try {
        const answer = await fetch(address, {
          headers: { "X-Artsimilarity-Fragment": "1" },
          credentials: "same-origin",
          signal: own.signal,
        });
        const text = await answer.text();
        if (own !== asking) return;
        if (!answer.ok) {
          if ((answer.headers.get("Content-Type") || "").startsWith("text/plain")) words = text;
          throw new Error(`The server answered ${answer.status}.`);
        }
        if (window.location.search !== before) return void search(); /* the balance was moved meanwhile */
        show_list(text);
        window.history.replaceState(window.history.state, "", address);
        if (whole) whole.hidden = false;
      } catch (error) {
        if (own !== asking) return; /* a newer question has taken its place */
        say(words, true);
      }
      list.removeAttribute("aria-busy");
    }

    form.addEventListener("submit", function (event) {
      event.preventDefault();
      search();
    });
    inputs.forEach((one) =>
      one.addEventListener("input", function () {
        drawn = true;
        show();
      }),
    );
    /* The balance may have been moved since the link was written. */
    whole?.addEventListener("click", function () {
      const address = new URL(window.location.href);
      [...EDGES, "after"].forEach((name) => address.searchParams.delete(name));
      address.hash = list.id;
      whole.href = address;
    });
    if (!drawing) return;

    /* Mouse and fingers */

    let held = null;

    function at(event) {
      const frame = drawing.getBoundingClientRect();
      return {
        x: clamp((100 * (event.clientX - frame.left)) / frame.width, 0, 100),
        y: clamp((100 * (event.clientY - frame.top)) / frame.height, 0, 100),
        across: (100 * (GRAB[event.pointerType] || GRAB.mouse)) / frame.width,
        down: (100 * (GRAB[event.pointerType] || GRAB.mouse)) / frame.height,
      };
    }

    /* What is pulled there: edges of the box, or all of it; none where another box is begun. */
    function grip(spot) {
      if (!drawn || !values().every(Number.isFinite)) return null;
      const [left, top, right, bottom] = values();
      const { x, y, across, down } = spot;
      const outside = x < left - across || x > right + across || y < top - down || y > bottom + down;
      if (outside) return null;
      const names = [];
      const [nearLeft, nearRight] = [Math.abs(x - left), Math.abs(x - right)];
      const [nearTop, nearBottom] = [Math.abs(y - top), Math.abs(y - bottom)];
      if (Math.min(nearLeft, nearRight) < across) names.push(nearLeft < nearRight ? "left" : "right");
      if (Math.min(nearTop, nearBottom) < down) names.push(nearTop < nearBottom ? "top" : "bottom");
      return names;
    }

    drawing.addEventListener("pointerdown", function (event) {
      if (event.button || !event.isPrimary) return;
      event.preventDefault();
      drawing.focus({ preventScroll: true });
      drawing.setPointerCapture(event.pointerId);
      const spot = at(event);
      const place = [event.clientX, event.clientY];
      held = { from: spot, place, names: grip(spot), before: values(), drawn, far: false };
    });

    drawing.addEventListener("pointermove", function (event) {
      const spot = at(event);
      if (!held) {
        const names = grip(spot);
        drawing.dataset.pulls = !names ? "" : names.length ? names.join(" ") : "all";
        return;
      }
      const distance = Math.hypot(event.clientX - held.place[0], event.clientY - held.place[1]);
      held.far = held.far || distance >= CLICK;
      if (!held.far) return;
      drawn = true;
      if (!held.names) put(between(held.from, spot));
      else if (held.names.length) put(pulled(held.before, held.names, spot.x, spot.y));
      else put(moved(held.before, spot.x - held.from.x, spot.y - held.from.y));
    });

    drawing.addEventListener("pointerup", function () {
      if (held && held.far) {
        tell();
        search();
      }
      held = null;
    });

    drawing.addEventListener("pointercancel", function () {
      if (held) {
        drawn = held.drawn;
        put(held.before);
      }
      held = null;
    });

    /* Keys */

    drawing.addEventListener("keydown", function (event) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "Enter") {
        event.preventDefault();
        drawn = true;
        show();
        search();
        return;
      }
      const arrow = ARROWS[event.key];
      if (!arrow) return;
      event.preventDefault();
      const edges = values();
      if (!edges.every(Number.isFinite)) return; /* a field is empty */
      drawn = true;
      const [across, down] = arrow.map((one) => one * STEP);
      const corner = [across && "right", down && "bottom"].filter(Boolean);
      put(
        event.shiftKey
          ? pulled(edges, corner, edges[2] + across, edges[3] + down)
          : moved(edges, across, down),
      );
      window.clearTimeout(timer);
      timer = window.setTimeout(function () {
        tell();
        say(place.textContent, false);
      }, TELL);
    });

    form.querySelectorAll("[hidden]:not(a):not(input)").forEach((one) => (one.hidden = false));
    show();
    tell();
  }

  document.querySelectorAll("form[data-artsimilarity-detail]").forEach(start);
})();
