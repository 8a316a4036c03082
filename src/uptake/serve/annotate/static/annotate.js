// The keys: a letter sets an act, Enter saves, the left arrow goes back.
"use strict";
const acts = document.getElementById("acts");
if (acts) {
  document.querySelector(".line.now").scrollIntoView({ block: "end" });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const box = acts.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (event.key === "Enter") acts.requestSubmit();
    else if (event.key === "ArrowLeft") document.getElementById("back")?.click();
    else if (box) box.checked = !box.checked;
    else return;
    event.preventDefault();
  });
}
