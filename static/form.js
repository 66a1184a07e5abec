/**
 * Makes the forms kinder where scripts run; they work as well without.
 */

/**
 * Sends a form once, however often its button is pressed, and says how it goes.
 *
 * The button is `aria-disabled` rather than `disabled`, so that it keeps the focus.
 */
class Guard {
  constructor(form) {
    this.button = form.querySelector("[data-sending]");
    this.label = this.button.textContent;
    this.status = form.querySelector("#sending");
    form.addEventListener("submit", (event) => this.onSubmit(event));
    // The back button may bring the page back as it was left: still sending.
    addEventListener("pageshow", (event) => event.persisted && this.release());
  }

  onSubmit(event) {
    if (this.button.ariaDisabled) {
      event.preventDefault();
      return;
    }
    this.button.ariaDisabled = "true";
    const token = event.target.elements.csrf_token?.value;
    history.replaceState({ ...history.state, token }, "");
    this.status.textContent = this.button.textContent = this.button.dataset.sending;
    this.timers = [
      setTimeout(() => this.wait(), 8_000),
      // By then the server has answered or never will; sending again leads to the same request.
      setTimeout(() => this.release(), 30_000),
    ];
  }

  wait() {
    this.status.textContent = this.status.dataset.slow;
    this.status.className = "hint";
  }

  release() {
    this.timers?.forEach(clearTimeout);
    this.button.ariaDisabled = null;
    this.button.textContent = this.label;
    this.status.textContent = "";
    this.status.className = "visually-hidden";
  }
}

/** A plus written as it is reads as a space; where no space can be, it was a plus. */
const GIVEN = {
  name: (text) => text,
  email: (text) => text.replaceAll(" ", "+"),
  phone: (text) => text.replace(/^ /, "+"),
};

/**
 * Fills empty fields from `#name=…&email=…&phone=…`.
 *
 * Then drops them from the address: personal data must not stay there, nor in a bookmark.
 */
function prefill() {
  const given = new URLSearchParams(location.hash.slice(1));
  const names = Object.keys(GIVEN).filter((name) => given.has(name));
  for (const name of names) {
    const field = document.getElementById(name);
    if (field && !field.value) {
      field.value = GIVEN[name](given.get(name));
      field.closest("details")?.setAttribute("open", "");
    }
  }
  if (names.length) {
    history.replaceState(history.state, "", location.pathname + location.search);
  }
}

/**
 * Gives a form that was sent its token again, where the browser brings back what was typed but loads the page anew.
 *
 * So that sending the same again leads to the same request, as when the browser brings the whole page back.
 */
function takeToken() {
  const [navigation] = performance.getEntriesByType("navigation");
  const field = document.querySelector("[name=csrf_token]");
  if (navigation?.type === "back_forward" && history.state?.token && field) {
    field.value = history.state.token;
  }
}

/** A zone with a place. Browsers that hide theirs say UTC, one of Etc, or Iceland, which has the same clock. */
const PLACE = /^(?!Etc\/|Atlantic\/Reykjavik$)[A-Z].*\//;

/** Says whose clock the visitor reads, where the browser tells. */
function tellZone() {
  const field = document.querySelector("[name=zone]");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (field && PLACE.test(zone)) {
    field.value = zone;
  }
}

takeToken();
tellZone();
document.querySelectorAll("[data-guarded]").forEach((form) => new Guard(form));
prefill();
document.querySelector("[data-takes-focus]")?.focus();
