"use strict";
// What `gendrpix try` says of a clip: what it found, and each way to restore it with its command.

function way({ side, why, command, time, size, recommended }) {
  const card = made("section", { className: recommended ? "way best" : "way", title: "a press shows it" },
    made("h3", {}, made("i", { style: `background: var(${COLORS[side]})` }),
      `${side + 1} ${data.names[side]}`),
    made("p", { textContent: `${why}.` }),
    made("code", {}, ...worded(command)),
    made("p", { textContent: `The whole clip: ${time}, ${size}.` }));
  card.onclick = () => {
    if (!window.getSelection().toString()) pick("right", side);
  };
  return card;
}

function drawTrial() {
  const { trial } = data;
  if (!trial) return;
  const lead = document.getElementById("lead");
  lead.textContent = trial.lead;
  lead.hidden = document.getElementById("trial").hidden = false;
  document.getElementById("findings").replaceChildren(...trial.findings.flatMap(
    ([name, text]) => [made("dt", { textContent: name }), made("dd", { textContent: text })]));
  document.getElementById("ways").replaceChildren(...trial.ways.map(way));
}
