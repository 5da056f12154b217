/* Draws a map of pictures that is moved and zoomed with mouse, fingers or keys. Of each cell on the screen one picture
   stands for those that are there; coming nearer shows the others. Without it the page has the list alone. */
(function () {
  "use strict";
  const SIDE = 65536; /* coordinates of the map: artsimilarity/atlas/places.py */
  const CELLS = 16; /* along each side of a tile */
  const DEEPEST = 12; /* the level on which each cell is one place */
  const CELL = 56; /* CSS pixels of a cell, more or less */
  const FILLED = 0.9; /* of a cell by its picture */
  const SLOT = 64; /* pixels of a picture on a sheet, 16 beside one another */
  const SHARP = 1.6; /* drawn so many times as large as on its sheet, a picture is replaced by its own thumbnail */
  const MOST_SHARP = 150;
  const CLICK = 5; /* CSS pixels: less is a click */
  const EASE = 90; /* milliseconds in which two thirds of a way are gone */
  const AT_ONCE = 6; /* requests for tiles, and for single thumbnails */
  const STRETCH = [0.7, 1.8]; /* width of the map through its height, at least and at most: as the screen has it */
  const MOST_TILES = 300;
  const MOST_SHEETS = 80;
  const MOST_THUMBNAILS = 600;
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

  /* Fetches some things at a time; what is not wanted any more when its turn comes is left out. */
  function queue(fetchOne) {
    const waiting = new Map();
    let running = 0;
    function next() {
      while (running < AT_ONCE && waiting.size) {
        const [key, isWanted] = waiting.entries().next().value;
        waiting.delete(key);
        if (!isWanted()) continue;
        running += 1;
        fetchOne(key).finally(() => {
          running -= 1;
          next();
        });
      }
    }
    return (key, isWanted) => {
      waiting.set(key, isWanted);
      next();
    };
  }

  /* Keeps the latest entries of a Map. */
  function put(map, key, value, most) {
    map.delete(key);
    map.set(key, value);
    if (map.size > most) map.delete(map.keys().next().value);
  }

  function start(root) {
    const view = root.querySelector(".artsimilarity-map-view");
    const canvas = root.querySelector("canvas");
    const status = root.querySelector("[role=status]");
    const page = root.closest(".artsimilarity-map");
    const brush = canvas.getContext("2d");
    if (!brush) return;
    const given = root.querySelector("script[type='application/json']");
    const from = given ? JSON.parse(given.textContent) : null;
    const tiles = new Map();
    const sheets = new Map();
    const thumbnails = new Map();
    const sprites = new Map();
    let layout = root.dataset.layout;
    let size = { width: 0, height: 0 };
    let stretch = 1;
    let eye = null; /* the middle of what is seen, 0 to 1, and CSS pixels that the map is high */
    let goal = null;
    let chosen = from ? from.key : null;
    let asked = 0; /* the frame that was asked for */
    let last = 0;
    let failed = false;
    let unsettled = true; /* other pictures are known than those that were seated */
    let seated = ""; /* the tiles that were in view then */

    const address = (parameters) => `${root.dataset.artsimilarityMap}?${new URLSearchParams(parameters)}`;

    /* Where things are */

    const whole = () => ({ x: 0.5, y: 0.5, scale: 0.96 * Math.min(size.width / stretch, size.height) });
    const level = () =>
      clamp(Math.round(Math.log2((eye.scale * Math.sqrt(stretch)) / (CELLS * CELL))), 0, DEEPEST);
    const cellSize = () => [stretch, 1].map((one) => (one * eye.scale) / (CELLS * 2 ** level()));
    const cellOf = (coordinate) => Math.floor((coordinate / SIDE) * CELLS * 2 ** level());
    const numberOf = (item) => cellOf(item[layout][0]) + SIDE * cellOf(item[layout][1]);
    const seat = (item) => item[layout].map((one) => (cellOf(one) + 0.5) / (CELLS * 2 ** level()));
    const onScreen = (x, y) => [
      (x - eye.x) * eye.scale * stretch + size.width / 2,
      (y - eye.y) * eye.scale + size.height / 2,
    ];

    function tilesInView() {
      const count = 2 ** level();
      const range = (middle, length) => {
        const half = length / 2;
        const first = Math.floor((middle - half) * count);
        const behind = Math.ceil((middle + half) * count);
        return [clamp(first, 0, count), clamp(behind, 0, count)];
      };
      const [left, right] = range(eye.x, size.width / eye.scale / stretch);
      const [top, bottom] = range(eye.y, size.height / eye.scale);
      const found = [];
      for (let y = top; y < bottom; y += 1) for (let x = left; x < right; x += 1) found.push([level(), x, y]);
      return found;
    }

    /* What is there */

    const loadTile = queue(async (key) => {
      const [kind, ...numbers] = key.split("/");
      try {
        const answer = await fetch(address({ layout: kind, tile: numbers.join("/") }), {
          credentials: "same-origin",
        });
        if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
        put(tiles, key, (await answer.json()).pictures, MOST_TILES);
        if (failed) say("");
        failed = false;
      } catch (error) {
        tiles.set(key, false); /* asked for again when the map is moved */
        failed = true;
        say(root.dataset.failed);
      }
      settle();
    });

    function tile([depth, x, y]) {
      const key = `${layout}/${depth}/${x}/${y}`;
      const known = tiles.get(key);
      if (known === undefined) {
        tiles.set(key, null);
        loadTile(key, () => {
          const wanted = key.startsWith(`${layout}/${level()}/`);
          if (!wanted) tiles.delete(key);
          return wanted;
        });
      }
      return known;
    }

    /* The pictures of a tile, or of the nearest one above it that is known. */
    function inTile([depth, x, y]) {
      const own = tile([depth, x, y]);
      if (own) return own;
      for (let up = 1; up <= depth; up += 1) {
        const above = tiles.get(`${layout}/${depth - up}/${x >> up}/${y >> up}`);
        if (!above) continue;
        const side = SIDE / 2 ** depth;
        return above.filter(
          ({ [layout]: [left, top] }) => Math.floor(left / side) === x && Math.floor(top / side) === y,
        );
      }
      return null;
    }

    /* Say which pictures are shown, and where: what comes fades in, what goes fades out. */
    function seatAll(span) {
      const seats = new Map();
      let complete = true;
      for (const one of span) {
        const items = inTile(one);
        if (!tiles.get(`${layout}/${one.join("/")}`)) complete = false;
        for (const item of items || []) seats.set(numberOf(item), item);
      }
      if (from) {
        const place = numberOf(from);
        const crowd = seats.get(place);
        seats.set(place, { ...from, count: crowd ? crowd.count : 1, pinned: true });
      }
      const wanted = new Set();
      for (const item of seats.values()) {
        wanted.add(item.key);
        const [x, y] = seat(item);
        const sprite = sprites.get(item.key);
        if (sprite) Object.assign(sprite, { item, wanted: true, goalX: x, goalY: y });
        else sprites.set(item.key, { item, wanted: true, x, y, goalX: x, goalY: y, alpha: 0 });
      }
      for (const sprite of sprites.values()) {
        /* Until all is there what was seen before stays, or the map would flicker. */
        if (!wanted.has(sprite.item.key) && complete) sprite.wanted = false;
      }
      if (complete) view.dataset.shown = String(wanted.size);
      else delete view.dataset.shown;
      view.dataset.level = String(level());
    }

    function settle() {
      unsettled = true;
      draw();
    }

    /* Decoded beside the script, not in the middle of a frame. */
    async function loadImage(known, parameters) {
      try {
        const answer = await fetch(address(parameters), { credentials: "same-origin" });
        if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
        known.image = await createImageBitmap(await answer.blob());
        known.state = "ready";
      } catch (error) {
        known.state = "gone";
      }
      draw();
    }

    function sheet(name) {
      if (!sheets.has(name)) {
        const known = { state: "waiting" };
        put(sheets, name, known, MOST_SHEETS);
        loadImage(known, { sheet: name });
      }
      return sheets.get(name);
    }

    const loadThumbnail = queue((key) => {
      const image = new Image(); /* not by fetch: a thumbnail may lie on another host */
      const known = { image, state: "waiting" };
      put(thumbnails, key, known, MOST_THUMBNAILS);
      image.src = address({ thumbnail: key });
      return image
        .decode()
        .then(() => { known.state = "ready"; })
        .catch(() => { known.state = "gone"; })
        .then(draw);
    });

    /* A picture's own thumbnail, asked for if it is not there yet. */
    function single(key) {
      const known = thumbnails.get(key);
      if (known === undefined) {
        thumbnails.set(key, { state: "waiting" });
        loadThumbnail(key, () => {
          const isWanted = Boolean(sprites.get(key)?.wanted);
          if (!isWanted) thumbnails.delete(key);
          return isWanted;
        });
      }
      if (known?.state !== "ready") return null;
      return [known.image, 0, 0, known.image.naturalWidth, known.image.naturalHeight];
    }

    /* A picture's image and where on it; null if it is not there yet. */
    function source(sprite, sharply) {
      const { key, sprite: onSheet } = sprite.item;
      const known = onSheet && sheet(onSheet[0]);
      if (!known || known.state === "gone") return single(key);
      const own = sharply && sprite.wanted ? single(key) : null;
      if (own || known.state === "waiting") return own;
      const [, slot, width, height] = onSheet;
      /* Without its outermost pixels, into which its neighbours on the sheet have bled. */
      const [left, top] = [(slot % CELLS) * SLOT, Math.floor(slot / CELLS) * SLOT];
      return [known.image, left + 0.5, top + 0.5, width - 1, height - 1];
    }

    /* Drawing */

    function draw() {
      if (eye && !asked) asked = window.requestAnimationFrame(frame);
    }

    function frame(now) {
      asked = 0;
      const step = still.matches ? 1 : 1 - Math.exp(-Math.min(now - last, 50) / EASE);
      last = now;
      let moving = approach(step);
      const span = tilesInView();
      const named = span.join();
      if (unsettled || named !== seated) {
        unsettled = false;
        seated = named;
        seatAll(span);
      }
      for (const [key, sprite] of sprites) {
        if (advance(sprite, step)) moving = true;
        if (!sprite.wanted && sprite.alpha < 0.02) sprites.delete(key);
      }
      paint();
      if (moving) draw();
    }

    /* The eye on its way to where it was sent; returns whether it is still on it. */
    function approach(step) {
      if (!goal) return false;
      const near =
        Math.abs(Math.log(goal.scale / eye.scale)) < 0.002 &&
        Math.hypot(goal.x - eye.x, goal.y - eye.y) * eye.scale < 0.5;
      const scale = eye.scale * (goal.scale / eye.scale) ** step;
      /* As the map grows, ways on it shrink: so the goal does not swing aside. */
      const part = Math.abs(goal.scale - eye.scale) < 1e-9 ? step : (1 / scale - 1 / eye.scale) / (1 / goal.scale - 1 / eye.scale);
      const arrived = near || step === 1;
      eye = arrived ? goal : { x: eye.x + (goal.x - eye.x) * part, y: eye.y + (goal.y - eye.y) * part, scale };
      if (arrived) goal = null;
      return !arrived;
    }

    function advance(sprite, step) {
      const alpha = sprite.wanted ? 1 : 0;
      const far = Math.hypot(sprite.goalX - sprite.x, sprite.goalY - sprite.y) * eye.scale;
      const arrived = far < 0.5 && Math.abs(alpha - sprite.alpha) < 0.02;
      const part = arrived ? 1 : step;
      sprite.x += (sprite.goalX - sprite.x) * part;
      sprite.y += (sprite.goalY - sprite.y) * part;
      sprite.alpha += (alpha - sprite.alpha) * part;
      return !arrived;
    }

    function paint() {
      const ratio = window.devicePixelRatio || 1;
      brush.setTransform(ratio, 0, 0, ratio, 0, 0);
      brush.clearRect(0, 0, size.width, size.height);
      const ink = window.getComputedStyle(view).color;
      const box = cellSize().map((one) => one * FILLED);
      const seen = [...sprites.values()].filter((sprite) => isSeen(sprite, box));
      const sharply = Math.min(...box) * ratio > SHARP * SLOT && seen.length <= MOST_SHARP && !goal;
      const above = seen.find((sprite) => sprite.item.key === chosen);
      for (const sprite of seen) if (sprite !== above) paintOne(sprite, box, ink, sharply);
      if (above) paintOne(above, box.map((one) => one * 1.25), ink, sharply);
      brush.globalAlpha = 1;
    }

    function isSeen(sprite, [wide, high]) {
      const [x, y] = onScreen(sprite.x, sprite.y);
      return x > -wide && y > -high && x < size.width + wide && y < size.height + high;
    }

    function paintOne(sprite, box, ink, sharply) {
      const [x, y] = onScreen(sprite.x, sprite.y);
      const found = source(sprite, sharply);
      const [wide, high] = found ? [found[3], found[4]] : [3, 3];
      const scale = Math.min(box[0] / wide, box[1] / high);
      const [width, height] = [wide * scale, high * scale];
      const [left, top] = [x - width / 2, y - height / 2];
      brush.strokeStyle = ink;
      brush.lineWidth = 1;
      /* Edges of others below it where it stands for a crowd. */
      const edges = Math.min(sprite.item.count - 1, 2);
      for (let edge = edges; edge > 0; edge -= 1) {
        brush.globalAlpha = sprite.alpha * 0.4;
        brush.strokeRect(left + 2 * edge, top + 2 * edge, width, height);
      }
      brush.globalAlpha = found ? sprite.alpha : sprite.alpha * 0.15;
      if (found) {
        const [image, fromX, fromY, fromWide, fromHigh] = found;
        brush.drawImage(image, fromX, fromY, fromWide, fromHigh, left, top, width, height);
      } else {
        brush.strokeRect(left, top, width, height);
      }
      if (sprite.item.key !== chosen) return;
      brush.globalAlpha = sprite.alpha;
      brush.lineWidth = 3;
      brush.strokeRect(left - 3.5, top - 3.5, width + 7, height + 7);
    }

    function resize() {
      const box = view.getBoundingClientRect();
      if (!box.width) return;
      const ratio = window.devicePixelRatio || 1;
      const first = !eye;
      size = { width: box.width, height: box.height };
      stretch = clamp(box.width / box.height, ...STRETCH);
      canvas.width = Math.round(box.width * ratio);
      canvas.height = Math.round(box.height * ratio);
      if (first) eye = begin();
      unsettled = true;
      frame(window.performance.now()); /* at once, as a canvas of another size is empty */
    }

    /* Where one was when one went back; else beside the picture that one came from; else far away. */
    function begin() {
      const left = window.history.state?.artsimilarityMap;
      if (left && left.layout === layout) return left.eye;
      if (!from) return whole();
      /* So near that there are four cells for each picture, if they stood evenly. */
      const near = CELL * 2 * Math.sqrt(Number(root.dataset.count));
      eye = { ...whole(), scale: Math.max(near, 2 * whole().scale) };
      const [x, y] = seat(from);
      return { ...eye, x, y };
    }

    /* Moving */

    function limit({ x, y, scale }) {
      return {
        x: clamp(x, 0, 1),
        y: clamp(y, 0, 1),
        scale: clamp(scale, whole().scale * 0.75, CELLS * 2 ** DEEPEST * CELL),
      };
    }

    function look(next, { gently = false } = {}) {
      if (failed) {
        for (const [key, items] of tiles) if (items === false) tiles.delete(key);
        unsettled = true;
      }
      if (gently) {
        goal = limit(next);
        draw();
        return;
      }
      goal = null;
      eye = limit(next);
      draw();
    }

    function zoom(factor, at = [size.width / 2, size.height / 2], options = {}) {
      const now = (options.gently && goal) || eye;
      const scale = limit({ ...now, scale: now.scale * factor }).scale;
      const [across, down] = [at[0] - size.width / 2, at[1] - size.height / 2];
      const x = now.x + (across / now.scale - across / scale) / stretch;
      const y = now.y + down / now.scale - down / scale;
      look({ x, y, scale }, options);
    }

    function at(event) {
      const box = view.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    }

    function under([x, y]) {
      const [wide, high] = cellSize().map((one) => (one * FILLED) / 2);
      for (const sprite of sprites.values()) {
        if (!sprite.wanted) continue;
        const [left, top] = onScreen(sprite.x, sprite.y);
        if (Math.abs(left - x) <= wide && Math.abs(top - y) <= high) return sprite.item;
      }
      return null;
    }

    function say(text) {
      if (status.textContent !== text) status.textContent = text;
    }

    function tell(item) {
      if (!item) return say("");
      const title = item.artist ? `${item.title}, ${item.artist}` : item.title;
      say(item.count > 1 ? fill(root.dataset.crowd, { title, count: item.count - 1 }) : title);
    }

    function open(item, elsewhere) {
      if (!item?.address) return;
      keep();
      if (elsewhere) window.open(item.address, "_blank", "noopener");
      else window.location.assign(item.address);
    }

    function keep() {
      if (!eye) return; /* it was in a box that nobody opened */
      const state = { ...window.history.state, artsimilarityMap: { eye, layout } };
      window.history.replaceState(state, "");
    }

    /* Mouse and fingers */

    const fingers = new Map();
    let travelled = 0;

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
      const spot = at(event);
      const before = fingers.get(event.pointerId);
      if (!before) {
        const item = under(spot);
        view.toggleAttribute("data-over", Boolean(item));
        return tell(item);
      }
      const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      fingers.set(event.pointerId, spot);
      travelled += Math.hypot(spot[0] - before[0], spot[1] - before[1]);
      if (travelled < CLICK) return;
      if (others.length) {
        const [other] = others;
        const span = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
        const middle = [(spot[0] + other[0]) / 2, (spot[1] + other[1]) / 2];
        zoom(span(spot) / span(before), middle);
      }
      const share = others.length ? 2 : 1; /* the middle of two fingers goes half as far */
      const [across, down] = [spot[0] - before[0], spot[1] - before[1]].map((one) => one / share / eye.scale);
      look({ x: eye.x - across / stretch, y: eye.y - down, scale: eye.scale });
    });

    view.addEventListener("pointerup", function (event) {
      const held = fingers.delete(event.pointerId);
      if (!held || fingers.size || travelled >= CLICK) return;
      const item = under(at(event));
      if (item) open(item, event.ctrlKey || event.metaKey);
    });
    view.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId));

    /* Keys and buttons */

    /* The picture that lies nearest in a direction; a step aside counts twice. */
    function beside([across, down]) {
      const here = sprites.get(chosen);
      const [x, y] = here?.wanted ? onScreen(here.goalX, here.goalY) : [size.width / 2, size.height / 2];
      let best = null;
      let least = Infinity;
      for (const sprite of sprites.values()) {
        if (!sprite.wanted || sprite === here) continue;
        const [left, top] = onScreen(sprite.goalX, sprite.goalY);
        const ahead = (left - x) * across + (top - y) * down;
        const aside = Math.abs((left - x) * down) + Math.abs((top - y) * across);
        if (ahead <= 1 || aside > ahead * 2) continue;
        if (ahead + 2 * aside < least) [best, least] = [sprite, ahead + 2 * aside];
      }
      return best;
    }

    function choose(sprite) {
      chosen = sprite.item.key;
      tell(sprite.item);
      const [x, y] = onScreen(sprite.goalX, sprite.goalY);
      const [wide, high] = cellSize();
      const isWithin = x > wide && y > high && x < size.width - wide && y < size.height - high;
      if (isWithin) draw();
      else look({ x: sprite.goalX, y: sprite.goalY, scale: eye.scale }, { gently: true });
    }

    const keys = {
      Enter: () => open(sprites.get(chosen)?.item, false),
      "+": () => zoom(2, middle(), { gently: true }),
      "=": () => zoom(2, middle(), { gently: true }),
      "-": () => zoom(0.5, middle(), { gently: true }),
      0: () => look(whole(), { gently: true }),
      Escape: () => {
        chosen = null;
        say("");
        draw();
      },
    };

    /* What zooming keeps in its place: the chosen picture, if it is seen. */
    function middle() {
      const sprite = sprites.get(chosen);
      const spot = sprite ? onScreen(sprite.goalX, sprite.goalY) : null;
      const isWithin = spot && spot[0] > 0 && spot[1] > 0 && spot[0] < size.width && spot[1] < size.height;
      return isWithin && !goal ? spot : [size.width / 2, size.height / 2];
    }

    view.addEventListener("keydown", function (event) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const arrow = ARROWS[event.key];
      const key = keys[event.key];
      if (!arrow && !key) return;
      event.preventDefault();
      if (key) return key();
      const next = beside(arrow);
      if (next) return choose(next);
      const quarter = Math.min(size.width, size.height) / 4 / eye.scale;
      look({ x: eye.x + (arrow[0] * quarter) / stretch, y: eye.y + arrow[1] * quarter, scale: eye.scale }, { gently: true });
    });

    const buttons = {
      in: () => zoom(2, middle(), { gently: true }),
      out: () => zoom(0.5, middle(), { gently: true }),
      whole: () => look(whole(), { gently: true }),
    };
    for (const button of root.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => buttons[button.dataset.zoom]());
    }

    /* Another layout */

    async function arrange(link) {
      if (layout === link.dataset.layout) return;
      layout = link.dataset.layout;
      for (const one of page.querySelectorAll("[data-layout]:not([data-artsimilarity-map])")) {
        if (one === link) one.setAttribute("aria-current", "true");
        else one.removeAttribute("aria-current");
      }
      const held = sprites.get(chosen);
      /* What is seen goes to its other place, and what is not there fades. */
      for (const sprite of sprites.values()) [sprite.goalX, sprite.goalY] = seat(sprite.item);
      if (held) look({ x: held.goalX, y: held.goalY, scale: eye.scale }, { gently: true });
      settle();
      window.history.replaceState(window.history.state, "", link.href);
      const list = page.querySelector(".artsimilarity-map-list");
      try {
        const answer = await fetch(link.href, { credentials: "same-origin" });
        if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        const other = fresh.querySelector(".artsimilarity-map-list");
        if (layout === link.dataset.layout && other) list.replaceChildren(...other.childNodes);
      } catch (error) {
        say(root.dataset.failed);
      }
    }

    for (const link of page.querySelectorAll("a[data-layout]")) {
      link.addEventListener("click", function (event) {
        if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        arrange(link);
      });
    }

    root.hidden = false;
    new ResizeObserver(resize).observe(view);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    window.addEventListener("pagehide", keep);
    resize();
    if (from) tell(from);
  }

  document.querySelectorAll("[data-artsimilarity-map]").forEach(start);
})();
