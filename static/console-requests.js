// The list, beyond what it does without a script: it says what is new and keeps its rows where they are until
// it is loaded anew; keys; a selection that outlives an act.
const news = document.getElementById("news");
const rows = () => [...document.querySelectorAll(".list__row")];
const boxes = () => [...document.querySelectorAll('.list input[name="reference"]')];
const CHOSEN = "ringback-console-chosen";
const SOUND = "ringback-console-sound";
const EVERY_MS = 10_000;
const PLAIN = document.title;
const wantsSound = () => localStorage.getItem(SOUND) === "yes";

// What was chosen stays so while the tab is open, on any page of the list.
const chosen = new Set(JSON.parse(sessionStorage.getItem(CHOSEN) ?? "[]"));
const all = document.getElementById("all");
const buttons = () => document.querySelectorAll(".many button");

function showChosen() {
  const there = boxes();
  const here = there.filter((box) => box.checked).length;
  const count = document.getElementById("chosen");
  if (count) count.textContent = here ? `${here} chosen` : "";
  for (const button of buttons()) button.disabled = here === 0;
  if (all) {
    all.checked = here > 0 && here === there.length;
    all.indeterminate = here > 0 && here < there.length;
  }
  for (const box of there) chosen[box.checked ? "add" : "delete"](box.value);
  sessionStorage.setItem(CHOSEN, JSON.stringify([...chosen].slice(-1_000)));
}

for (const box of boxes()) box.checked = chosen.has(box.value);
if (all) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    showChosen();
  });
}
document.getElementById("acts")?.addEventListener("change", showChosen);
showChosen();

// What is new: said, and never moved under somebody's finger.
const before = {};
let needed = null;

function show(answer) {
  for (const link of document.querySelectorAll("[data-state] .states__count")) {
    link.textContent = answer.counts[link.parentElement.dataset.state] ?? "";
  }
  document.title = answer.attention === "0" ? PLAIN : `(${answer.attention}) ${PLAIN}`;
  const number = (text) => Number(text.replace(/\D/g, ""));
  const attention = number(answer.attention);
  if (needed !== null && attention > needed) notice();
  needed = attention;
  const state = news.dataset.state;
  before[state] ??= number(answer.counts[state] ?? "0");
  const more = ["", "waiting"].includes(state) ? number(answer.new) : number(answer.counts[state]) - before[state];
  if (more <= 0) return;
  const link = document.createElement("a");
  link.href = location.href;
  link.textContent = `${["", "waiting"].includes(state) ? answer.new : more} new: show`;
  if (news.textContent !== link.textContent) news.replaceChildren(link);
}

async function poll() {
  if (document.hidden && !wantsSound()) return;
  const address = new URL(news.dataset.poll, location.href);
  address.search = location.search;
  address.searchParams.set("since", news.dataset.since);
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" }, redirect: "error" });
    if (answer.ok) show(await answer.json());
  } catch {
    // Asked again soon.
  }
}

if (news) {
  poll();
  setInterval(poll, EVERY_MS);
}

// A sound, for who wants one.
const sound = document.getElementById("sound");
if (sound) {
  sound.checked = wantsSound();
  sound.addEventListener("change", () => localStorage.setItem(SOUND, sound.checked ? "yes" : "no"));
}

function notice() {
  if (!wantsSound()) return;
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  volume.gain.setValueAtTime(0.1, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.6);
  tone.frequency.value = 660;
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.6);
}

// Keys: none while somebody types.
const keys = document.getElementById("keys");
document.getElementById("keys-hint")?.removeAttribute("hidden");
document.getElementById("show-keys")?.addEventListener("click", () => keys.showModal());
const links = () => rows().map((row) => row.querySelector(".list__name"));

function step(by) {
  const there = links();
  const at = there.findIndex((link) => link.closest(".list__row").contains(document.activeElement));
  const next = there[Math.min(Math.max(at + by, 0), there.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

const ACTS = {
  j: () => step(1),
  k: () => step(-1),
  x: () => document.activeElement.closest(".list__row")?.querySelector('[name="reference"]')?.click(),
  r: () => location.reload(),
  "/": () => document.getElementById("q")?.focus(),
  "?": () => keys?.showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
  const act = ACTS[event.key];
  if (!act || !news) return;
  event.preventDefault();
  act();
});

// How long something can still be undone; once it has happened, the page is as it was made.
for (const time of document.querySelectorAll("[data-undo]")) {
  const due = Date.parse(time.dateTime);
  const shown = () => {
    const left = Math.ceil((due - Date.now()) / 1_000);
    time.textContent = left > 0 ? `in ${left} s` : "now";
    if (left <= 0) {
      time.closest("form").querySelector("button").disabled = true;
      clearInterval(timer);
    }
  };
  time.previousSibling.textContent = time.previousSibling.textContent.replace(/ at $/, " ");
  const timer = setInterval(shown, 500);
  shown();
}
