"use strict";
// The frames that are shown, the worst first, and the table of what is known of the files.

const strip = document.getElementById("strip");
let order = "worst";

const byWorst = () => data.shown.map((_, index) => index)
  .sort((a, b) => badness(data.shown[b].place) - badness(data.shown[a].place));

function drawStrip() {
  const { name, judges } = data.measures[measure];
  document.querySelector("[data-order=worst]").textContent = judges ? "Worst first" : "Most first";
  const told = document.getElementById("told");
  told.textContent = `The ${name} says how much was changed, not what is better.`;
  told.hidden = judges;
  const indices = order === "worst" ? byWorst() : data.shown.map((_, index) => index);
  strip.replaceChildren(...indices.map((index) => {
    const card = data.shown[index];
    const worst = badness(card.place);
    const value = Number.isFinite(worst) ? said(Math.abs(worst)) : "\u2013";
    const button = made("button", { onclick: () => show(index) },
      made("img", { src: card.preview, alt: "" }),
      made("span", { textContent: card.number }), made("b", { textContent: value }));
    button.dataset.frame = index;
    button.title = `frame ${card.number}, ${card.time.toFixed(3)} s: `
      + `${name} ${value}`;
    return button;
  }));
  markStrip();
}

function markStrip() {
  for (const button of strip.children) {
    const now = Number(button.dataset.frame) === view.frame;
    if (now && button.getAttribute("aria-current") !== "true") {
      const { offsetLeft, offsetWidth } = button;
      if (offsetLeft < strip.scrollLeft || offsetLeft + offsetWidth
        > strip.scrollLeft + strip.clientWidth) strip.scrollLeft = offsetLeft - strip.clientWidth / 2;
    }
    button.setAttribute("aria-current", now);
  }
}

function summary(curve, { higher, judges }) {
  const values = curve.filter((value) => value != null);
  if (!values.length) return "\u2013";
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const worst = values.reduce((a, b) => (higher ? Math.min(a, b) : Math.max(a, b)));
  return values.length > 1 ? `${said(mean)}, ${judges ? "worst" : "most"} ${said(worst)}` : said(mean);
}

function row(name, tells, cells) {
  const head = made("th", { scope: "row", textContent: name, title: tells });
  return made("tr", {}, head, ...cells.map((text) => made("td", {}, ...worded(text ?? ""))));
}

// A text that may break between its words, but not behind the dashes of a flag.
function worded(text) {
  return text.split(/((?<=\s)--?\w\S*)/).map((part, number) => (
    number % 2 ? made("span", { className: "flag" }, part) : part));
}

// A name of a file that may break behind its words, but not within its extension.
function breakable(name) {
  return name.split(/(?<=[_\-/])|(?=\.)/).flatMap((part) => [made("wbr"), part]);
}

function drawFacts() {
  const heads = data.names.map((name, side) => made("th", { scope: "col" },
    made("i", { style: `background: var(${COLORS[side]})` }), `${side + 1} `, ...breakable(name),
    made("small", { textContent: side === data.anchor
      ? (data.referenced ? "the reference" : "the others are compared with it") : "" })));
  const known = [...new Set(data.facts.flatMap((facts) => Object.keys(facts)))];
  const measured = data.measures.filter(({ curves }) => curves.some(
    (curve) => curve?.some((value) => value != null)));
  document.getElementById("facts").replaceChildren(
    made("thead", {}, made("tr", {}, made("td"), ...heads)),
    made("tbody", {},
      ...measured.map((each) => row(
        each.name, each.tells, each.curves.map((curve) => curve && summary(curve, each)))),
      row("on this page", "", data.remarks.map((remarks) => remarks.join("; ") || "as it is")),
      ...known.map((name) => row(name, "", data.facts.map((facts) => facts[name])))));
}

function drawNotes() {
  const { shown, frames, step, measures } = data;
  const notes = [...data.trial?.notes ?? [], ...data.notes].map((note) => `${note}.`);
  if (frames > 1) {
    const { name, judges } = measures[0];
    notes.push(shown.length === frames
      ? `All ${frames} frames are shown.`
      : `${shown.length} of ${frames} frames are shown: `
        + `${judges ? "the worst by" : "those with most"} ${name}, and others${data.trial ? "" : " spread over the clip"}.`);
  }
  if (step > 1) {
    notes.push(`One of every ${step} frames is measured; flicker, VMAF and XPSNR take these as `
      + "following one another.");
  }
  for (const { name, tells, higher, judges } of measures) {
    const better = `${higher ? "higher" : "lower"} is better`;
    notes.push(`${name}: ${tells}; ${judges ? better : "more is not worse by itself"}.`);
  }
  document.getElementById("notes").replaceChildren(
    ...notes.map((textContent) => made("li", { textContent })));
}
