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
 */
(() => {
  "use strict";

  const LOAD_LIMIT_MS = 8000; // from asking for the form to hearing from it
  const SILENCE_LIMIT_MS = 1000; // a refused frame and a dead server "load" too, but say nothing
  const INLINE_MARGIN = "500px"; // how near an inline form has to be before it is loaded

  const PREFIX = "data-ringback-";
  const PREFILLED = /^(name|email|phone)$/; // a person's own: only ever in the fragment

  // `/` and `/sales`, but none of the other addresses of ours.
  const FORM_PATH =
    /^\/(?!(requests|static|stop|console|sandbox|embed|healthz|readyz|metrics|openapi|api|docs|install)$)[\w-]*$/i;

  // The page's own styles reach none of this, nor this the page. Close-set, since it is sent as it stands.
  const STYLES = `
:host{all:initial!important;position:fixed!important;z-index:2147483000!important}
:host(ringback-inline){display:block!important;position:static!important;min-height:640px!important}
[hidden]{display:none!important}
dialog{inset:24px 0 0;width:auto;max-width:none;height:auto;max-height:none;margin:0;padding:0;border:0;
border-radius:20px 20px 0 0;outline:1px solid transparent;overflow:hidden;background:light-dark(#fff,#17191d);
box-shadow:0 24px 64px -12px #0008}
dialog[open],div{display:flex;flex-direction:column;flex:1;min-height:0}
dialog::backdrop{background:#0f111566}
@media (min-width:480px){dialog{inset:16px 0;width:416px;max-height:720px;margin:auto;border-radius:20px}}
button{align-self:end;flex:none;width:44px;height:44px;margin:4px 4px 0;border:0;border-radius:50%;
background:none;font:28px/1 system-ui;cursor:pointer}
:focus-visible{outline:3px solid;outline-offset:-3px}
p,a{margin:0;color:CanvasText;font:16px/1.5 system-ui}
p{padding:12px 20px}
iframe{flex:1;min-height:0;border:0;visibility:hidden}
.known iframe{visibility:visible}
.known:not(.silent) p{display:none}
:host(ringback-inline) iframe{flex:none;height:640px}
nav{position:fixed;inset-inline-end:20px;bottom:max(20px,env(safe-area-inset-bottom))}
nav a{display:block;margin-top:12px;padding:16px 24px;border-radius:28px;outline:1px solid #fff6;
background:#14161a;color:#fff;font-weight:600;text-decoration:none;box-shadow:0 8px 24px -4px #0006}
@media (prefers-reduced-motion:no-preference){dialog{animation:rise .15s ease-out}}
@keyframes rise{from{opacity:0;translate:0 8px}}
@media print{:host{display:none!important}}`;

  const script = document.currentScript;
  // The second of two scripts has nothing left to do.
  if (!script?.src || window.Ringback?.open) return;
  const ORIGIN = new URL(script.src).origin;
  // A browser that is too old for these has its links.
  const isSupported = window.HTMLDialogElement && "adoptedStyleSheets" in document;
  const page = document.documentElement;

  // What is on the page, all of it made when it is first needed.
  let host; // the element whose shadow root holds the dialog and the launchers
  let dialog;
  let launchers;
  let opener; // the link that gets the focus back: Safari does not focus a link that is clicked
  let lock; // the sheet that is there while the page must not scroll
  const panes = []; // every form that was loaded, in the dialog or inline
  const standIns = new Map(); // link → the launcher or the inline form in its place

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

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const attribute of Object.entries(attributes)) made.setAttribute(...attribute);
    made.append(...children);
    return made;
  }

  function sheetOf(styles) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
    return sheet;
  }

  function shadowed(name, ...children) {
    const holder = element(name, {});
    const root = holder.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheetOf(STYLES)];
    root.append(...children);
    return holder;
  }

  function announce(name, detail) {
    document.dispatchEvent(new CustomEvent(`ringback:${name}`, { detail }));
  }

  // ---- Which link leads to which form

  function isForm(link) {
    return link.origin === ORIGIN && (link.hasAttribute("data-ringback") || FORM_PATH.test(link.pathname));
  }

  /** What the page itself declares: no script can tell a scheme that a page merely looks like. */
  function themeOfPage() {
    const { colorScheme } = getComputedStyle(page);
    const meta = document.querySelector("meta[name=color-scheme]");
    const schemes = meta && colorScheme === "normal" ? meta.content : colorScheme;
    if (!/dark/.test(schemes)) return "light";
    return /light/.test(schemes) ? "auto" : "dark";
  }

  /**
   * Everything there is to know about a form before it is loaded.
   *
   * `options` are prefill, lang, theme; any other name is an attribute for the agent. `address` is the
   * form on a page of its own. `key` tells forms apart and knows nothing of the page, so that what a
   * visitor typed is still there when a single-page site has gone on to its next page.
   */
  function describe(href, options, name) {
    const url = new URL(href);
    const query = url.searchParams;
    const fragment = url.hash ? [url.hash.slice(1)] : [];
    for (const [option, value] of Object.entries(options || {})) {
      if (value == null) continue;
      if (PREFILLED.test(option)) fragment.push(`${option}=${encodeURIComponent(value)}`);
      else query.set(option, value);
    }
    url.hash = fragment.join("&");
    if (page.lang && !query.get("lang")) query.set("lang", page.lang);
    const theme = query.get("theme") || themeOfPage();
    query.set("theme", theme);
    const form = { name: name || "Request a call back", address: url.href };
    form.colorScheme = theme.replace("auto", "light dark");
    query.set("embed", 1);
    form.key = url.href;
    query.set("page", location.origin + location.pathname);
    form.src = url.href;
    return form;
  }

  function formOf(link) {
    const options = {};
    for (const { name, value } of link.attributes) {
      if (name.startsWith(PREFIX)) options[name.slice(PREFIX.length)] = value;
    }
    return describe(link.href, options, link.textContent.trim().replace(/\s+/g, " "));
  }

  // ---- A pane: the frame with a form in it, and a line that says so when it does not come

  function createPane(form) {
    const frame = element("iframe", { title: form.name, src: form.src, referrerpolicy: "strict-origin" });
    const note = element("p", { role: "status" });
    const pane = { ...form, frame, note, box: element("div", {}, note, frame) };
    pane.box.style.colorScheme = form.colorScheme;
    frame.addEventListener("load", guarded(() => pageCame(pane)));
    panes.push(pane);
    return pane;
  }

  /** Asks for the form; also a second time, since a frame loads anew where it is put anew. */
  function loadInto(parent, pane) {
    pane.box.className = "";
    pane.note.textContent = "Loading…";
    waitFor(pane, LOAD_LIMIT_MS);
    parent.append(pane.box);
  }

  function waitFor(pane, limit) {
    clearTimeout(pane.timer);
    pane.timer = setTimeout(guarded(showFallback), limit, pane);
  }

  // Every page in the frame loads and says "ready", in either order. One that has loaded and stays
  // silent is not ours: the browser's own, about a server that does not answer.
  function pageCame(pane) {
    pane.isLate = !pane.isReady;
    pane.isReady = false;
    if (pane.isLate) waitFor(pane, SILENCE_LIMIT_MS);
  }

  function pageIsReady(pane) {
    clearTimeout(pane.timer);
    pane.isReady = !pane.isLate;
    pane.isLate = false;
    pane.box.className = "known";
    if (pane.box.parentNode === dialog && dialog.open) pane.frame.focus();
  }

  function showFallback({ box, address, frame, note }) {
    const link = element("a", { href: address, target: "_blank" }, "Open it in a new tab");
    box.classList.add("silent");
    note.replaceChildren("The form did not load. ", link);
    // The browser's own page would keep the focus, and Escape with it.
    if (frame.getRootNode().activeElement === frame) link.focus();
  }

  // ---- What the frame tells us

  function receive({ data, origin, source }) {
    if (origin !== ORIGIN || !source || data?.ringback !== 1) return;
    const pane = panes.find(({ frame }) => frame.contentWindow === source);
    if (!pane) return;
    const { type, height, widget, reference, state } = data;
    if (type === "ready") pageIsReady(pane);
    if (type === "escape") close();
    if (type === "height") pane.frame.style.height = `${height}px`; // in the dialog, the frame fills what there is
    if (type === "requested") announce(type, { widget, reference, state });
  }

  // ---- The dialog

  // Beside the body, not in it: a body may not be there yet, may be replaced by a single-page site,
  // and may have a transform, which would turn "fixed to the window" into "fixed to the page".
  function mountHost() {
    if (!host) {
      dialog = element("dialog", {}, element("button", { "aria-label": "Close" }, "×"));
      dialog.addEventListener("click", guarded(closeByClick));
      dialog.addEventListener("close", guarded(afterClosing));
      launchers = element("nav", {});
      host = shadowed("ringback-embed", launchers, dialog);
    }
    if (!host.isConnected) page.append(host);
  }

  /** The form in the dialog: the one from before, with what was typed in it, unless it did not come. */
  function paneFor(form) {
    const before = panes.find((pane) => pane.key === form.key && pane.box.parentNode === dialog);
    const pane = before || createPane(form);
    if (pane !== before || pane.box.classList.contains("silent")) loadInto(dialog, pane);
    return pane;
  }

  function show(form, link) {
    mountHost();
    const pane = paneFor(form);
    for (const box of dialog.querySelectorAll("div")) box.hidden = box !== pane.box;
    dialog.setAttribute("aria-label", form.name);
    dialog.style.colorScheme = form.colorScheme;
    if (!dialog.open) {
      opener = link;
      dialog.showModal();
      lockPage();
      announce("open");
    }
    pane.frame.focus(); // one that is on its way cannot take it; until it can, the close button has it
  }

  function close() {
    dialog?.close();
  }

  // The close button, or the dialog itself, which is its backdrop: the frame keeps its own clicks.
  function closeByClick({ target }) {
    if (target === dialog || target.localName === "button") close();
  }

  function afterClosing() {
    if (dialog.open) return; // opened again in the same breath
    unlockPage();
    opener?.focus({ preventScroll: true });
    announce("close");
  }

  // A sheet that comes and goes leaves the page's own styles as they were. The element that scrolls
  // the page keeps doing so: choosing the other one would jump to the top.
  function lockPage() {
    const { overflowY, scrollbarGutter } = getComputedStyle(page);
    const losesScrollbar = innerWidth > page.clientWidth && scrollbarGutter === "auto";
    lock = sheetOf(`${overflowY === "visible" ? "body" : "html"}{overflow:hidden!important}`);
    if (losesScrollbar) lock.insertRule("html{scrollbar-gutter:stable!important}");
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, lock];
  }

  function unlockPage() {
    document.adoptedStyleSheets = [...document.adoptedStyleSheets].filter((sheet) => sheet !== lock);
  }

  // ---- Links that something stands in for: "inline" and "button"

  function createInline(link) {
    const pane = createPane(formOf(link));
    const holder = shadowed("ringback-inline");
    const load = guarded((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      loadInto(holder.shadowRoot, pane);
    });
    const observer = new IntersectionObserver(load, { rootMargin: INLINE_MARGIN });
    observer.observe(holder);
    link.after(holder);
    return holder;
  }

  function createLauncher(link) {
    mountHost();
    const launcher = link.cloneNode();
    launcher.textContent = link.textContent;
    launcher.removeAttribute("style");
    launchers.append(launcher);
    return launcher;
  }

  /** Brings what stands on the page in line with the links that are on it now. */
  function sync() {
    for (const link of document.querySelectorAll("a[data-ringback]")) {
      const mode = link.getAttribute("data-ringback");
      const create = mode === "inline" ? createInline : mode === "button" && createLauncher;
      if (!create || standIns.has(link) || !isForm(link)) continue;
      standIns.set(link, create(link));
      // Hidden, but there: a framework that made it will want to take it away.
      link.style.setProperty("display", "none", "important");
    }
    for (const [link, standIn] of standIns) if (!link.isConnected) standIn.remove() || standIns.delete(link);
    if (host && !host.isConnected) unlockPage(); // somebody took the dialog away while it was open
  }

  // ---- The ways in

  function openClicked(event) {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.composedPath().find((node) => node.localName === "a");
    if (!link || !isForm(link) || link.hasAttribute("download") || !/^(_self)?$/.test(link.target)) return;
    show(formOf(link), link);
    event.preventDefault(); // last: had anything failed, the link would still lead to the form
  }

  /** Opens a widget's form: `Ringback.open("sales", { plan: "pro" })`. */
  function open(widget, options) {
    const form = describe(`${ORIGIN}/${encodeURIComponent(widget)}`, options);
    if (isSupported) show(form);
    else location.assign(form.address);
  }

  guarded(() => {
    window.Ringback = { open: guarded(open), close: guarded(close) };
    if (!isSupported) return;
    document.addEventListener("click", guarded(openClicked));
    addEventListener("message", guarded(receive));
    new MutationObserver(guarded(sync)).observe(document, { childList: true, subtree: true });
    sync();
  })();
})();
