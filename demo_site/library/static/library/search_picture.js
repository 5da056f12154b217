// Lets a picture be dropped or pasted; the form's own file input works without this.
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
