/* What pages do beyond plain forms. Everything works without it but copying, measuring and adding one's address. */
(() => {
  "use strict";
  const body = document.body;
  const $ = (id) => document.getElementById(id);
  const all = (selector, inside = document) => inside.querySelectorAll(selector);
  const SOON_MS = 3 * 60 * 1000;
  const FRESH_MS = 60 * 1000;
  const warning = $("session-warning");

  function announce(text) {
    const place = $("announcements");
    place.textContent = "";
    // A reader speaks what changes: the same words twice need a pause between them.
    setTimeout(() => { place.textContent = text; }, 60);
  }

  // Buttons that need a script are hidden until there is one.
  function reveal(inside) {
    all("[data-copy],[data-show],[data-add],[data-print]", inside).forEach((button) => { button.hidden = false; });
  }

  async function copy(button) {
    const source = $(button.dataset.copy);
    const text = source.textContent;
    $("announcements").textContent = "";  // what is said there is of another copy, until this one is made
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(source);
      announce(body.dataset.notCopied);
      return;
    }
    announce(body.dataset.copied);
    const words = button.querySelector("[data-done]");
    if (button.classList.contains("is-done")) return;
    const before = words.textContent;
    words.textContent = words.dataset.done;
    button.classList.add("is-done");
    setTimeout(() => { words.textContent = before; button.classList.remove("is-done"); }, 2000);
  }

  function toggle(button) {
    const field = $(button.dataset.show);
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    const words = button.textContent;
    button.textContent = button.dataset.showing;
    button.dataset.showing = words;
  }

  function add(button) {
    const field = $(button.dataset.to);
    if (!field.value.split(/[\s,]+/).includes(button.dataset.add)) {
      field.value = field.value.trim() + (field.value.trim() ? "\n" : "") + button.dataset.add;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
    field.focus();
  }

  // What a key is for fills its form in. A name that was typed stays, and so do memo and addresses.
  function fill(chosen) {
    const form = $("wish");
    const suggested = [...all("[data-purpose]")].map((one) => one.dataset.name);
    const { name, permissions, environment } = form.elements;
    if (suggested.includes(name.value)) name.value = chosen.dataset.name;
    const wanted = chosen.dataset.permissions.split(" ");
    for (const box of permissions) box.checked = wanted.includes(box.value);
    environment.value = chosen.dataset.environment;
    $("purpose").value = chosen.dataset.purpose;
    all("[data-purpose][aria-current]").forEach((one) => { one.removeAttribute("aria-current"); });
    chosen.setAttribute("aria-current", "true");
    const advice = $("purpose-advice");
    advice.querySelector("span").textContent = chosen.dataset.advice;
    advice.hidden = !chosen.dataset.advice;
    name.dispatchEvent(new Event("change", { bubbles: true }));
    announce(chosen.querySelector("strong").textContent);
    form.scrollIntoView({ block: "start" });
    name.focus({ preventScroll: true });
  }

  document.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-purpose]");
    if (chosen && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      fill(chosen);
    }
    const button = event.target.closest("button");
    if (button) {
      if (button.dataset.copy) copy(button);
      if (button.dataset.show) toggle(button);
      if (button.dataset.add) add(button);
      if ("print" in button.dataset) print();
      if (button.dataset.stay) isIn().then(stayed);
    }
    all("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    all("details.menu[open]").forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
  });

  // A second click makes no second key. The button stays enabled until the form is on its way: its name goes along.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (mayBeLate(form)) {
      event.preventDefault();
      asked(form, event.submitter);
      return;
    }
    // Shown secrets are hidden again, or the browser would keep them among what was once typed.
    all("[data-show][aria-pressed=true]", form).forEach(toggle);
    if (form.hasAttribute("hx-post")) return;
    form.dataset.sent = "yes";
    setTimeout(() => { all("button:not([type=button])", form).forEach((button) => { button.disabled = true; }); });
    if ("file" in form.dataset) {
      event.preventDefault();
      save(form).finally(() => { wake(form); });
    }
  });

  // The encrypted file is fetched, so that this page stays whatever comes of it: its values are nowhere else.
  async function save(form) {
    const problem = $("file-problem");
    problem.hidden = true;
    const sent = { method: "POST", body: new URLSearchParams(new FormData(form)), credentials: "same-origin" };
    const answer = await fetch(form.action, sent).catch(() => null);
    if (answer && answer.ok) {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await answer.blob());
      link.download = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") || "")?.[1] || "key.age";
      link.click();
      setTimeout(() => { URL.revokeObjectURL(link.href); }, 10000);
      return;
    }
    const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
    const said = page ? [...page.querySelectorAll("main .lead, main .lead + p")].map((one) => one.textContent.trim()) : [];
    problem.textContent = said.join(" ") || problem.dataset.failed;
    problem.hidden = false;
    problem.focus();
  }

  function wake(form) {
    delete form.dataset.sent;
    all("button:not([type=button])", form).forEach((button) => { button.disabled = false; });
  }

  // Secrets don't outlive the look at them: not in the page that is kept for "back", not on reload.
  const safe = body.dataset.safeUrl;
  if (safe) history.replaceState(null, "", safe);
  addEventListener("pagehide", () => {
    all("[data-secret]").forEach((place) => {
      if (place instanceof HTMLInputElement) place.value = "";
      else place.replaceChildren();
    });
    all("[data-secret-link]").forEach((link) => { link.removeAttribute("href"); });
    all("input[type=password],input[autocomplete=one-time-code]").forEach((field) => { field.value = ""; });
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    if (safe) location.replace(safe);
    else all("form").forEach(wake);
  });

  // The one-time code of the operator's link stands after the # so that no log of any server has it.
  all("[data-from-fragment]").forEach((field) => {
    if (location.hash.length > 1) {
      field.value = location.hash.slice(1);
      history.replaceState(null, "", location.pathname);
    }
  });

  // A link to a section that opens finds it open.
  function unfold() {
    const aim = location.hash.length > 1 && $(location.hash.slice(1));
    if (aim && aim.matches("details")) {
      aim.open = true;
      aim.scrollIntoView();
    }
  }
  addEventListener("hashchange", unfold);
  unfold();

  // A session that ended takes nothing of what was typed along: people sign in beside this page, and send it then.
  // Nothing asks by itself, because every request keeps the session alive; nothing is stored.
  const lasts = Number(body.dataset.sessionLasts);
  const over = $("session-over"), unreached = $("unreached");
  const address = warning && warning.querySelector("[data-stay]").dataset.stay;
  let clock, loaded = Date.now();
  function watch() {
    clearTimeout(clock);
    warning.hidden = over.hidden = unreached.hidden = true;
    clock = setTimeout(() => {
      tell(warning);
      clock = setTimeout(tellItIsOver, Math.min(lasts, SOON_MS) + 1000);
    }, Math.max(lasts - SOON_MS, 1000));
  }
  function isTyped(form) {
    const isChanged = (one) => (/^(checkbox|radio)$/.test(one.type) ? one.checked !== one.defaultChecked
      : one.type !== "hidden" && "defaultValue" in one && one.value !== one.defaultValue);
    return [...form.elements].some(isChanged) || Boolean($("problems") && form.querySelector(".input"));
  }
  function tellItIsOver() {
    clearTimeout(clock);
    all("input[type=password],input[autocomplete=one-time-code]").forEach((field) => { field.value = ""; });
    tell(over);
  }
  function tell(banner) {
    for (const one of [warning, over, unreached]) one.hidden = one !== banner;
    announce(banner.querySelector("p").textContent);
  }
  function mayBeLate(form) {
    if (!warning || form.method !== "post" || form.hasAttribute("hx-post") || "file" in form.dataset) return false;
    return isTyped(form) && (!over.hidden || Date.now() - loaded > FRESH_MS);
  }
  // Whether this account is signed in still, or again: then the forms of this page are its session's. `undefined`: no answer.
  async function isIn() {
    const answer = await fetch(address, { credentials: "same-origin", redirect: "manual" }).catch(() => null);
    if (!answer) return undefined;
    const page = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
    const who = (inside) => inside.querySelector(".menu-who strong")?.textContent;
    if (!page || who(page) !== who(document)) return false;
    const { value } = page.querySelector("input[name=csrf]");
    all("input[name=csrf]").forEach((field) => { field.value = value; });
    loaded = Date.now();
    watch();
    return true;
  }
  async function asked(form, submitter) {
    const still = await isIn();
    if (still) form.requestSubmit(submitter);
    else stayed(still);
  }
  function stayed(still) {
    if (still === undefined) tell(unreached);
    else if (!still) tellItIsOver();
  }
  addEventListener("visibilitychange", async () => {
    if (over && !over.hidden && document.visibilityState === "visible" && await isIn()) announce(over.dataset.again);
  });
  if (warning && lasts) watch();
  body.addEventListener("htmx:beforeOnLoad", (event) => {
    const to = event.detail.xhr.getResponseHeader("hx-redirect") || "";
    if (!warning || !to.startsWith("/sign-in") || ![...all("form[method=post]")].some(isTyped)) return;
    event.preventDefault();
    tellItIsOver();
  });

  // htmx notes the page's path for a history that is switched off: nothing of ours stays in the browser's stores.
  sessionStorage.removeItem("htmx-current-path-for-history");

  // htmx: only the secret that is measured leaves, under the name the meter knows.
  body.addEventListener("htmx:configRequest", (event) => {
    if ("measure" in event.target.dataset) event.detail.parameters = { secret: event.target.value };
  });
  body.addEventListener("htmx:afterSwap", (event) => {
    reveal(event.detail.target.parentNode || document);
  });
  body.addEventListener("htmx:load", (event) => {
    const said = event.detail.elt.dataset && event.detail.elt.dataset.announce;
    if (said) announce(said);
  });
  // What can't be done in place is done the plain way, which shows what is wrong.
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    body.addEventListener(name, (event) => {
      const form = event.detail.elt;
      if (form instanceof HTMLFormElement) form.submit();
    });
  }

  reveal(document);
  all("[data-without-script]").forEach((said) => { said.hidden = true; });
  const problems = $("problems");
  if (problems) problems.focus();
})();
