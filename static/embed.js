/*
 * Ringback's embed script: turns the links to a form of ours into a dialog on the page.
 *
 * A site owner pastes a plain link and this script. The link works by itself, so everything here is
 * an improvement: whatever is missing, blocked or broken, the visitor still gets to the form.
 *
 * - `data-ringback="dialog"` (or nothing) opens the form in a dialog when the link is clicked;
 *   "inline" puts the form where the link stands; "button" puts the link at the corner of the window.
 * - Styles are constructed sheets in shadow roots and frames are made with createElement, so a page
 *   needs to allow no more than this script and the frame: `script-src` and `frame-src`.
 * - No cookie, no storage, no request but the frame's own.
 *
 * It is served without its comments and indentation, and every page of a site pays for it. So a word
 * is said once, and a helper is there where it saves bytes.
 */
(() => {
  // The server writes in what this script is made for: our public address, for each form's address its name, the
  // launcher's colours and its attributes, and the styles (embed.css). So it does not matter who serves its bytes.
  const [BASE, FORMS, STYLES] = "SERVED";
  // The second of two scripts has nothing left to do.
  if (window.Ringback?.open) return;
  const page = document.documentElement;
  const HIDDEN = "ringback-hidden"; // the one attribute that we set on a link

  // What is on the page, all of it made when it is first needed.
  let origin; // ours
  let host; // the element whose shadow root holds the dialog and the launchers
  let dialog;
  let shown; // the pane in it
  let launchers;
  let opener; // the link that gets the focus back: Safari does not focus a link that is clicked
  let sheet; // what the page itself is styled with: links that something stands in for, and no scrolling behind a dialog
  let panes = []; // every form that was loaded, in the dialog or inline
  let standIns; // link → the launcher or the inline form in its place
  let resting; // set for a second after something came back: who takes it away at once shall not have it back at once
  let words = ["☎", "Close", "…", "The form did not load.", "Open it in a new tab"]; // until a form says them in its own
  let language = "en"; // of the words
  let spare; // the form that was fetched for somebody who pointed at its link, and not shown yet

  /** An error of ours is ours: it never reaches the page's own error handling. */
  function guarded(action) {
    return (...values) => {
      try {
        action(...values);
      } catch (error) {
        console.warn("Ringback:", error);
      }
    };
  }

  function on(target, type, action) {
    target.addEventListener(type, guarded(action));
  }

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function shadowed(name, ...children) {
    const holder = element(name);
    const root = holder.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    root.adoptedStyleSheets = [sheet];
    root.append(...children);
    holder.dataset.turboPermanent = ""; // Turbo leaves it where it is
    return holder;
  }

  function announce(name, detail) {
    document.dispatchEvent(new CustomEvent("ringback:" + name, { detail: detail }));
  }

  // ---- Which link leads to which form

  /** What we know of the form at an address, however that is written: `/SALES`, `/sales/`. */
  function formAt(url) {
    return FORMS[(url.origin + url.pathname).toLowerCase().replace(/\/$/, "")];
  }

  /** What is in an element to be read. */
  function textOf(node) {
    let text = "";
    for (const child of node.childNodes) {
      if (child.nodeType === 3) text += child.data;
      if (!child.matches?.(":not(style,script,[aria-hidden=true])")) continue;
      const display = getComputedStyle(child).display;
      if (display !== "none") text += display === "inline" && child.firstChild ? textOf(child) : ` ${textOf(child)} `;
    }
    return node.ariaLabel || node.alt || (text.trim() ? text : node.title || "");
  }

  /** The accessible name of a link, as browsers compute it (https://www.w3.org/TR/accname/), but for what its styles add. */
  function nameOf(link) {
    return (link.ariaLabelledByElements?.map(textOf).join(" ") || textOf(link)).replace(/\s+/g, " ").trim();
  }

  /** What the page itself declares: no script can tell a scheme that a page merely looks like. */
  function themeOfPage() {
    const declared = document.querySelector("meta[name=color-scheme]")?.content;
    const schemes = getComputedStyle(page).colorScheme.replace("normal", declared);
    return /dark/.test(schemes) ? (/light/.test(schemes) ? "auto" : "dark") : "light";
  }

  /**
   * Everything there is to know about a form before it is loaded.
   *
   * `options` are prefill, lang, theme; any other name is an attribute for the agent. `address` is the form on a page of
   * its own. It tells forms apart, and so it has only what is ours: neither the host page, so that what a visitor typed is
   * still there when a single-page site has gone on, nor what other scripts add to links.
   */
  function describe(link, options, name) {
    const written = new URL(link.href);
    const [ours, , , ...known] = formAt(link) || [link.href];
    const url = new URL(ours);
    const query = url.searchParams;
    const person = new URLSearchParams();
    for (const [option, value] of [
      ["theme", themeOfPage()],
      ["lang", page.lang],
      ...written.searchParams,
      ...new URLSearchParams(written.hash.slice(1)),
      ...options
    ]) {
      if (!value) continue;
      // A person's own goes into the fragment, which is never sent.
      if (/^(name|email|phone)$/.test(option)) person.set(option, value);
      // More than 200 letters of it are not kept. A letter may be twelve bytes, and a server takes 8,190 in all.
      if (["theme", "lang", ...known].includes(option?.toLowerCase()) && url.href.length < 5000) {
        query.set(option, [...`${value}`].slice(0, 200).join(""));
      }
    }
    url.hash = person;
    const address = url.href;
    query.set("embed", 1);
    query.set("page", (location.origin + location.pathname).slice(0, 300)); // it is told the whole one later
    return { name: name, address: address, src: url.href, scheme: "color-scheme:" + query.get("theme").replace("auto", "light dark") };
  }

  function formOf(link) {
    link = link.from || link; // a launcher is its link, with what that says by now
    return describe(link, [...link.attributes].map((given) => [given.name.split("data-ringback-")[1], given.value]), nameOf(link));
  }

  // ---- A pane: the frame with a form in it, and a line that says so when it does not come

  function createPane(pane) {
    pane.frame = element("iframe", { src: pane.src, referrerPolicy: "origin" });
    pane.note = element("output");
    pane.box = element("div", { style: pane.scheme }, pane.note, pane.frame);
    // Every page in the frame loads and says "ready", in either order. One that has loaded and stays
    // silent is not ours: the browser's own, about a frame that was refused or a server that is dead.
    on(pane.frame, "load", () => pane.heard-- || waitFor(pane, 1000));
    panes = [...panes.filter((other) => other.frame.isConnected), pane];
    return pane;
  }

  /** Asks for the form; also a second time, since a frame loads anew where it is put anew. */
  function loadInto(parent, pane) {
    pane.heard = 0;
    pane.frame.style.visibility = "hidden"; // until there is more to see than white, or the browser's own page
    write(pane, words[2]);
    waitFor(pane, 8000);
    parent.append(pane.box);
  }

  function write(pane, ...content) {
    pane.note.lang = language;
    pane.note.replaceChildren(...content);
  }

  /** The names of what has no words that could be read. */
  function label(pane) {
    pane.frame.title = pane.name || words[0];
    if (pane === shown) {
      dialog.ariaLabel = pane.frame.title;
      Object.assign(dialog.firstChild, { ariaLabel: words[1], lang: language });
    }
  }

  /** Milliseconds until we say that the form did not come. */
  function waitFor(pane, limit) {
    clearTimeout(pane.timer);
    pane.timer = setTimeout(guarded(showFallback), limit, pane);
  }

  function pageIsReady(pane) {
    clearTimeout(pane.timer);
    pane.heard++;
    pane.frame.style.visibility = "";
    write(pane);
    label(pane);
    tellPage(pane);
    if (dialog?.open && pane === shown) pane.frame.focus(); // a hidden one cannot take it
  }

  function showFallback(pane) {
    const link = element("a", { href: pane.address, target: "_blank" }, words[4]);
    pane.heard = 0;
    write(pane, words[3], " ", link);
    // The browser's own page would keep the focus, and Escape with it.
    if (pane.frame.matches(":focus")) link.focus();
    pane.frame.style.visibility = "hidden";
  }

  // ---- What the frame tells us

  function receive(event) {
    const said = event.data;
    const pane = panes.find((pane) => pane.frame.contentWindow === event.source);
    if (event.origin !== origin || !event.source || !pane || said?.ringback !== 1) return;
    const { ringback, type, height, ...detail } = said;
    if (said.words) [language, ...words] = said.words;
    if (type === "ready") pageIsReady(pane);
    if (type === "escape") close();
    if (type === "page") tellPage(pane);
    if (type === "height" && height === (height & 8191)) pane.frame.style.height = height + "px"; // in the dialog, the frame fills what there is
    if (/^(requested|begun|failed)$/.test(type)) announce(type, detail);
  }

  /** The page it is asked on, which changes under a frame where a single-page site goes on. */
  function tellPage(pane) {
    pane.frame.contentWindow.postMessage({ ringback: 1, type: "page", page: location.origin + location.pathname, title: document.title }, origin);
  }

  // ---- The dialog

  // Beside the body, not in it: a body may not be there yet, may be replaced by a single-page site,
  // and may have a transform, which would turn "fixed to the window" into "fixed to the page".
  function mountHost() {
    if (!host) {
      dialog = element("dialog", {}, element("button", {}, "×"));
      // The close button, or the dialog itself, which is its backdrop.
      on(dialog, "click", (event) => event.target.matches("dialog,button") && close());
      on(dialog, "close", afterClosing);
      launchers = element("span");
      host = shadowed("ringback-embed", launchers, dialog);
    }
    if (!host.isConnected) page.append(host);
  }

  /** The form in the dialog: the one from before, with what was typed in it, unless it did not come. */
  function paneFor(form) {
    mountHost();
    let pane = panes.find((pane) => pane.address === form.address && pane.box.parentNode === dialog);
    if (!pane) {
      spare?.box.remove(); // one is enough: a list of products has a link in every row
      pane = spare = createPane(form);
    }
    if (!pane.box.parentNode || pane.note.firstElementChild) loadInto(dialog, pane);
    return pane;
  }

  function show(form, link) {
    const pane = paneFor(form);
    spare = null;
    shown = pane;
    pane.name = form.name; // several links may lead to one form
    label(pane);
    for (const box of dialog.querySelectorAll("div")) box.hidden = box !== pane.box;
    dialog.style = form.scheme;
    if (!dialog.open) {
      opener = link;
      dialog.showModal();
      lockPage();
      announce("open");
    }
    if (!pane.note.firstChild) tellPage(pane);
    pane.frame.focus(); // one that is on its way cannot take it; until it can, the close button has it
  }

  function close() {
    dialog?.close();
  }

  function afterClosing() {
    if (!dialog.open) {
      // Nor was it opened again in the same breath.
      style("");
      opener?.focus({ preventScroll: true });
      announce("close");
    }
  }

  // A sheet of rules leaves the page's own styles as they were. The element that scrolls the page keeps
  // doing so: choosing the other one would jump to the top.
  function lockPage() {
    const isBody = getComputedStyle(page).overflowY === "visible";
    const hasBar = innerWidth > page.clientWidth; // where a scrollbar was, nothing moves in
    style(`${isBody ? "body" : "html"}{overflow:hidden!important}html{scrollbar-gutter:${hasBar ? "stable" : "auto"}!important}`);
  }

  /** What the page itself is styled with: no attribute of its own is touched, and its own styles stay as they were. */
  function style(rules) {
    sheet.replaceSync(`[${HIDDEN}]{visibility:hidden!important}[data-ringback=inline][${HIDDEN}]{display:none!important}` + rules);
  }

  // ---- Links that something stands in for: "inline" and "button"

  function createInline(link) {
    const holder = shadowed("ringback-inline");
    const come = guarded((entries) => {
      if (entries.pop().isIntersecting) {
        observer.disconnect();
        loadInto(holder.shadowRoot, createPane(formOf(link)));
      }
    });
    const observer = new IntersectionObserver(come, { rootMargin: "500px" }); // so near that it will be there in time
    observer.observe(holder);
    link.after(holder);
    return holder;
  }

  function createLauncher(link) {
    mountHost();
    const [, brand, ink] = formAt(link);
    const look = `background:var(--ringback-accent,${brand});color:var(--ringback-on-accent,${ink})`;
    const launcher = element("a", { href: link.href, from: link, style: look }, nameOf(link) || words[0]);
    launchers.append(launcher);
    return launcher;
  }

  /** Brings what stands on the page in line with the links that are on it now. */
  function sync() {
    let isLost;
    for (const [link, [standIn, mode]] of standIns) {
      const isWanted = link.isConnected && link.dataset.ringback === mode && formAt(link);
      const isThere = isWanted && standIn.isConnected;
      link.toggleAttribute(HIDDEN, !!isThere); // without its stand-in, it is a link again
      if (isThere || (isWanted && resting)) continue;
      isLost ||= isWanted;
      standIns.delete(link);
      standIn.remove();
    }
    if (host && !host.isConnected) close(); // somebody took it away; an open dialog would leave the page locked
    if (isLost) resting = setTimeout(
        guarded(() => {
          resting = 0;
          sync();
        }),
        1000
      );
    for (const link of document.querySelectorAll("a[data-ringback]")) {
      const mode = link.dataset.ringback;
      const create = mode === "inline" ? createInline : mode === "button" && createLauncher;
      if (create && !standIns.has(link) && formAt(link)) {
        standIns.set(link, [create(link), mode]);
        // Hidden, but there: a framework that made it will want to take it away. A launcher leaves its place
        // empty, so that nothing below it moves.
        link.toggleAttribute(HIDDEN, true);
      }
    }
  }

  // ---- The ways in

  /** The link to a form that an event is about, if it is to open here. */
  function linkOf(event) {
    const link = event.composedPath().find((node) => node.localName === "a");
    return link && formAt(link) && /^(_self)?$/.test(link.target) && link;
  }

  /** Whoever points at a link or comes to it by keyboard will want its form. */
  function warm(event) {
    const link = linkOf(event);
    if (link) paneFor(formOf(link));
  }

  function openClicked(event) {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = linkOf(event);
    if (link) {
      show(formOf(link), link);
      event.preventDefault(); // last: had anything failed, the link would still lead to the form
    }
  }

  /** Opens a widget's form: `Ringback.open("sales", { plan: "pro" })`. */
  function open(widget, options) {
    const form = describe(new URL(BASE + "/" + widget), Object.entries(options || {}));
    try {
      show(form);
    } catch {
      location = form.address;
    }
  }

  guarded(() => {
    standIns = new Map();
    origin = new URL(BASE).origin;
    document.adoptedStyleSheets.push((sheet = new CSSStyleSheet()));
    style("");
    window.Ringback = { open: guarded(open), close };
    on(document, "click", openClicked);
    on(document, "pointerover", warm);
    on(document, "focusin", warm);
    on(window, "message", receive);
    new MutationObserver(guarded(sync)).observe(document, { childList: true, subtree: true, attributeFilter: ["href", "data-ringback", HIDDEN] });
    sync();
  })();
})();
