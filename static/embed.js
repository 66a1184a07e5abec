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
  // The page's own styles reach none of this, nor this the page, but for what it says itself in --ringback-….
  const STYLES = `
:host{all:initial!important;display:contents!important;font:16px/1.5 system-ui!important}
:host(ringback-inline){display:block!important;width:100%!important;min-height:var(--ringback-height,640px)!important}
dialog{inset:auto 0 0;box-sizing:border-box;width:auto;max-width:none;height:min(760px,100dvh - 24px);
margin:0;padding:0 0 env(safe-area-inset-bottom);border:1px solid #fff6;border-radius:24px 24px 0 0;
overflow:hidden;background:light-dark(#fff,#17191d)}
dialog[open],div{display:flex;flex-direction:column;flex:1;min-height:0}
div[hidden]{display:none}
dialog::backdrop{background:#0006}
@media (min-width:480px){dialog{inset:0;width:416px;margin:auto;border-radius:24px}}
button{align-self:end;width:44px;height:44px;margin:4px 4px 0;padding:0;border:0;background:none;font-size:28px}
iframe{flex:1;min-height:0;border:0}
:host(ringback-inline) iframe{flex:none;min-height:var(--ringback-height,640px)}
span{position:fixed;z-index:999999;inset-inline-end:24px;bottom:24px;padding:0 0 env(safe-area-inset-bottom)}
span a{display:block;margin:12px 0 0;border:1px solid #fff6;border-radius:24px;
background:var(--ringback-accent,#14161a);color:var(--ringback-on-accent,#fff);font-weight:600;text-decoration:none}
span a,output:not(:empty){padding:12px 24px}
output{position:absolute}
@media print{:host{display:none!important}}`;

  const script = document.currentScript;
  // The second of two scripts has nothing left to do.
  if (!script?.src || window.Ringback?.open) return;
  const ORIGIN = script.src.split("/", 3).join("/");
  const page = document.documentElement;

  // What is on the page, all of it made when it is first needed.
  let host; // the element whose shadow root holds the dialog and the launchers
  let dialog;
  let launchers;
  let opener; // the link that gets the focus back: Safari does not focus a link that is clicked
  let lock; // the sheet that keeps the page from scrolling
  let panes = []; // every form that was loaded, in the dialog or inline
  let standIns; // link → the launcher or the inline form in its place
  let spare; // the form that was fetched for somebody who pointed at its link, and not shown yet

  /** An error of ours is ours: it never reaches the page's own error handling. */
  function guarded(action) {
    return (...values) => {
      try {
        action(...values);
      } catch (error) {
        console.warn(error);
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
    return holder;
  }

  function announce(name, detail) {
    document.dispatchEvent(new CustomEvent(`ringback:${name}`, { detail }));
  }

  // ---- Which link leads to which form

  /** `/` and `/sales`, but not "I did not ask for this", which a site may link to as well. */
  function isForm(link) {
    return link.origin === ORIGIN && /^\/(?!stop$)[\w-]*$/.test(link.pathname);
  }

  /** What the page itself declares: no script can tell a scheme that a page merely looks like. */
  function themeOfPage() {
    const declared = document.querySelector("meta[name=color-scheme]")?.content;
    const schemes = getComputedStyle(page).colorScheme.replace("normal", declared);
    if (!/dark/.test(schemes)) return "light";
    return /light/.test(schemes) ? "auto" : "dark";
  }

  function addressOfPage() {
    return location.origin + location.pathname;
  }

  /**
   * Everything there is to know about a form before it is loaded.
   *
   * `options` are prefill, lang, theme; any other name is an attribute for the agent. `address` is the
   * form on a page of its own. It tells forms apart and knows nothing of the host page, so that what a
   * visitor typed is still there when a single-page site has gone on to its next page.
   */
  function describe(href, options, name) {
    const url = new URL(href);
    const query = url.searchParams;
    for (const [option, value] of Object.entries(options || {})) {
      if (value == null) continue;
      // A person's own goes into the fragment, which is never sent.
      if (/^(name|email|phone)$/.test(option)) url.hash += `&${option}=${encodeURIComponent(value)}`;
      else query.set(option, value);
    }
    const theme = query.get("theme") || themeOfPage();
    query.set("theme", theme);
    if (page.lang && !query.get("lang")) query.set("lang", page.lang);
    const address = url.href;
    query.set("embed", 1);
    query.set("page", addressOfPage());
    return { name: name || "Request a call back", address, src: url.href, scheme: theme.replace("auto", "light dark") };
  }

  function formOf(link) {
    link = link.from || link; // a launcher is its link, with what that says by now
    const options = {};
    for (const { name, value } of link.attributes) {
      if (/^data-ringback-/.test(name)) options[name.slice(14)] = value;
    }
    return describe(link.href, options, link.textContent.trim());
  }

  // ---- A pane: the frame with a form in it, and a line that says so when it does not come

  function createPane(form) {
    const frame = element("iframe", { title: form.name, src: form.src, referrerPolicy: "origin" });
    const note = element("output", { lang: "en" });
    const pane = { ...form, frame, note, box: element("div", {}, note, frame) };
    pane.box.style.colorScheme = form.scheme;
    on(frame, "load", () => pageCame(pane));
    panes = [...panes.filter(({ frame }) => frame.isConnected), pane];
    return pane;
  }

  /** Asks for the form; also a second time, since a frame loads anew where it is put anew. */
  function loadInto(parent, pane) {
    pane.heard = 0;
    pane.frame.style.visibility = "hidden"; // until there is more to see than white, or the browser's own page
    pane.note.textContent = "Loading…";
    waitFor(pane, 8000);
    parent.append(pane.box);
  }

  /** Milliseconds until we say that the form did not come. */
  function waitFor(pane, limit) {
    clearTimeout(pane.timer);
    pane.timer = setTimeout(guarded(showFallback), limit, pane);
  }

  // Every page in the frame loads and says "ready", in either order. One that has loaded and stays
  // silent is not ours: the browser's own, about a frame that was refused or a server that is dead.
  function pageCame(pane) {
    if (!pane.heard--) waitFor(pane, 1000);
  }

  function pageIsReady(pane) {
    clearTimeout(pane.timer);
    pane.heard++;
    pane.note.textContent = pane.frame.style.visibility = "";
    tellPage(pane);
    if (dialog?.open && pane.box.parentNode === dialog) pane.frame.focus(); // a hidden one cannot take it
  }

  function showFallback(pane) {
    const link = element("a", { href: pane.address, target: "_blank" }, "Open it in a new tab");
    pane.heard = 0;
    pane.note.replaceChildren("The form did not load. ", link);
    // The browser's own page would keep the focus, and Escape with it.
    if (pane.frame.matches(":focus")) link.focus();
    pane.frame.style.visibility = "hidden";
  }

  // ---- What the frame tells us

  function receive({ data, origin, source }) {
    if (origin !== ORIGIN || !source || data?.ringback !== 1) return;
    const pane = panes.find(({ frame }) => frame.contentWindow === source);
    if (!pane) return;
    const { type, height, widget, reference, state } = data;
    if (type === "ready") pageIsReady(pane);
    if (type === "escape") close();
    if (type === "page") tellPage(pane);
    if (type === "height" && height === (height & 8191)) pane.frame.style.height = `${height}px`; // in the dialog, the frame fills what there is
    if (type === "requested") announce(type, { widget, reference, state });
  }

  /** The page it is asked on, which changes under a frame where a single-page site goes on. */
  function tellPage({ frame }) {
    frame.contentWindow.postMessage({ ringback: 1, type: "page", page: addressOfPage(), title: document.title }, ORIGIN);
  }

  // ---- The dialog

  // Beside the body, not in it: a body may not be there yet, may be replaced by a single-page site,
  // and may have a transform, which would turn "fixed to the window" into "fixed to the page".
  function mountHost() {
    if (!host) {
      dialog = element("dialog", {}, element("button", { ariaLabel: "Close", lang: "en" }, "×"));
      on(dialog, "click", closeByClick);
      on(dialog, "close", afterClosing);
      launchers = element("span");
      lock = new CSSStyleSheet();
      document.adoptedStyleSheets.push(lock);
      host = shadowed("ringback-embed", launchers, dialog);
    }
    if (!host.isConnected) page.append(host);
  }

  /** The form in the dialog: the one from before, with what was typed in it, unless it did not come. */
  function paneFor(form) {
    mountHost();
    const before = panes.find((pane) => pane.address === form.address && pane.box.parentNode === dialog);
    const pane = before || createPane(form);
    if (!before) {
      spare?.box.remove(); // one is enough: a list of products has a link in every row
      spare = pane;
    }
    if (!before || pane.note.firstElementChild) loadInto(dialog, pane);
    return pane;
  }

  function show(form, link) {
    const pane = paneFor(form);
    spare = null;
    for (const box of dialog.querySelectorAll("div")) box.hidden = box !== pane.box;
    dialog.ariaLabel = form.name;
    dialog.style.colorScheme = form.scheme;
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

  // The close button, or the dialog itself, which is its backdrop.
  function closeByClick({ target }) {
    if (target === dialog || target.localName === "button") close();
  }

  function afterClosing() {
    if (dialog.open) return; // opened again in the same breath
    lock.replaceSync("");
    opener?.focus({ preventScroll: true });
    announce("close");
  }

  // A sheet of rules leaves the page's own styles as they were. The element that scrolls the page keeps
  // doing so: choosing the other one would jump to the top.
  function lockPage() {
    const scroller = getComputedStyle(page).overflowY === "visible" ? "body" : "html";
    const gutter = innerWidth > page.clientWidth ? "stable" : "auto"; // where a scrollbar was, nothing moves in
    lock.replaceSync(`${scroller}{overflow:hidden!important}html{scrollbar-gutter:${gutter}!important}`);
  }

  // ---- Links that something stands in for: "inline" and "button"

  function createInline(link) {
    const holder = shadowed("ringback-inline");
    const observer = new IntersectionObserver(
      guarded((entries) => {
        if (!entries.pop().isIntersecting) return;
        observer.disconnect();
        loadInto(holder.shadowRoot, createPane(formOf(link)));
      }),
      { rootMargin: "500px" }, // so near that it will be there in time
    );
    observer.observe(holder);
    link.after(holder);
    return holder;
  }

  function createLauncher(link) {
    mountHost();
    const launcher = element("a", { href: link.href, from: link }, link.textContent);
    launchers.append(launcher);
    return launcher;
  }

  /** Brings what stands on the page in line with the links that are on it now. */
  function sync() {
    for (const link of document.querySelectorAll("a[data-ringback=inline],a[data-ringback=button]")) {
      if (standIns.has(link) || !isForm(link)) continue;
      const create = link.matches("[data-ringback=inline]") ? createInline : createLauncher;
      standIns.set(link, create(link));
      // Hidden, but there: a framework that made it will want to take it away. A launcher leaves its place
      // empty, so that nothing below it moves.
      link.style.cssText += create === createInline ? ";display:none!important" : ";visibility:hidden!important";
    }
    for (const [link, standIn] of standIns) {
      if (!link.isConnected) standIns.delete(link) && standIn.remove();
      else if (!standIn.isConnected) standIns.set(link, link).get(link).style = ""; // somebody took it away: the link is a link again
    }
    if (host && !host.isConnected) close(); // somebody took it away; an open dialog would leave the page locked
  }

  // ---- The ways in

  /** The link to a form that an event is about, if it is to open here. */
  function linkOf(event) {
    const link = event.composedPath().find((node) => node.localName === "a");
    return link && isForm(link) && /^(_self)?$/.test(link.target) && link;
  }

  /** Whoever points at a link or comes to it by keyboard will want its form. */
  function warm(event) {
    const link = linkOf(event);
    if (link) paneFor(formOf(link));
  }

  function openClicked(event) {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = linkOf(event);
    if (!link) return;
    show(formOf(link), link);
    event.preventDefault(); // last: had anything failed, the link would still lead to the form
  }

  /** Opens a widget's form: `Ringback.open("sales", { plan: "pro" })`. */
  function open(widget, options) {
    const form = describe(`${ORIGIN}/${widget}`, options);
    try {
      show(form);
    } catch {
      location.assign(form.address);
    }
  }

  guarded(() => {
    standIns = new Map();
    window.Ringback = { open: guarded(open), close };
    on(document, "click", openClicked);
    on(document, "pointerover", warm);
    on(document, "focusin", warm);
    on(window, "message", receive);
    new MutationObserver(guarded(sync)).observe(document, { childList: true, subtree: true });
    sync();
  })();
})();
