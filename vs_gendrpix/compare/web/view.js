"use strict";
// The pictures: four ways to compare them, under one pan and zoom that all panes share.

const data = JSON.parse(document.getElementById("data").textContent);
const stage = document.getElementById("stage");
const SCALES = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32];
const GAINS = [1, 4, 16];
const NOTCH = 60; // pixels of a wheel's turn to the next scale: touchpads send many small ones

// `scale` is device pixels for a pixel of the picture, so that 1 is exact on every screen. `lay` lays
// the pictures into the panes at each change, until somebody moves them.
const view = {
  mode: "slider", left: 0, right: data.trial?.right ?? 1, current: 0, gain: 1, frame: 0,
  x: 0, y: 0, scale: 1, lay: begin, divider: 50,
};
const onView = []; // called after each change of the view
let panes = []; // {pane, zoom}: zoom is Panzoom's object
let pictures = []; // the decoded pictures of the frame, by side

function made(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function tell() {
  for (const each of onView) each();
}

function pane(sides) {
  const sheet = made("div", { className: "sheet" });
  for (const side of sides) sheet.append(layer(side));
  return made("div", { className: "pane" }, sheet);
}

function layer(side) {
  const picture = pictures[side].cloneNode();
  picture.dataset.side = side;
  picture.alt = data.names[side];
  return picture;
}

function label(side, place = "") {
  const text = made("div", { className: `label ${place}` }, made("b", { textContent: side + 1 }));
  text.append(` ${data.names[side]}`);
  const scaled = data.remarks[side].find((remark) => remark.startsWith("scaled"));
  for (const line of [data.captions[side], scaled]) {
    if (line) text.append(made("small", { textContent: line }));
  }
  return text;
}

const BUILD = {
  slider() {
    const first = pane([view.left]);
    const second = pane([view.right]);
    first.slot = "first";
    second.slot = "second";
    const handle = made("div", { className: "handle panzoom-exclude", slot: "handle" });
    const slider = document.createElement("img-comparison-slider");
    slider.setAttribute("handle", "");
    slider.setAttribute("value", view.divider);
    slider.setAttribute("aria-label", "divider between the pictures: left and right arrow");
    slider.append(second, first, handle);
    slider.addEventListener("slide", () => { view.divider = slider.value; });
    stage.append(slider, label(view.left), label(view.right, "right"));
    return [first, second];
  },
  flip() {
    const all = pane(data.names.map((_, side) => side));
    stage.append(all, label(view.current));
    for (const picture of all.querySelectorAll("img")) {
      picture.classList.toggle("hidden", Number(picture.dataset.side) !== view.current);
    }
    return [all];
  },
  side() {
    return data.names.map((_, side) => {
      const one = pane([side]);
      one.append(label(side));
      stage.append(one);
      return one;
    });
  },
  difference() {
    const both = pane([view.left, view.right]);
    both.classList.add("difference");
    both.style.filter = `brightness(${view.gain})`;
    const text = `|${data.names[view.left]} \u2212 ${data.names[view.right]}| \u00d7 ${view.gain}`;
    stage.append(both, made("div", { className: "label", textContent: text }));
    return [both];
  },
};

// Columns of the panes that leave the pictures the most room.
function columns() {
  if (view.mode !== "side") return 1;
  const { width, height } = stage.getBoundingClientRect();
  const count = data.names.length;
  const room = (across) => Math.min(
    width / across / data.size.width, height / Math.ceil(count / across) / data.size.height);
  const choices = data.names.map((_, index) => index + 1);
  return choices.reduce((best, each) => (room(each) > room(best) * 1.01 ? each : best));
}

function rebuild() {
  const center = panes.length ? seen() : null;
  for (const { zoom } of panes) zoom.destroy();
  stage.replaceChildren();
  stage.dataset.mode = view.mode;
  const across = columns();
  const down = view.mode === "side" ? Math.ceil(data.names.length / across) : 1;
  stage.style.setProperty("--columns", across);
  stage.style.setProperty("--rows", down);
  stage.style.setProperty("--height", `${stage.clientHeight}px`);
  const ratio = window.devicePixelRatio;
  stage.style.setProperty("--sheet-width", `${data.size.width / ratio}px`);
  stage.style.setProperty("--sheet-height", `${data.size.height / ratio}px`);
  panes = BUILD[view.mode]().map((each) => ({ pane: each, zoom: locked(each) }));
  if (view.lay) view.lay();
  else look(center, view.scale);
}

function locked(element) {
  const sheet = element.firstElementChild;
  let ready = false;
  const zoom = Panzoom(sheet, {
    canvas: true, cursor: "grab", minScale: SCALES[0], maxScale: SCALES.at(-1), step: 0.5,
    setTransform(_, { x, y, scale }) { if (ready) place(x, y, scale); },
    // Panzoom would stop the event, and with it the tap and the focus.
    handleStartEvent() {},
  });
  sheet.addEventListener("panzoomchange", ({ detail: { x, y, scale } }) => {
    if (!ready) return;
    for (const other of panes) if (other.zoom !== zoom) follow(other.zoom, x, y, scale);
  });
  sheet.addEventListener("panzoomstart", () => { view.lay = null; });
  // Panzoom begins at its own place, by a timer and by frames that it has asked for before these.
  setTimeout(() => {
    follow(zoom, view.x, view.y, view.scale);
    requestAnimationFrame(() => { ready = true; });
  });
  return zoom;
}

function follow(zoom, x, y, scale) {
  const still = { silent: true, force: true, setTransform() {} };
  zoom.zoom(scale, still);
  zoom.pan(x, y, still);
}

// Move all sheets at once. The corner lies on a pixel of the screen, or all pixels would be cut.
function place(x, y, scale) {
  const ratio = window.devicePixelRatio;
  const shift = [[x, data.size.width], [y, data.size.height]].map(([to, size]) => {
    const half = size / ratio / 2;
    const corner = Math.round((half + scale * (to - half)) * ratio) / ratio;
    return corner - half + scale * half;
  });
  Object.assign(view, { x, y, scale });
  stage.style.setProperty(
    "--view", `translate(${shift[0]}px, ${shift[1]}px) scale(${scale})`);
  stage.classList.toggle("reduced", scale < 1);
  tell();
}

// The point of the picture, in its pixels, that lies in the middle of the panes.
function seen() {
  const room = panes[0].pane;
  const ratio = window.devicePixelRatio;
  const at = (to, size, wide) => (
    size / 2 + (wide / 2 - size / ratio / 2) * ratio / view.scale - to * ratio);
  return {
    x: at(view.x, data.size.width, room.clientWidth),
    y: at(view.y, data.size.height, room.clientHeight),
  };
}

// Lay a point of the picture into the middle of the panes.
function look(point, scale) {
  const ratio = window.devicePixelRatio;
  const room = panes[0].pane;
  const to = (at, size, wide) => (size / 2 - at) / ratio + (wide / 2 - size / ratio / 2) / scale;
  const x = to(point.x, data.size.width, room.clientWidth);
  const y = to(point.y, data.size.height, room.clientHeight);
  for (const { zoom } of panes) follow(zoom, x, y, scale);
  place(x, y, scale);
}

// Pixel for pixel where the pictures differ most, as nothing is to be seen of that in a small picture;
// one that has room is shown whole.
function begin() {
  const { clientWidth, clientHeight } = panes[0].pane;
  const [wide, high] = [clientWidth, clientHeight].map((each) => each * window.devicePixelRatio);
  const { width, height } = data.size;
  const [x, y] = data.shown[view.frame].spot;
  const within = (at, size, room) => (
    size > room ? Math.min(Math.max(at, room / 2), size - room / 2) : size / 2);
  if (width <= wide && height <= high) fit();
  else look({ x: within(x, width, wide), y: within(y, height, high) }, 1);
}

function fit() {
  const room = panes[0].pane;
  const ratio = window.devicePixelRatio;
  const scale = Math.min(
    room.clientWidth * ratio / data.size.width, room.clientHeight * ratio / data.size.height);
  look(
    { x: data.size.width / 2, y: data.size.height / 2 },
    scale < 1 ? scale : Math.min(Math.floor(scale), SCALES.at(-1)));
}

function layOut(how) {
  view.lay = how;
  how();
}

function zoomTo(scale) {
  view.lay = null;
  look(seen(), scale);
}

function nextScale(up) {
  const rounded = view.scale * (up ? 1.001 : 0.999);
  return up
    ? SCALES.find((each) => each > rounded) ?? SCALES.at(-1)
    : SCALES.findLast((each) => each < rounded) ?? SCALES[0];
}

let turned = 0;
stage.addEventListener("wheel", (event) => {
  const found = panes.find(({ pane: each }) => each.contains(event.target)) ?? panes[0];
  event.preventDefault();
  turned += event.deltaMode ? event.deltaY * NOTCH : event.deltaY;
  if (Math.abs(turned) < NOTCH) return;
  view.lay = null;
  found.zoom.zoomToPoint(nextScale(turned < 0), event);
  turned = 0;
}, { passive: false });

function flipTo(side) {
  view.current = side;
  if (view.mode === "flip") {
    for (const picture of stage.querySelectorAll("img")) {
      picture.classList.toggle("hidden", Number(picture.dataset.side) !== side);
    }
    stage.querySelector(".label").replaceWith(label(side));
    tell();
  } else {
    setMode("flip");
  }
}

function setMode(mode) {
  view.mode = mode;
  rebuild();
}

// A tap is a press that does not move: it flips.
let pressed = null;
stage.addEventListener("pointerdown", (event) => { pressed = event; });
stage.addEventListener("pointerup", (event) => {
  const far = pressed && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY);
  if (view.mode === "flip" && pressed?.isPrimary && event.button === 0 && far < 6) {
    flipTo((view.current + 1) % data.names.length);
  }
  pressed = null;
});

const loaded = new Map();

function load(frame) {
  if (!loaded.has(frame)) {
    const all = data.shown[frame].pictures.map((address) => {
      const picture = made("img", { src: address, decoding: "sync", draggable: false });
      return picture.decode().then(() => picture);
    });
    loaded.set(frame, Promise.all(all));
    if (loaded.size > 4) loaded.delete(loaded.keys().next().value);
  }
  return loaded.get(frame);
}

let wanted = 0;

// Show a frame once all its pictures are decoded, so that none is seen beside one of another frame.
async function show(frame) {
  wanted = frame;
  const found = await load(frame);
  if (wanted !== frame) return;
  view.frame = frame;
  pictures = found;
  rebuild();
  for (const near of [frame + 1, frame - 1]) if (data.shown[near]) load(near);
}

let roomBefore = "";
// In a frame of its own: what is drawn anew may change sizes again, which an observer must not.
new ResizeObserver(() => requestAnimationFrame(() => {
  const room = `${stage.clientWidth}x${stage.clientHeight}@${window.devicePixelRatio}`;
  if (pictures.length && room !== roomBefore) rebuild();
  roomBefore = room;
})).observe(stage);
