/* The page that shows a new key: it is switched on in place, and its first request is watched for. No borrowed code runs beside secrets. */
(() => {
  "use strict";
  const EVERY_MS = 2000;
  const MOST_FAILURES = 5;
  let failures = 0;

  // What is asked for is a part of this very page, made by our server.
  function part(text) {
    return document.adoptNode(new DOMParser().parseFromString(text, "text/html").body.firstElementChild);
  }

  // In place, because the values are nowhere but on this page. Whatever goes wrong, they stay.
  async function send(form, place) {
    const sent = {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      credentials: "same-origin",
      redirect: "error",
      headers: { "HX-Request": "true" },
    };
    const answer = await fetch(form.action, sent).catch(() => null);
    if (answer && answer.ok && !answer.headers.has("hx-redirect")) {
      place.replaceWith(part(await answer.text()));
      document.getElementById(place.id).focus();
      return;
    }
    const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
    const said = page ? [...page.querySelectorAll("main .lead, main .lead + p")].map((one) => one.textContent.trim()) : [];
    const problem = document.getElementById(`${place.id}-problem`);
    problem.textContent = said.join(" ") || problem.dataset.failed;
    problem.hidden = false;
    problem.focus();
    delete form.dataset.sent;
    form.querySelector("button").disabled = false;
  }

  for (const form of document.querySelectorAll("[data-in-place]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!form.dataset.sent) send(form, document.getElementById(form.dataset.inPlace));
    });
  }

  async function look() {
    const place = document.querySelector("[data-watch]");
    if (!place) return;
    if (!document.hidden) {
      const asked = { credentials: "same-origin", redirect: "error", headers: { "HX-Request": "true" } };
      const answer = await fetch(place.dataset.watch, asked).catch(() => null);
      failures = answer && answer.ok ? 0 : failures + 1;
      // 204 says: what you show is still so. Nothing is touched then, or a reader would hear it again.
      if (answer && answer.status === 200) place.replaceWith(part(await answer.text()));
    }
    if (failures < MOST_FAILURES) setTimeout(look, EVERY_MS);
  }

  setTimeout(look, EVERY_MS);
})();
