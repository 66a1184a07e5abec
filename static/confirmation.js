/**
 * Keeps the page of a request up to date by itself, and copies its link.
 */

/** The first look comes soon, since most requests are handed over at once; then ever slower. */
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 60_000;
const SLOWER_BY = 1.2;

/** A look that takes longer has failed. */
const ANSWER_WITHIN_MS = 10_000;

/** Little happens to a request once the team has it. */
const WATCH_TEAM_FOR_MS = 10 * 60_000;

const FINAL_STATES = ["called", "failed", "cancelled"];

/** Fetches an address anew, or throws. */
async function load(address) {
  const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  if (answer.status === 410) {
    // The request was erased, here or elsewhere: its details leave the screen too.
    location.replace(document.querySelector("main").dataset.page);
  }
  if (!answer.ok) {
    throw new Error(`Answered ${answer.status}`);
  }
  return answer;
}

/**
 * Looks whether something happened to the request, and shows the server's own page of it if so.
 *
 * Announces the new headline, and never moves the focus.
 */
class LivePage {
  constructor(main) {
    this.main = main;
    /** The sandbox is looked at side by side with the agent's dock. */
    this.lookEvery = main.dataset.lookEvery && Number(main.dataset.lookEvery) * 1_000;
    this.wait = this.lookEvery ?? FIRST_WAIT_MS;
    this.news = document.getElementById("news");
    this.offline = document.getElementById("offline");
    this.shownAt = Date.now();
    document.addEventListener("visibilitychange", () => this.onVisibilityChange());
    this.schedule();
  }

  onVisibilityChange() {
    this.wait = 0;
    this.schedule();
  }

  /** Plans the next look; a page that nobody sees, or that will not change, asks no more. */
  schedule() {
    clearTimeout(this.timer);
    const over = this.isOver();
    this.main.toggleAttribute("data-live", !over && !this.offline.textContent);
    if (!over && !document.hidden && !this.looking) {
      this.timer = setTimeout(() => this.look(), this.wait);
    }
  }

  isOver() {
    const { state } = this.main.dataset;
    if (state !== "with_team") {
      return FINAL_STATES.includes(state);
    }
    this.withTeamSince ??= Date.now();
    return Date.now() - this.withTeamSince > WATCH_TEAM_FOR_MS;
  }

  async look() {
    this.looking = true;
    this.wait = this.lookEvery ?? Math.min(Math.max(this.wait, FIRST_WAIT_MS) * SLOWER_BY, LONGEST_WAIT_MS);
    try {
      await this.update();
      this.offline.textContent = "";
    } catch {
      this.offline.textContent = this.offline.dataset.sentence;
    }
    this.looking = false;
    this.schedule();
  }

  async update() {
    const { json, page, state, events, changesIn } = this.main.dataset;
    const request = await (await load(json)).json();
    const isNews = request.state !== state || request.events.length !== Number(events);
    if (isNews) {
      this.wait = FIRST_WAIT_MS;
    }
    // A call becomes late without anything happening to its request.
    if (isNews || Date.now() >= this.shownAt + Number(changesIn) * 1000) {
      this.show(await (await load(page)).text());
    }
  }

  show(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const main = page.querySelector("main");
    const headline = this.main.querySelector("h1").textContent;
    const focused = document.activeElement;
    this.main.querySelectorAll("[data-part]").forEach((part) => {
      const newer = main.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!part.isEqualNode(newer)) {
        part.replaceWith(newer);
      }
    });
    delete this.main.dataset.changesIn; // the newer page may have none
    Object.assign(this.main.dataset, main.dataset);
    this.shownAt = Date.now();
    document.title = page.title;
    const heading = this.main.querySelector("h1");
    if (!focused.isConnected) {
      // What had the focus was replaced: its successor takes over, or the news where it has none.
      (document.getElementById(focused.id) ?? heading).focus({ preventScroll: true });
    }
    if (heading.textContent !== headline) {
      this.news.textContent = heading.textContent;
    }
  }
}

/** Copies the page's link; it is the only way back, since there is no cookie. */
class CopyButton {
  constructor(button) {
    this.link = document.getElementById("link");
    this.status = document.getElementById("copied");
    button.hidden = false;
    button.addEventListener("click", () => this.copy());
  }

  async copy() {
    this.status.textContent = "";
    if (await this.write()) {
      this.status.textContent = this.status.dataset.copied;
    }
  }

  /** The clipboard is closed to most frames and to pages without https; the older way works there. */
  async write() {
    try {
      await navigator.clipboard.writeText(this.link.value);
      return true;
    } catch {
      this.link.select();
      return document.execCommand("copy");
    }
  }
}

new LivePage(document.querySelector("main"));
new CopyButton(document.getElementById("copy"));
