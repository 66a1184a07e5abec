/**
 * What a page of ours tells the page that frames it, so that a dialog can close, a frame can fit, and both speak one
 * language; and the one thing it asks and is told: which page it is asked on.
 *
 * Every message is `{ringback: 1, type, …}` and holds nothing that a person typed.
 */

const root = document.documentElement;

/**
 * The origins to speak to. Where the browser does not tell who frames us (Firefox), the origins that are allowed to;
 * it delivers to the one that matches.
 */
function parentOrigins() {
  const ancestor = location.ancestorOrigins?.[0];
  return ancestor ? [ancestor] : root.dataset.parentOrigins?.split(" ").filter(Boolean);
}

function tell(type, details) {
  parentOrigins()?.forEach((origin) => parent.postMessage({ ringback: 1, type, ...details }, origin));
}

/** Takes down which page it is asked on. A single-page site may have gone on since the form was loaded. */
function takePage({ data, origin, source }) {
  if (source !== parent || !parentOrigins().includes(origin) || data?.ringback !== 1 || data.type !== "page") {
    return;
  }
  const known = { page: data.page, page_title: data.title };
  for (const field of document.querySelectorAll("[name=page], [name=page_title]")) {
    field.value = String(known[field.name]);
  }
}

/** A key pressed in here never reaches the dialog around the frame. */
function tellEscape(event) {
  if (event.key === "Escape" && !event.isComposing) {
    tell("escape");
  }
}

/** Tells the height of the content, as often as it changes. */
function tellHeight() {
  let told = 0;
  new ResizeObserver(() => {
    const height = Math.ceil(root.getBoundingClientRect().height);
    // Smaller changes are rounding, and answering them could go on for ever.
    if (Math.abs(height - told) >= 2) {
      told = height;
      tell("height", { height });
    }
  }).observe(root);
}

/** Tells that a request was stored; once, also when its page is loaded again. */
function tellStored({ widget, reference, state }) {
  if (reference && history.state?.told !== reference) {
    history.replaceState({ told: reference }, "");
    tell("requested", { widget, reference, state });
  }
}

/**
 * Tells that a form is begun, and counts it with nobody's name to it; or tells that it was sent and not stored: then
 * its page begins with what is wrong.
 */
function follow({ form: { action } }) {
  const [path] = action.split("?");
  const widget = path.split("/").pop();
  if (document.querySelector("[data-takes-focus]")) {
    tell("failed", { widget });
  } else {
    addEventListener("input", () => navigator.sendBeacon(path + "/begun") && tell("begun", { widget }), { once: true });
  }
}

/**
 * Starts people at the heading, not in the void before it, once the frame has the focus.
 *
 * It waits for that: a frame that stands inline in a page must not pull people to it. And it waits one turn more, since
 * whoever comes by Tab or a tap is on the way to a field. Where the page before had the focus, they have sent the form
 * or followed a link, and its top, where the answer stands, may be far above what they see.
 */
function toHeading(preventScroll) {
  setTimeout(() => {
    if (document.activeElement === document.body) {
      document.querySelector("h1").focus({ preventScroll });
    }
  });
}

document.querySelectorAll("[name=page]").forEach(follow);
if (parent !== window) {
  addEventListener("message", takePage);
  tell("ready", { words: JSON.parse(root.dataset.words) });
  addEventListener("focusin", () => tell("page"));
  addEventListener("keydown", tellEscape);
  tellHeight();
  tellStored(document.querySelector("main").dataset);
  if (document.hasFocus()) {
    toHeading(false);
  } else {
    addEventListener("focus", () => toHeading(true), { once: true });
  }
}
