/* A key's usage: the chart, drawn from the table beside it, and following what comes. The page says all without it. */
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  const DAY_MS = 24 * 60 * 60 * 1000;

  // ── the chart ──────────────────────────────────────────────────────────────────────────────────────────────────

  const place = $("chart");

  function figures() {
    const { from, until, width } = place.dataset;
    const known = new Map();
    document.querySelectorAll("#chart-table tbody tr").forEach(({ dataset }) => {
      known.set(Number(dataset.at), [Number(dataset.allowed), Number(dataset.refused)]);
    });
    const at = [], allowed = [], refused = [], all = [];
    for (let begin = Number(from); begin < Number(until); begin += Number(width)) {
      const [good, bad] = known.get(begin) || [0, 0];
      at.push(begin / 1000);
      allowed.push(good);
      refused.push(bad);
      all.push(good + bad);
    }
    return { at, allowed, refused, all, width: Number(width), until: Number(until), from: Number(from) };
  }

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  // Refused bars are hatched: who can't tell the colours apart sees them all the same.
  function hatched(ink, ground) {
    const tile = document.createElement("canvas");
    const side = Math.round(6 * devicePixelRatio);
    tile.width = tile.height = side;
    const pen = tile.getContext("2d");
    pen.fillStyle = ground;
    pen.fillRect(0, 0, side, side);
    pen.strokeStyle = ink;
    pen.lineWidth = side / 3;
    pen.beginPath();
    for (const shift of [-side, 0, side]) {
      pen.moveTo(shift, side);
      pen.lineTo(shift + side, 0);
    }
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  }

  function written(options) {
    const format = new Intl.DateTimeFormat(language, { timeZone: "UTC", ...options });
    return (seconds) => format.format(new Date(seconds * 1000));
  }

  function draw(shown) {
    const { at, allowed, refused, all, width, from, until } = shown;
    const days = until - from > 2 * DAY_MS;
    const onAxis = written(days ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" });
    const exact = written(width < DAY_MS
      ? { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" });
    const count = new Intl.NumberFormat(language);
    const says = $("chart-says");
    const bars = uPlot.paths.bars({ size: [0.82, 48], align: 1, radius: 0.12 });
    const axis = {
      stroke: colour("--ink-faint"),
      font: `12px ${getComputedStyle(document.body).fontFamily}`,
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
      gap: 6,
    };
    return new uPlot({
      width: place.clientWidth,
      height: 190,
      // Half of the last hour stands beyond the end.
      padding: [8, 20, 0, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { range: [from / 1000, until / 1000] },
        y: { range: (_, __, most) => [0, Math.max(Math.ceil(most * 1.05), 1)] },
      },
      axes: [
        { ...axis, grid: { show: false }, values: (_, splits) => splits.map(onAxis), space: 64, size: 28, ...(days ? { incrs: [86400, 2 * 86400, 7 * 86400, 14 * 86400, 30 * 86400] } : {}) },
        { ...axis, values: (_, splits) => splits.map((one) => count.format(one)), incrs: [1, 2, 5].flatMap((one) => Array.from({ length: 7 }, (_, power) => one * 10 ** power)).sort((a, b) => a - b), size: 52 },
      ],
      series: [
        {},
        { paths: bars, fill: () => hatched(colour("--bad"), colour("--bad-soft")), stroke: colour("--bad"), width: 1, points: { show: false } },
        { paths: bars, fill: colour("--accent"), stroke: colour("--accent"), width: 1, points: { show: false } },
      ],
      hooks: {
        setCursor: [(chart) => {
          const index = chart.cursor.left < 0 ? null : chart.posToIdx(chart.cursor.left);
          if (index === null || !says) { if (says) says.textContent = ""; return; }
          const bucket = Math.min(Math.max(chart.posToVal(chart.cursor.left, "x") >= at[index] ? index : index - 1, 0), at.length - 1);
          const values = {
            from: exact(at[bucket]),
            until: exact(at[bucket] + width / 1000),
            allowed: count.format(allowed[bucket]),
            refused: count.format(refused[bucket]),
          };
          says.textContent = says.dataset.says.replace(/\{(\w+)\}/g, (_, name) => values[name]);
        }],
      },
    // A bar without a height is left out, or its outline would lie on the ground.
    }, [at, all.map((one, index) => (refused[index] ? one : null)), allowed.map((one) => one || null)], place);
  }

  if (place && typeof uPlot !== "undefined") {
    const shown = figures();
    place.hidden = false;
    let chart = draw(shown);
    new ResizeObserver(() => {
      if (place.clientWidth) chart.setSize({ width: place.clientWidth, height: 190 });
    }).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      chart.destroy();
      chart = draw(shown);
    });
  }

  // ── following ──────────────────────────────────────────────────────────────────────────────────────────────────

  const EVERY_MS = 2000;
  // A page that is left alone must not keep anyone signed in: it stops long before the session would have ended.
  const REST_MS = 15 * 60 * 1000;
  const SPEAK_MS = 10000;
  const MOST_ROWS = 300;
  const rows = $("records");
  const button = $("follow");
  const state = $("follow-says");
  let upto = rows ? Number(rows.dataset.upto) : 0;
  let clock, rest, spoken = 0;

  function announce(text) {
    const region = $("announcements");
    region.textContent = "";
    setTimeout(() => { region.textContent = text; }, 60);
  }

  function say(text) {
    state.textContent = text;
    announce(text);
  }

  function toggle() {
    const words = button.querySelector("span");
    [words.textContent, button.dataset.pause] = [button.dataset.pause, words.textContent];
    button.classList.toggle("is-following", Boolean(clock));
  }

  function ask() {
    if (!document.hidden) htmx.trigger(rows, "follow");
  }

  function begin() {
    if (clock) return;
    clock = setInterval(ask, EVERY_MS);
    rest = setTimeout(() => { end(state.dataset.rested); }, REST_MS);
    toggle();
    say(state.dataset.on);
    ask();
  }

  function end(text) {
    if (!clock) return;
    clearInterval(clock);
    clearTimeout(rest);
    clock = 0;
    toggle();
    say(text);
  }

  // Most people never follow: htmx is fetched when someone does.
  function withHtmx(next) {
    if (typeof htmx !== "undefined") { next(); return; }
    const script = document.createElement("script");
    script.integrity = button.dataset.integrity;
    script.src = button.dataset.src;
    script.addEventListener("load", next);
    script.addEventListener("error", () => { say(document.body.dataset.failed); });
    document.head.append(script);
  }

  if (button && rows) {
    button.hidden = false;
    button.addEventListener("click", () => { if (clock) end(state.dataset.off); else withHtmx(begin); });
    document.body.addEventListener("htmx:configRequest", (event) => {
      if (event.target === rows) event.detail.parameters = { after: String(upto) };
    });
    document.body.addEventListener("followed", (event) => {
      upto = event.detail.upto;
      if (event.detail.said && Date.now() - spoken > SPEAK_MS) {
        spoken = Date.now();
        announce(event.detail.said);
      }
    });
    rows.addEventListener("htmx:afterSwap", () => {
      if (!rows.children.length) return;
      $("sheet").hidden = false;
      if ($("nothing")) $("nothing").hidden = true;
      while (rows.children.length > MOST_ROWS) rows.lastElementChild.remove();
    });
    for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
      rows.addEventListener(name, () => { end(document.body.dataset.failed); });
    }
  }
})();
