// What every page of the console does beyond what it does without a script.

/** Buttons that copy a field. Without a script they would do nothing, so they are not there. */
for (const button of document.querySelectorAll("[data-copies]")) {
  const field = document.getElementById(button.dataset.copies);
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Chosen: copy it by key";
    }
  });
}
