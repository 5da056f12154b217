/* Draws a picture's own area with the mouse, and shows what the numbers say. Without it they are typed. */
(function () {
  "use strict";
  const EDGES = ["left", "top", "right", "bottom"];
  const GRAB = 8; /* pixels from an edge within which it is pulled */
  const LEAST = 1; /* per cent: less is a click and no rectangle */
  const panel = document.querySelector("[data-artsimilarity-draw]");
  const form = document.getElementById("artsimilarity-area");
  if (!panel || !form) return;
  const image = panel.querySelector("img");
  const drawing = panel.querySelector("svg");
  const input = (name) => document.getElementById(`artsimilarity-area-${name}`);
  const number = (name) => input(name).valueAsNumber;
  const size = () => drawing.viewBox.baseVal;

  function turn(x, y, degrees) {
    const angle = (degrees * Math.PI) / 180;
    const { width, height } = size();
    const across = x - width / 2;
    const down = y - height / 2;
    return [
      width / 2 + Math.cos(angle) * across - Math.sin(angle) * down,
      height / 2 + Math.sin(angle) * across + Math.cos(angle) * down,
    ];
  }

  function draw() {
    const [left, top, right, bottom, angle] = [...EDGES, "angle"].map(number);
    if (![left, top, right, bottom, angle].every(Number.isFinite)) return;
    const { width, height } = size();
    const corners = [[left, top], [right, top], [right, bottom], [left, bottom]].map(([x, y]) =>
      turn((x / 100) * width, (y / 100) * height, angle).map((one) => one.toFixed(1)).join(","),
    );
    drawing.querySelectorAll("polygon").forEach((one) => one.setAttribute("points", corners.join(" ")));
  }

  function fill(edges) {
    EDGES.forEach((name, i) => (input(name).value = Math.min(Math.max(edges[i], 0), 100).toFixed(1)));
    draw();
  }

  /* Where the mouse is, in per cent of the scan as it lies turned back, and how much a pixel is. */
  function place(event) {
    const box = drawing.getBoundingClientRect();
    const { width, height } = size();
    const [x, y] = turn(
      ((event.clientX - box.left) / box.width) * width,
      ((event.clientY - box.top) / box.height) * height,
      -(number("angle") || 0),
    );
    return { x: (100 * x) / width, y: (100 * y) / height, dx: 100 / box.width, dy: 100 / box.height };
  }

  /* The edges near the mouse: none, one, or the two of a corner. */
  function near(at) {
    const [left, top, right, bottom] = EDGES.map(number);
    const [across, down] = [GRAB * at.dx, GRAB * at.dy];
    const beside = at.y > top - down && at.y < bottom + down;
    const within = at.x > left - across && at.x < right + across;
    const found = [];
    if (beside && Math.abs(at.x - left) < across) found.push("left");
    else if (beside && Math.abs(at.x - right) < across) found.push("right");
    if (within && Math.abs(at.y - top) < down) found.push("top");
    else if (within && Math.abs(at.y - bottom) < down) found.push("bottom");
    return found;
  }

  let pulled = null;

  drawing.addEventListener("pointerdown", function (event) {
    /* Fingers scroll the page. */
    if (event.pointerType === "touch" || event.button) return;
    event.preventDefault();
    drawing.setPointerCapture(event.pointerId);
    const at = place(event);
    pulled = { from: at, edges: near(at), before: EDGES.map(number) };
  });

  drawing.addEventListener("pointermove", function (event) {
    const at = place(event);
    if (!pulled) {
      const edges = near(at);
      drawing.dataset.pulls = edges.length === 2 ? "corner" : edges[0] || "";
      return;
    }
    if (!pulled.edges.length) {
      const { x, y } = pulled.from;
      fill([Math.min(x, at.x), Math.min(y, at.y), Math.max(x, at.x), Math.max(y, at.y)]);
      return;
    }
    const edges = [...pulled.before];
    for (const name of pulled.edges) {
      const i = EDGES.indexOf(name);
      const where = i % 2 ? at.y : at.x;
      edges[i] = i < 2 ? Math.min(where, edges[i + 2] - LEAST) : Math.max(where, edges[i - 2] + LEAST);
    }
    fill(edges);
  });

  function end(event) {
    if (!pulled) return;
    const [left, top, right, bottom] = EDGES.map(number);
    if (event.type === "pointercancel" || right - left < LEAST || bottom - top < LEAST) fill(pulled.before);
    pulled = null;
  }
  drawing.addEventListener("pointerup", end);
  drawing.addEventListener("pointercancel", end);

  [...EDGES, "angle"].forEach((name) => input(name).addEventListener("input", draw));

  form.addEventListener("artsimilarity:sent", function (event) {
    if (event.detail.get("area") !== "whole") return;
    input("angle").value = "0.0";
    fill([0, 0, 100, 100]);
  });

  /* The server may not know the picture's proportions. */
  function fit() {
    if (!image.naturalWidth || image.hasAttribute("width")) return;
    drawing.setAttribute("viewBox", `0 0 ${image.naturalWidth} ${image.naturalHeight}`);
    draw();
  }
  image.addEventListener("load", fit);
  fit();
})();
