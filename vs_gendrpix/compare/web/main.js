"use strict";
// Buttons, keys, and what they show of the view.

const element = (name) => document.getElementById(name);
const buttons = (name) => [...element(name).querySelectorAll("button")];

function choose(name, key, act) {
  for (const button of buttons(name)) button.onclick = () => act(button.dataset[key]);
}

function press(name, key, value) {
  for (const button of buttons(name)) {
    button.setAttribute("aria-pressed", button.dataset[key] === String(value));
  }
}

function pick(side, to) {
  view[side] = Number(to);
  rebuild();
}

function swap() {
  [view.left, view.right] = [view.right, view.left];
  rebuild();
}

function setGain(gain) {
  view.gain = Number(gain);
  setMode("difference");
}

function setMeasure(index) {
  measure = Number(index);
  draw();
  drawStrip();
}

function setOrder(chosen) {
  order = chosen;
  press("orders", "order", order);
  drawStrip();
}

function step(by) {
  const to = view.frame + by;
  if (data.shown[to]) show(to);
}

function nextWorse() {
  const places = byWorst();
  show(places[(places.indexOf(view.frame) + 1) % places.length]);
}

function refresh() {
  press("modes", "mode", view.mode);
  press("gains", "gain", view.gain);
  press("flips", "side", view.current);
  document.body.dataset.mode = view.mode;
  element("left").value = view.left;
  element("right").value = view.right;
  element("whole").textContent = `${Math.round(view.scale * 100)} %`;
  const { number, time } = data.shown[view.frame];
  element("status").textContent = data.frames > 1
    ? `frame ${number} of ${data.frames} \u00b7 ${time.toFixed(2)} s` : "";
  markStrip();
}

for (const [side, name] of data.names.entries()) {
  for (const list of ["left", "right"]) {
    element(list).append(made("option", { value: side, textContent: `${side + 1} ${name}` }));
  }
  const flip = made("button", { textContent: `${side + 1} ${name}`, title: name });
  flip.dataset.side = side;
  element("flips").append(flip);
}
for (const [index, { name, tells }] of data.measures.entries()) {
  element("measure").append(made("option", { value: index, textContent: name, title: tells }));
}
choose("modes", "mode", setMode);
choose("gains", "gain", setGain);
choose("flips", "side", (side) => flipTo(Number(side)));
choose("orders", "order", setOrder);
for (const side of ["left", "right"]) element(side).onchange = (event) => pick(side, event.target.value);
element("measure").onchange = (event) => setMeasure(event.target.value);

const ACTIONS = {
  swap,
  fit: () => layOut(fit),
  in: () => zoomTo(nextScale(true)),
  out: () => zoomTo(nextScale(false)),
  whole: () => zoomTo(1),
  before: () => step(-1),
  after: () => step(1),
  help: () => element("keys").showModal(),
};
for (const [name, act] of Object.entries(ACTIONS)) element(name).onclick = act;

const KEYS = {
  s: () => setMode("slider"),
  b: () => setMode("side"),
  d: () => setMode("difference"),
  g: () => setGain(GAINS[(GAINS.indexOf(view.gain) + 1) % GAINS.length]),
  x: swap,
  f: ACTIONS.fit,
  z: ACTIONS.whole,
  w: nextWorse,
  "+": ACTIONS.in, "=": ACTIONS.in, "-": ACTIONS.out,
  "?": ACTIONS.help,
  " ": () => flipTo((view.current + 1) % data.names.length),
  ",": () => step(-1),
  ".": () => step(1),
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  Home: () => show(0),
  End: () => show(data.shown.length - 1),
};

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || element("keys").open) return;
  if (target.matches("select")) return;
  if (target.matches("img-comparison-slider") && key.startsWith("Arrow")) return; // its divider
  if (target.matches("button") && key === " ") return;
  const side = Number(key) - 1;
  const act = data.names[side] ? () => flipTo(side) : KEYS[key.length === 1 ? key.toLowerCase() : key];
  if (!act) return;
  event.preventDefault();
  act();
});

onView.push(refresh);
document.body.classList.toggle("still", data.shown.length < 2);
drawTrial();
drawFacts();
drawNotes();
show(byWorst()[0]).then(() => {
  setOrder("worst");
  draw();
});
