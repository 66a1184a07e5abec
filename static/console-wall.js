/** Keeps the wall up to date. It says so when it is not: a wall that hangs with old numbers is worse than none. */

const wall = document.querySelector("[data-refresh-seconds]");
const lost = document.getElementById("lost");

async function refresh() {
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(8_000) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-refresh-seconds]");
    if (!answer.ok || !fresh) {
      throw new Error(`Answered ${answer.status}`);
    }
    wall.replaceChildren(...fresh.childNodes);
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
}

setInterval(refresh, Number(wall.dataset.refreshSeconds) * 1_000);
