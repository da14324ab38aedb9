/* The page that shows a new key: its first request is watched for. No borrowed code runs beside secrets. */
(() => {
  "use strict";
  const EVERY_MS = 2000;
  const MOST_FAILURES = 5;
  let failures = 0;

  // What is asked for is a part of this very page, made by our server.
  function part(text) {
    return document.adoptNode(new DOMParser().parseFromString(text, "text/html").body.firstElementChild);
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
