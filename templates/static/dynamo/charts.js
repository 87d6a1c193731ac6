// Draws the charts of the dashboard. The page also has their numbers as text and tables.
"use strict";
(() => {
  const containers = [...document.querySelectorAll("[data-chart]")];
  if (!containers.length || typeof uPlot === "undefined") return;
  const probe = document.createElement("span");
  probe.hidden = true;
  containers[0].after(probe);
  // A canvas cannot use light-dark(): resolve the colour for the current scheme.
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const clear = (rgb, share) => rgb.replace(/^rgba?\(([^,]+),([^,]+),([^,)]+).*$/, `rgba($1,$2,$3,${share})`);
  const day = new Intl.DateTimeFormat("en-GB", {day: "numeric", month: "short", timeZone: "UTC"});
  const long = new Intl.DateTimeFormat("en-GB", {weekday: "short", day: "numeric", month: "short", timeZone: "UTC"});
  const whole = (values) => values.map((value) => (Number.isInteger(value) ? value.toLocaleString("en-GB") : ""));

  // Stacked bars: each series is drawn up to the sum of the series before it, the tallest first.
  const stacked = (series) => {
    const sums = [];
    let below = null;
    for (const line of series) {
      below = line.values.map((value, place) => (value || 0) + (below ? below[place] : 0));
      sums.push(below);
    }
    return sums;
  };

  const options = (kind, data, width) => {
    const dots = kind === "dots";
    const ink = colour("ink-soft");
    const grid = {stroke: colour("line"), width: 1};
    const font = "12px system-ui, sans-serif";
    const axis = {stroke: ink, font, grid: {show: false}, ticks: {show: false}};
    const drawn = kind === "bars" ? [...data.series].reverse() : data.series;
    const series = drawn.map((line) => {
      const tone = colour(`draw-${line.colour}`);
      const legendValue = (_plot, _value, _series, place) => (place == null ? "" : line.values[place] ?? "none");
      const base = {label: line.label, stroke: tone, value: legendValue, points: {show: false}};
      if (kind === "bars") return {...base, fill: tone, width: 0, paths: uPlot.paths.bars({size: [0.7, 28], align: 0})};
      if (dots) return {...base, width: 0, paths: () => null, points: {show: true, size: 7, fill: tone, stroke: tone}};
      return {...base, width: 2, fill: clear(tone, 0.08), spanGaps: true, points: {show: true, size: 5, fill: tone, stroke: tone}};
    });
    const half = 43200;
    return {
      width,
      height: width < 500 ? 190 : 230,
      padding: [8, 26, 0, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      scales: {
        x: {time: !dots, range: (_plot, low, high) => (dots ? [low - 0.5, high + 0.5] : [low - half, high + half])},
        y: {range: (_plot, _low, high) => [0, Math.max(high * 1.1, dots ? 1 : 4)]},
      },
      axes: [
        {...axis, space: 60, values: (_plot, splits) => (dots ? splits.map(() => "") : splits.map((seconds) => day.format(seconds * 1000)))},
        {...axis, grid, size: 46, values: dots ? (_plot, splits) => splits.map((seconds) => `${seconds} s`) : (_plot, splits) => whole(splits)},
      ],
      series: [{label: dots ? "Post" : "Day", value: (_plot, at) => (at == null ? "" : dots ? `${at} of ${data.x.length}` : long.format(at * 1000))}, ...series],
      legend: {live: true},
      cursor: {drag: {x: false, y: false}, points: {show: kind === "lines"}, y: false},
      hooks: {
        drawClear: [
          (plot) => {
            if (!data.today) return;
            const at = plot.valToPos(data.today, "x", true);
            plot.ctx.fillStyle = clear(colour("ink-soft"), 0.13);
            const step = plot.valToPos(data.today + 2 * half, "x", true) - at;
            plot.ctx.fillRect(at - step / 2, plot.bbox.top, step, plot.bbox.height);
          },
        ],
      },
    };
  };

  const plots = new Map();
  const draw = (container) => {
    const data = JSON.parse(document.getElementById(container.dataset.from).textContent);
    const width = Math.floor(container.clientWidth);
    if (!data.x.length || !width) return;
    const kind = container.dataset.chart;
    const values = data.series.map((line) => line.values);
    const rows = kind === "bars" ? stacked(data.series).reverse() : values;
    if (plots.has(container)) plots.get(container).destroy();
    plots.set(container, new uPlot(options(kind, data, width), [data.x, ...rows], container));
  };
  const drawAll = () => containers.forEach(draw);
  let wide = 0;
  new ResizeObserver(() => {
    if (document.body.clientWidth === wide) return;
    wide = document.body.clientWidth;
    drawAll();
  }).observe(document.body);
  new MutationObserver(drawAll).observe(document.documentElement, {attributeFilter: ["data-theme"]});
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
