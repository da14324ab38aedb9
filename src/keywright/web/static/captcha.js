/* The captcha's settings: which worker does the work, what it says, and nothing watched but that. */
const widget = document.querySelector("altcha-widget");
if (widget) {
  const { worker, label, verifying, verified, error } = widget.dataset;
  globalThis.$altcha.algorithms.set("PBKDF2/SHA-256", () => new Worker(worker));
  const said = { label, verifying, verified, error, expired: error, loading: verifying, waitAlert: verifying };
  globalThis.$altcha.i18n.set("en", { ...globalThis.$altcha.i18n.get("en"), ...said });
  widget.configure({ hideFooter: true, hideLogo: true, humanInteractionSignature: false, minDuration: 0, type: "native" });
}
