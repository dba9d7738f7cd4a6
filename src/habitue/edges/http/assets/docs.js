// Hides the operations that do not contain what is typed into the search box.
const box = document.querySelector("nav input");
const entries = [...document.querySelectorAll("nav li")];

box.addEventListener("input", () => {
  const wanted = box.value.trim().toLowerCase();
  for (const entry of entries) {
    entry.hidden = !entry.dataset.words.toLowerCase().includes(wanted);
  }
  for (const group of document.querySelectorAll("nav div")) {
    group.hidden = group.querySelectorAll("li:not([hidden])").length === 0;
  }
});
