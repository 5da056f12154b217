// Shows a weight beside its slider while it moves; the form works without this.
for (const slider of document.querySelectorAll('.mixture input[type="range"]')) {
  const amount = slider.parentElement.querySelector(".amount");
  slider.addEventListener("input", () => {
    amount.textContent = slider.value === "0" ? "–" : slider.value;
  });
  // Whoever picks a colour for a row that is not used wants it used.
  slider.parentElement.querySelector('input[type="color"]').addEventListener("input", () => {
    if (slider.value === "0") {
      slider.value = "3";
      slider.dispatchEvent(new Event("input"));
    }
  });
}
