/**
 * Keeps the install page up to date while its owner chooses, and copies what is to be pasted. Without it there are a
 * button and text fields to select from.
 */

/** An answer that takes longer has failed. */
const ANSWER_WITHIN_MS = 5_000;

const UPDATED = "The snippet and the preview are up to date.";

/**
 * Asks the server for the same page with other choices, and puts the parts that differ in place.
 *
 * It never moves the focus: who goes through the choices by keyboard stays where they are.
 */
class LiveChoices {
  constructor(form) {
    this.form = form;
    this.button = document.getElementById("update");
    this.news = document.getElementById("news");
    this.lost = document.getElementById("lost");
    this.turn = 0;
    this.button.hidden = true;
    // Not on the form: the field of the page's address belongs to it, and stands elsewhere.
    document.addEventListener("change", ({ target }) => target.form === form && this.update(target.name === "site"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      // Enter in the field goes by way of the first button there is.
      const asker = document.activeElement === form.elements.site ? "check-button" : event.submitter?.id;
      this.update(asker === "check-button");
    });
  }

  /** `isCheck` says whether the finding about an address is what was asked for. */
  async update(isCheck) {
    const turn = ++this.turn;
    const address = `${location.pathname}?${new URLSearchParams(new FormData(this.form))}`;
    this.news.textContent = "";
    try {
      const html = await this.load(address);
      if (turn === this.turn) {
        this.show(new DOMParser().parseFromString(html, "text/html"));
        history.replaceState(null, "", address);
        this.news.textContent = isCheck ? document.getElementById("finding").textContent : UPDATED;
        this.isLost(false);
      }
    } catch {
      this.isLost(turn === this.turn);
    }
  }

  async load(address) {
    const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    if (!answer.ok) {
      throw new Error(`Answered ${answer.status}`);
    }
    return answer.text();
  }

  isLost(lost) {
    this.lost.textContent = lost ? this.lost.dataset.sentence : "";
    this.button.hidden = !lost;
  }

  show(page) {
    const focused = document.activeElement;
    document.querySelectorAll(".copied").forEach((status) => status.replaceChildren());
    document.querySelectorAll("[data-part]").forEach((part) => {
      const newer = page.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!part.isEqualNode(newer)) {
        part.replaceWith(newer);
      }
    });
    const accent = document.getElementById("accent");
    const newerAccent = page.getElementById("accent").getAttribute("href");
    if (accent.getAttribute("href") !== newerAccent) {
      accent.setAttribute("href", newerAccent);
    }
    if (!focused.isConnected) {
      document.getElementById(focused.id)?.focus({ preventScroll: true });
    }
  }
}

async function copy(button) {
  const text = document.getElementById(button.dataset.copies);
  const status = button.parentElement.querySelector(".copied");
  status.textContent = "";
  try {
    await navigator.clipboard.writeText(text.value);
  } catch {
    text.select();
    if (!document.execCommand("copy")) {
      return; // it is selected: the rest is a key away
    }
  }
  status.textContent = "Copied";
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-copies]");
  if (button) {
    copy(button);
  }
});
new LiveChoices(document.getElementById("choices"));
document.documentElement.dataset.script = ""; // the buttons to copy are of use from here on
