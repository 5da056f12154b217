// Lets a picture be dropped, pasted or taken, and what was found follow its slider; the forms work
// without this.
const form = document.querySelector("[data-drop]");
const input = form.querySelector('input[type="file"]');
const field = input.closest(".drop");

form.querySelector("[data-script]").hidden = false;

function take(transfer) {
  const file = [...transfer.files].find((one) => one.type.startsWith("image/"));
  if (!file) return false;
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  form.requestSubmit();
  return true;
}

document.addEventListener("dragover", (event) => {
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  field.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) field.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  field.classList.remove("over");
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  take(event.dataTransfer);
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData && take(event.clipboardData)) event.preventDefault();
});
form.addEventListener("submit", () => {
  form.querySelector("[data-busy]").hidden = false;
});
// A page that comes back from the browser's memory is not busy any more.
window.addEventListener("pageshow", () => {
  form.querySelector("[data-busy]").hidden = true;
});

// Where a finger points, there is a camera as well; a file can still be chosen.
const camera = form.querySelector("[data-camera]");
if (window.matchMedia("(pointer: coarse)").matches) {
  camera.hidden = false;
  camera.addEventListener("click", () => {
    input.setAttribute("capture", "environment");
    input.click();
    input.removeAttribute("capture");
  });
}

// Another balance, or only close ones: the page holds what a worker made of the picture.
const again = document.querySelector("[data-again]");
if (again) {
  const slider = again.querySelector("[type=range]");
  const status = again.querySelector("[role=status]");
  let timer = 0;
  let asking = null;

  async function look() {
    window.clearTimeout(timer);
    asking?.abort();
    const own = (asking = new AbortController());
    const list = document.getElementById("found-list");
    list.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(again.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(again)),
        headers: { "X-Artsimilarity-Fragment": "1" },
        credentials: "same-origin",
        signal: own.signal,
      });
      const text = await answer.text();
      const isWords = answer.headers.get("Content-Type").startsWith("text/plain");
      if (!answer.ok) throw new Error(isWords ? text : again.dataset.failed);
      const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("found-list");
      list.replaceChildren(...fresh.childNodes);
      status.removeAttribute("data-failed");
      status.textContent = list.querySelector("[data-count]").textContent;
    } catch (error) {
      if (own !== asking) return; // a newer question has taken its place
      status.setAttribute("data-failed", "");
      status.textContent = error instanceof TypeError ? again.dataset.failed : error.message;
    }
    list.removeAttribute("aria-busy");
  }

  again.querySelector("[type=submit]").hidden = true;
  slider.addEventListener("input", () => {
    const style = Math.round(slider.value * 100);
    const values = { style, colour: 100 - style };
    const words = again.dataset.words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
    slider.setAttribute("aria-valuetext", words);
    window.clearTimeout(timer);
    timer = window.setTimeout(look, 150);
  });
  again.querySelector("select")?.addEventListener("change", look);
  again.addEventListener("submit", (event) => {
    event.preventDefault();
    look();
  });
}
