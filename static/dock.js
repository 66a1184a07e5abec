/**
 * Shows calls on the sandbox's dock as they come; without it they show when the page is loaded again.
 */

/** An answer that takes longer has failed. */
const ANSWER_WITHIN_MS = 5_000;

/** "05:58:21 UTC" becomes the time on the reader's own clock. */
function showOwnTime(time) {
  time.textContent = new Date(time.dateTime).toLocaleTimeString();
}

class Dock {
  constructor(list) {
    this.list = list;
    this.latest = Number(list.dataset.latest);
    this.pollEveryMs = Number(list.dataset.pollSeconds) * 1_000;
    this.card = document.getElementById("call");
    this.lost = document.getElementById("lost");
    list.querySelectorAll("time").forEach(showOwnTime);
    this.watch();
  }

  async watch() {
    try {
      await this.poll();
      this.lost.textContent = "";
    } catch {
      this.lost.textContent ||= this.lost.dataset.sentence;
    }
    setTimeout(() => this.watch(), this.pollEveryMs);
  }

  async poll() {
    const source = `${this.list.dataset.source}?after=${this.latest}`;
    const answer = await fetch(source, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    if (!answer.ok) {
      throw new Error(`Answered ${answer.status}`);
    }
    const { calls, latest } = await answer.json();
    if (latest < this.latest) {
      location.reload(); // Ringback was started again: its calls are gone, and it counts from 1
    }
    this.latest = latest;
    this.show(calls);
  }

  show(calls) {
    if (calls.length === 0) {
      return;
    }
    document.getElementById("empty").hidden = true;
    this.list.hidden = false;
    calls.forEach((call) => this.list.prepend(this.cardOf(call)));
    const { number, team } = calls.at(-1);
    document.getElementById("news").textContent =
      calls.length === 1 ? `New call: ${number} for ${team}` : `${calls.length} new calls`;
  }

  /** What a visitor wrote is put in as text: nothing of it can become markup. */
  cardOf(call) {
    const card = this.card.content.cloneNode(true);
    const part = (name) => card.querySelector(`[data-part="${name}"]`);
    part("number").textContent = call.number;
    part("team").textContent = call.team;
    part("time").dateTime = call.received_at;
    showOwnTime(part("time"));
    card.querySelector('[name="serial"]').value = call.serial;
    part("attributes").append(...call.attributes.map(({ name, value }) => this.rowOf(name, value)));
    card.querySelector("li").classList.add("is-new");
    return card;
  }

  rowOf(name, value) {
    const row = document.createElement("div");
    row.append(document.createElement("dt"), document.createElement("dd"));
    row.firstChild.textContent = name;
    row.lastChild.textContent = value;
    return row;
  }
}

new Dock(document.getElementById("calls"));
