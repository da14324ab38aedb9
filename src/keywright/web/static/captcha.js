/* The captcha's settings: which worker does the work, what it says, and nothing watched but that. */
const widget = document.querySelector("altcha-widget");
if (widget) {
  const { worker, label, verifying, verified, error } = widget.dataset;
  globalThis.$altcha.algorithms.set("PBKDF2/SHA-256", () => new Worker(worker));
  const said = { label, verifying, verified, error, expired: error, loading: verifying, waitAlert: verifying };
  globalThis.$altcha.i18n.set("en", { ...globalThis.$altcha.i18n.get("en"), ...said });
  widget.configure({ hideFooter: true, hideLogo: true, humanInteractionSignature: false, minDuration: 0, type: "native" });

  // Who is quicker than the browser need not press twice: the form goes off when the work is done.
  const form = widget.closest("form");
  let waits = false;
  let pressed = null;
  form.addEventListener("click", (event) => { pressed = event.target.closest("button:not([type=button])") || pressed; });
  form.addEventListener("invalid", (event) => {
    const others = [...form.querySelectorAll(":invalid")].filter((one) => !widget.contains(one) && one.matches("input,select,textarea"));
    if (!widget.contains(event.target) || widget.getState() !== "verifying" || others.length) return;
    event.preventDefault();
    waits = true;
  }, true);
  widget.addEventListener("statechange", (event) => {
    if (!waits || event.detail.state !== "verified") return;
    waits = false;
    setTimeout(() => { form.requestSubmit(pressed && pressed.form === form ? pressed : null); });
  });
}
