/**
 * Shows the times to choose on the visitor's own clock, where it stands differently from the team's.
 *
 * What a time is called changes, what is sent does not: a time's value is its instant in UTC.
 */

/** By how much a clock is put back, in minutes: an hour nearly everywhere, half of one on Lord Howe Island. */
const PUT_BACK = [30, 60];

const MINUTE = 60_000;

/** A day, an hour, a whole label as people in one zone write them, as ringback/dates.py does. */
class Clock {
  /** `words` are the patterns of the page's language: of a slot, of today, of tomorrow. */
  constructor({ locale, ...words }, zone) {
    this.words = words;
    // With the digits that the server writes, whatever the language would.
    this.writer = (how) => new Intl.DateTimeFormat(locale, { ...how, timeZone: zone, numberingSystem: "latn" });
    const format = (how) => this.writer(how).format;
    this.time = format({ timeStyle: "short" });
    this.shortDay = format({ weekday: "short", day: "numeric", month: "short" });
    this.longDay = format({ weekday: "long", day: "numeric", month: "long" });
    this.date = format({ dateStyle: "short" });
  }

  reads(at) {
    return `${this.date(at)} ${this.time(at)}`;
  }

  /** In an hour that is repeated `01:30 GMT-4`: else nobody could tell which. */
  clock(at) {
    const shifts = PUT_BACK.flatMap((minutes) => [minutes * MINUTE, -minutes * MINUTE]);
    const isRepeated = shifts.some((shift) => this.reads(new Date(+at + shift)) === this.reads(at));
    return isRepeated ? `${this.time(at)} ${this.zone("shortOffset", at)}` : this.time(at);
  }

  /** The zone's name: `Central European Time`, or `GMT-4` of a moment. */
  zone(timeZoneName, at) {
    const parts = this.writer({ timeZoneName }).formatToParts(at);
    return parts.find(({ type }) => type === "timeZoneName").value;
  }

  label({ start, end }) {
    return filled(this.words.slot, {
      day: this.shortDay(start),
      start: this.clock(start),
      end: this.clock(end),
    });
  }

  /** `Today, Tuesday 24 November`. */
  day(at) {
    const next = new Date();
    const day = this.longDay(at);
    for (const words of [this.words.today, this.words.tomorrow]) {
      if (this.date(next) === this.date(at)) {
        return filled(words, { day });
      }
      next.setDate(next.getDate() + 1); // of the same zone: this clock is that of the browser
    }
    return day;
  }
}

/** The list of times, in the team's zone as the server wrote it, and in the visitor's. */
class Times {
  constructor(box, zone) {
    this.sentence = box.querySelector("#slot-zone");
    this.button = box.querySelector(".switch");
    this.list = box.querySelector("select");
    this.labels = [...box.querySelectorAll("[data-end]")];
    const own = new Clock(box.dataset, zone);
    this.zone = own.zone("longGeneric");
    this.views = { team: this.asWritten(), own: this.labels.map((label) => viewOf(label, own)) };
    const team = new Clock(box.dataset, box.dataset.zone);
    this.differs = this.labels.map(startOf).some((start) => own.reads(start) !== team.reads(start));
    this.button.addEventListener("click", () => this.show(this.shown === "own" ? "team" : "own"));
  }

  asWritten() {
    return this.labels.map((label) => ({ text: label.textContent, day: label.parentElement.label }));
  }

  show(whose) {
    this.shown = whose;
    const groups = new Map();
    this.labels.forEach((label, index) => {
      const { text, day } = this.views[whose][index];
      label.textContent = text;
      groups.set(day, [...(groups.get(day) ?? []), label]);
    });
    this.group(groups);
    this.sentence.textContent = filled(this.sentence.dataset[whose], this);
    this.button.textContent = this.button.dataset[whose];
    this.button.hidden = false;
  }

  /** By the days of the zone that is shown; moved, not made anew, so that what is chosen stays chosen. */
  group(groups) {
    if (!this.list) {
      return;
    }
    const chosen = this.list.value;
    this.list.querySelectorAll("optgroup").forEach((group) => group.remove());
    for (const [day, options] of groups) {
      const group = document.createElement("optgroup");
      group.label = day;
      group.append(...options);
      this.list.append(group);
    }
    this.list.value = chosen;
  }
}

/** A sentence of the page with its `{places}` taken. */
function filled(sentence, values) {
  return sentence.replace(/{(\w+)}/g, (_place, name) => values[name]);
}

/** Of an option, or of a label beside its box. */
function startOf(label) {
  return new Date((label.control ?? label).value);
}

function viewOf(label, clock) {
  const time = { start: startOf(label), end: new Date(label.dataset.end) };
  return { text: clock.label(time), day: clock.day(time.start) };
}

function begin(box) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  // form.js has put it there, unless the browser hides where it is.
  if (document.querySelector("[name=zone]").value === zone) {
    const times = new Times(box, zone);
    if (times.differs) {
      times.show("own");
    }
  }
  // Where a browser always shows the times, to choose one is to choose to choose.
  box.addEventListener("change", () => {
    document.getElementById("when-slot").checked = true;
  });
}

const box = document.querySelector(".times");
if (box) {
  begin(box);
}
