if (navigator.clipboard) {
  const add = (place, text) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy: " + text);
    button.addEventListener("click", async () => {
      button.textContent = await navigator.clipboard.writeText(text).then(() => "Copied", () => "Not copied");
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    place.append(button);
  };
  for (const pre of document.querySelectorAll("pre")) add(pre, pre.textContent.trim());
  for (const cell of document.querySelectorAll("[data-copy]")) add(cell, cell.dataset.copy);
}
for (const menu of document.querySelectorAll(".menu, .confirm")) {
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); }
  });
}
