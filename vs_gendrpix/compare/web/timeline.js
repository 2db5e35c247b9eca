"use strict";
// The measures over the clip: a curve for each side, and a press that leads to the frame.

const COLORS = ["--side-1", "--side-2", "--side-3", "--side-4", "--side-5", "--side-6"];
const WHOLE = [1, 2, 5].flatMap((each) => [1, 1e1, 1e2, 1e3, 1e4].map((by) => each * by))
  .sort((a, b) => a - b);
const timeline = document.getElementById("timeline");
let measure = 0;
let plot = null;

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const said = (value) => (value == null ? "\u2013" : value.toFixed(Math.abs(value) < 10 ? 2 : 1));

function nearestShown(place) {
  const far = (index) => Math.abs(data.shown[index].place - place);
  return data.shown.reduce((best, _, index) => (far(index) < far(best) ? index : best), 0);
}

// How bad a frame is by the measure that is chosen: that of its worst side.
function badness(place) {
  const { curves, higher } = data.measures[measure];
  const values = curves.map((curve) => curve?.[place]).filter((value) => value != null);
  return Math.max(-Infinity, ...values.map((value) => (higher ? -value : value)));
}

function drawMarks(u) {
  const { ctx, bbox } = u;
  const at = (card) => Math.round(u.valToPos(card.number, "x", true)) + 0.5;
  ctx.save();
  ctx.fillStyle = color("--faint");
  for (const card of data.shown) {
    ctx.fillRect(at(card) - 1.5, bbox.top + bbox.height - 6, 3, 6);
  }
  ctx.fillStyle = color("--accent");
  ctx.fillRect(at(data.shown[view.frame]) - 1, bbox.top, 2, bbox.height);
  ctx.restore();
}

function draw() {
  plot?.destroy();
  plot = null;
  if (data.times.length < 2) return;
  const { curves } = data.measures[measure];
  const sides = data.names.map((_, side) => side).filter((side) => curves[side]);
  const axis = {
    stroke: color("--text"), grid: { stroke: color("--line"), width: 1 },
    ticks: { stroke: color("--line"), width: 1 }, font: "11px system-ui", size: 40,
  };
  const options = {
    width: timeline.clientWidth,
    height: timeline.clientHeight,
    scales: { x: { time: false } },
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
    axes: [{ ...axis, size: 24, incrs: WHOLE }, axis],
    series: [{}, ...sides.map((side) => ({
      label: data.names[side], stroke: color(COLORS[side]), width: 1.5, points: { show: false },
    }))],
    hooks: {
      draw: [drawMarks],
      setCursor: [(u) => { tellValues(u.cursor.idx ?? data.shown[view.frame].place); }],
    },
  };
  const numbers = data.times.map((_, place) => place * data.step);
  plot = new uPlot(options, [numbers, ...sides.map((side) => curves[side])], timeline);
  plot.over.addEventListener("click", () => {
    if (plot.cursor.idx != null) show(nearestShown(plot.cursor.idx));
  });
  tellValues(data.shown[view.frame].place);
}

function tellValues(place) {
  const { curves } = data.measures[measure];
  const rows = data.names.flatMap((name, side) => (curves[side] ? [made("span", {},
    made("i", { style: `background: var(${COLORS[side]})` }),
    `${name} ${said(curves[side][place])}`)] : []));
  document.getElementById("values").replaceChildren(made("span", { textContent: `frame ${place * data.step}` }), ...rows);
}

new ResizeObserver(() => requestAnimationFrame(() => {
  if (plot && timeline.clientWidth) {
    plot.setSize({ width: timeline.clientWidth, height: timeline.clientHeight });
  }
})).observe(timeline);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
onView.push(() => {
  plot?.redraw(false);
  tellValues(data.shown[view.frame].place);
});
