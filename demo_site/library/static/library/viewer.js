/* Comes near to a picture: draws it from tiles, or from its file where that is small, below them what the page has
   shown already. Without it the link around the picture leads to the file. */
(function () {
  "use strict";
  const CLICK = 5; /* CSS pixels: less is no drag */
  const TWICE = 400; /* milliseconds between two presses that belong together */
  const EASE = 90; /* milliseconds in which two thirds of a way are gone */
  const STEP = 1.6; /* by a key or a button */
  const NEAREST = 4; /* CSS pixels a pixel of the scan */
  const AT_ONCE = 6;
  const MOST_TILES = 400;
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  function start(link, dialog) {
    const view = dialog.querySelector(".viewer-view");
    const canvas = dialog.querySelector("canvas");
    const status = dialog.querySelector("[role=status]");
    const shown = link.querySelector("img");
    const brush = canvas.getContext("2d", { alpha: false });
    if (!brush || !dialog.showModal) return;
    const { original, tiles: address } = dialog.dataset;
    const [width, height, side] = ["width", "height", "side"].map((name) => Number(dialog.dataset[name]));
    const last = Math.ceil(Math.log2(Math.max(width, height)));
    const first = last - Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / side)));
    const tiles = new Map(); /* by address; the latest that were drawn stand last */
    let loading = 0;
    let file = null; /* the whole picture, where there are no tiles */
    let size = { width: 0, height: 0 };
    let eye = null; /* the pixel of the scan in the middle, and CSS pixels a pixel of it */
    let goal = null;
    let asked = 0;
    let before = 0;
    let failed = false;

    /* Where things are */

    const least = () => Math.min(size.width / width, size.height / height, 1);
    const whole = () => ({ x: width / 2, y: height / 2, scale: least() });

    /* No nearer than pixels can be told apart, and no further than all of it; no empty room beside it but around all. */
    function limit({ x, y, scale }) {
      const held = clamp(scale, least(), Math.max(NEAREST, least()));
      const within = (value, length, room) => {
        const half = room / 2 / held;
        return half * 2 >= length ? length / 2 : clamp(value, half, length - half);
      };
      return { x: within(x, width, size.width), y: within(y, height, size.height), scale: held };
    }

    function look(next, { gently = false } = {}) {
      if (failed) forgetFailures();
      if (gently) goal = limit(next);
      else [eye, goal] = [limit(next), null];
      draw();
    }

    /* What lies under a spot stays there. */
    function zoom(factor, spot = [size.width / 2, size.height / 2], options = {}) {
      const now = (options.gently && goal) || eye;
      const { scale } = limit({ ...now, scale: now.scale * factor });
      const [across, down] = [spot[0] - size.width / 2, spot[1] - size.height / 2];
      look({ x: now.x + across / now.scale - across / scale, y: now.y + down / now.scale - down / scale, scale }, options);
    }

    function move(across, down, options = {}) {
      const now = (options.gently && goal) || eye;
      look({ ...now, x: now.x + across / now.scale, y: now.y + down / now.scale }, options);
    }

    /* What is there */

    function say(text) {
      if (status.textContent !== text) status.textContent = text;
    }

    function forgetFailures() {
      failed = false;
      for (const [key, tile] of tiles) if (tile === "failed") tiles.delete(key);
    }

    async function load(source) {
      const image = new Image();
      image.src = source;
      await image.decode();
      return image;
    }

    /* A tile, if it is there; else it is asked for, when there is room for another request. */
    function tileAt(level, column, row) {
      const key = `${address}/${level}/${column}_${row}.jpg`;
      const known = tiles.get(key);
      if (known && known !== "failed") {
        tiles.delete(key);
        tiles.set(key, known);
        return known === "waiting" ? null : known;
      }
      if (known || loading >= AT_ONCE) return null;
      loading += 1;
      tiles.set(key, "waiting");
      load(key)
        .then((image) => { tiles.set(key, image); })
        .catch(() => {
          tiles.set(key, "failed");
          failed = true;
          say(dialog.dataset.failed);
        })
        .finally(() => {
          loading -= 1;
          for (const [one, tile] of tiles) {
            if (tiles.size <= MOST_TILES) break;
            if (tile !== "waiting") tiles.delete(one);
          }
          draw();
        });
      return null;
    }

    async function loadFile() {
      if (address || file) return;
      file = "waiting";
      try {
        file = await load(original);
      } catch (error) {
        file = "failed"; /* a kind that browsers do not show: what the page has shown stays */
      }
      draw();
    }

    /* Drawing */

    function draw() {
      if (!eye || !dialog.open) return;
      view.dataset.still = "false";
      if (!asked) asked = window.requestAnimationFrame(frame);
    }

    function frame(now) {
      asked = 0;
      const step = still.matches ? 1 : 1 - Math.exp(-Math.min(now - before, 50) / EASE);
      before = now;
      if (goal) approach(step);
      paint();
      if (goal) draw();
      else if (!failed) say(dialog.dataset.scale.replace("{percent}", Math.round(100 * eye.scale)));
      view.dataset.scale = eye.scale.toFixed(4);
      view.dataset.still = String(!asked);
    }

    function approach(step) {
      const near = Math.abs(Math.log(goal.scale / eye.scale)) < 0.002 && Math.hypot(goal.x - eye.x, goal.y - eye.y) * eye.scale < 0.5;
      if (near || step === 1) {
        [eye, goal] = [goal, null];
        return;
      }
      const scale = eye.scale * (goal.scale / eye.scale) ** step;
      /* As the picture grows, ways on it shrink: so the goal does not swing aside. */
      const turned = Math.abs(goal.scale / eye.scale - 1) < 1e-6;
      const part = turned ? step : (1 / scale - 1 / eye.scale) / (1 / goal.scale - 1 / eye.scale);
      eye = { x: eye.x + (goal.x - eye.x) * part, y: eye.y + (goal.y - eye.y) * part, scale };
    }

    function paint() {
      const ratio = window.devicePixelRatio || 1;
      brush.setTransform(1, 0, 0, 1, 0, 0);
      brush.fillStyle = window.getComputedStyle(dialog).backgroundColor;
      brush.fillRect(0, 0, canvas.width, canvas.height);
      const scale = eye.scale * ratio;
      const left = canvas.width / 2 - eye.x * scale;
      const top = canvas.height / 2 - eye.y * scale;
      brush.imageSmoothingEnabled = eye.scale < 2 * ratio;
      brush.imageSmoothingQuality = "high";
      const below = file && file.naturalWidth ? file : shown;
      if (below.complete && below.naturalWidth) brush.drawImage(below, left, top, width * scale, height * scale);
      if (!address) {
        view.dataset.sharp = String(file === "failed" || Boolean(file?.naturalWidth));
        return;
      }
      /* Levels from the coarsest, so that something sharper than what is below comes soon. */
      const finest = clamp(last + Math.ceil(Math.log2(scale) - 0.01), first, last);
      let missing = 0;
      for (const level of new Set([first, Math.max(first, finest - 2), finest])) {
        missing = paintLevel(level, left, top, scale);
      }
      view.dataset.sharp = String(!missing);
    }

    /* Draws those tiles of a level that are in view and there; returns how many are not. */
    function paintLevel(level, left, top, scale) {
      const apart = side * 2 ** (last - level); /* pixels of the scan */
      const reach = (start, room, length) => [
        clamp(Math.floor(-start / scale / apart), 0, Math.ceil(length / apart)),
        clamp(Math.ceil((room - start) / scale / apart), 0, Math.ceil(length / apart)),
      ];
      const [column0, column1] = reach(left, canvas.width, width);
      const [row0, row1] = reach(top, canvas.height, height);
      let missing = 0;
      for (let row = row0; row < row1; row += 1) {
        for (let column = column0; column < column1; column += 1) {
          const tile = tileAt(level, column, row);
          if (!tile) {
            missing += 1;
            continue;
          }
          /* Edges on whole pixels, or seams would show. */
          const from = [left + column * apart * scale, top + row * apart * scale].map(Math.round);
          const to = [
            left + Math.min((column + 1) * apart, width) * scale,
            top + Math.min((row + 1) * apart, height) * scale,
          ].map(Math.round);
          brush.drawImage(tile, from[0], from[1], to[0] - from[0], to[1] - from[1]);
        }
      }
      return missing;
    }

    function resize() {
      const box = view.getBoundingClientRect();
      if (!box.width || !box.height) return;
      const ratio = window.devicePixelRatio || 1;
      const wasWhole = !eye || (goal || eye).scale === least();
      size = { width: box.width, height: box.height };
      canvas.width = Math.round(box.width * ratio);
      canvas.height = Math.round(box.height * ratio);
      goal = null;
      eye = wasWhole ? whole() : limit(eye);
      if (!dialog.open) return;
      paint(); /* at once, as a canvas of another size is empty */
      draw();
    }

    /* Mouse and fingers */

    const fingers = new Map();
    let travelled = 0;
    let pressed = { time: 0, spot: [0, 0] };

    function at(event) {
      const box = view.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    }

    view.addEventListener("wheel", function (event) {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      zoom(Math.exp(-clamp(event.deltaY * lines, -200, 200) / 300), at(event));
    }, { passive: false });

    view.addEventListener("pointerdown", function (event) {
      if (event.button) return;
      if (!fingers.size) travelled = 0;
      fingers.set(event.pointerId, at(event));
      view.setPointerCapture(event.pointerId);
    });

    view.addEventListener("pointermove", function (event) {
      const from = fingers.get(event.pointerId);
      if (!from) return;
      const spot = at(event);
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      fingers.set(event.pointerId, spot);
      travelled += Math.hypot(spot[0] - from[0], spot[1] - from[1]);
      if (travelled < CLICK) return;
      if (other) {
        const span = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
        zoom(span(spot) / span(from), [(spot[0] + other[0]) / 2, (spot[1] + other[1]) / 2]);
      }
      const share = other ? 2 : 1; /* the middle of two fingers goes half as far */
      move((from[0] - spot[0]) / share, (from[1] - spot[1]) / share);
    });

    view.addEventListener("pointerup", function (event) {
      const held = fingers.delete(event.pointerId);
      if (!held || fingers.size || travelled >= CLICK) return;
      const spot = at(event);
      const isSecond =
        event.timeStamp - pressed.time < TWICE &&
        Math.hypot(spot[0] - pressed.spot[0], spot[1] - pressed.spot[1]) < 4 * CLICK;
      pressed = { time: isSecond ? 0 : event.timeStamp, spot };
      if (isSecond) zoom(2.5, spot, { gently: true });
    });
    view.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId));

    /* Keys and buttons */

    const doings = {
      in: () => zoom(STEP, undefined, { gently: true }),
      out: () => zoom(1 / STEP, undefined, { gently: true }),
      whole: () => look(whole(), { gently: true }),
      close: () => dialog.close(),
    };
    const keys = { "+": doings.in, "=": doings.in, "-": doings.out, 0: doings.whole };

    dialog.addEventListener("keydown", function (event) {
      /* The page below has keys of its own. */
      event.stopPropagation();
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const arrow = ARROWS[event.key];
      if (!arrow && !keys[event.key]) return;
      event.preventDefault();
      if (arrow) move((arrow[0] * size.width) / 5, (arrow[1] * size.height) / 5, { gently: true });
      else keys[event.key]();
    });
    dialog.addEventListener("click", (event) => doings[event.target.closest("[data-do]")?.dataset.do]?.());

    link.addEventListener("click", function (event) {
      if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      eye = goal = null;
      dialog.showModal();
      resize();
      loadFile();
    });
    link.setAttribute("aria-haspopup", "dialog");
    shown.addEventListener("load", draw);
    new ResizeObserver(resize).observe(view);
  }

  for (const link of document.querySelectorAll("[data-viewer]")) {
    const dialog = document.getElementById(link.dataset.viewer);
    if (dialog) start(link, dialog);
  }
})();
