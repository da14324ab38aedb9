/* Passkeys: a button before every field that takes a code, and the one that makes a new passkey. What a browser gives back
   goes along as a field of the same form. */
(() => {
  "use strict";
  if (!window.PublicKeyCredential || !navigator.credentials) return;
  const template = document.getElementById("passkey-choice");
  const maker = document.querySelector("[data-new-passkey]");

  // Older browsers have neither parse…FromJSON nor toJSON: this is all they would do here.
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const opened = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  async function asked(address, form) {
    const body = new URLSearchParams({ csrf: form.elements.csrf.value });
    if (form.dataset.passkeyPurpose) body.set("purpose", form.dataset.passkeyPurpose);
    const answer = await fetch(address, { method: "POST", body, credentials: "same-origin", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  function given({ id, rawId, type, response }) {
    const parts = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
      if (response[name]) parts[name] = text(response[name]);
    return JSON.stringify({ id, rawId: text(rawId), type, response: parts });
  }

  async function made(form) {
    const options = await asked("/security/passkeys/options", form);
    return {
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: opened(options.excludeCredentials),
      },
    };
  }

  async function requested(form) {
    const options = await asked("/passkeys/options", form);
    return {
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        allowCredentials: opened(options.allowCredentials),
      },
    };
  }

  function say(place, trouble) {
    place.querySelectorAll("[data-trouble]").forEach((one) => { one.hidden = one.dataset.trouble !== trouble; });
  }

  const answers = (form) => form.querySelectorAll("input[name=passkey]");
  let isBusy = false;

  // Ask, and send the form with the answer. Whatever else is to be filled in is seen to first: an answer serves once.
  async function go(form, place, ask, use) {
    if (isBusy || form.dataset.sent) return;
    const code = form.querySelector("[data-or-passkey]");
    if (code) code.required = false;
    const isFilledIn = form.reportValidity();
    if (code) code.required = true;
    if (!isFilledIn) return;
    isBusy = true;
    say(place, "");
    let options = null;
    let credential = null;
    try {
      options = await ask(form);
      credential = await use(options);
    } catch {
      credential = null;
    } finally {
      isBusy = false;
    }
    if (!credential) {
      say(place, options ? "unused" : "failed");
      return;
    }
    answers(form).forEach((one) => { one.remove(); });
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "passkey";
    field.value = given(credential);
    form.append(field);
    const isLax = form.noValidate;
    form.noValidate = true;
    form.requestSubmit();
    form.noValidate = isLax;
  }

  function offer(inside) {
    if (!template) return;
    inside.querySelectorAll("[data-or-passkey]").forEach((code) => {
      const field = code.closest(".field");
      if (!code.form || field.previousElementSibling?.matches(".passkey-choice")) return;
      const choice = template.content.firstElementChild.cloneNode(true);
      choice.querySelector("button").addEventListener("click", () => {
        go(code.form, choice, requested, (options) => navigator.credentials.get(options));
      });
      field.before(choice);
    });
  }

  if (maker) {
    maker.querySelector("[data-needs-passkeys]").hidden = false;
    maker.querySelector("[data-without-passkeys]").hidden = true;
    maker.addEventListener("submit", (event) => {
      if (answers(maker).length) return;
      event.preventDefault();
      event.stopPropagation();
      go(maker, maker, made, (options) => navigator.credentials.create(options));
    });
  }

  // An answer serves once: it must not come back with the page.
  addEventListener("pagehide", () => { document.querySelectorAll("input[name=passkey]").forEach((one) => { one.remove(); }); });
  document.body.addEventListener("htmx:afterSwap", () => { offer(document); });
  offer(document);
})();
