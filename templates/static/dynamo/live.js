// Loads parts of a page that come from the platform, and draws tables as bar charts. Without it, links and tables stay.
"use strict";
(() => {
  const charts = new Map();

  const draw = (table) => {
    const rows = [...table.querySelectorAll("tr")];
    const names = rows.map((row) => row.cells[0].textContent);
    const values = rows.map((row) => Number(row.cells[1].dataset.value));
    const labels = rows.map((row) => row.cells[1].textContent);
    if (rows.length < 2 || !window.uPlot) return;
    charts.get(table)?.plot.destroy();
    const box = charts.get(table)?.box ?? document.createElement("div");
    box.className = "chart";
    box.setAttribute("aria-hidden", "true");
    table.before(box);
    table.classList.add("sr");
    // Computed styles resolve light-dark() for the current colour scheme.
    const { color, fill, stroke, fontFamily, width } = getComputedStyle(box);
    const ratio = window.devicePixelRatio || 1;
    const label = Math.min(150, parseFloat(width) * 0.4);
    const font = `12px ${fontFamily}`;
    // Leave room for the longest number beside the longest bar.
    const room = Math.max(60, parseFloat(width) - label);
    const beside = Math.max(...labels.map((label) => label.length)) * 7.5 + 12;
    const cut = (name) => (name.length * 6.4 > label ? `${name.slice(0, Math.floor(label / 6.4) - 1)}…` : name);
    const drawLabels = (plot) => {
      const { ctx } = plot;
      ctx.save();
      ctx.font = `600 ${12 * ratio}px ${fontFamily}`;
      ctx.fillStyle = color;
      ctx.textAlign = "left";
      ctx.textBaseline = "middle";
      labels.forEach((label, at) => ctx.fillText(label, plot.valToPos(values[at], "y", true) + 6 * ratio, plot.valToPos(at, "x", true)));
      ctx.restore();
    };
    const plot = new window.uPlot({
      width: parseFloat(width),
      height: rows.length * 26 + 4,
      padding: [2, 0, 2, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, ori: 1, dir: -1, range: [-0.5, rows.length - 0.5] },
        y: { ori: 0, dir: 1, range: [0, Math.max(1, ...values) * room / Math.max(20, room - beside)] },
      },
      axes: [
        { side: 3, size: label, gap: 8, font, stroke: color, grid: { show: false }, ticks: { show: false }, splits: () => names.map((_, at) => at), values: () => names.map(cut) },
        { show: false },
      ],
      series: [{}, { fill, stroke: fill, width: 0, points: { show: false }, paths: window.uPlot.paths.bars({ size: [0.62, 18], radius: 0.2 }) }],
      hooks: { draw: [drawLabels] },
    }, [names.map((_, at) => at), values], box);
    box.style.borderColor = stroke;
    charts.set(table, { plot, box });
  };

  const drawAll = (place) => place.querySelectorAll("table[data-chart]").forEach(draw);

  const loadPart = async (part, url) => {
    const response = await fetch(`${url}?part=1`, { redirect: "error" });
    if (!(response.headers.get("content-type") || "").startsWith("text/html")) throw new Error("not an HTML part");
    part.innerHTML = await response.text();
    drawAll(part);
  };

  const load = async (part) => {
    part.setAttribute("aria-busy", "true");
    part.firstElementChild?.classList.add("waits");
    try {
      await loadPart(part, part.dataset.part);
    } catch {
      const link = document.createElement("a");
      link.href = part.dataset.part;
      link.textContent = "try again";
      const message = document.createElement("p");
      message.className = "notice notice-amber";
      message.append("Could not load this part; ", link, ".");
      part.replaceChildren(message);
    }
    part.removeAttribute("aria-busy");
  };

  // Reload a part every 3 s while it contains [data-more].
  const poll = (part) => {
    if (!part.querySelector("[data-more]")) return;
    setTimeout(async () => {
      if (!document.hidden) await loadPart(part, part.dataset.again).catch(() => {});
      poll(part);
    }, 3000);
  };

  drawAll(document);
  document.querySelectorAll("[data-part]").forEach(load);
  document.querySelectorAll("[data-again]").forEach(poll);

  let due = 0;
  const redraw = () => {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(() => [...charts.keys()].forEach((table) => table.isConnected && draw(table)));
  };
  window.addEventListener("resize", redraw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
})();
