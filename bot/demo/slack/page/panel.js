// The panel at the right: the world's knobs, and the log of requests between Slack and the app.
import { byId, el, fill } from "./dom.js";
import { post } from "./wire.js";

const MOST = 150;
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export function drawKnobs(knobs) {
  const groups = new Map();
  knobs.forEach((knob) => groups.set(knob.group, [...(groups.get(knob.group) ?? []), knob]));
  byId("knobs-section").hidden = !knobs.length;
  fill(byId("knobs"), [...groups].map(([name, list]) => el("div", { class: "knob-group" }, el("h3", {}, name), list.map(knobButton))));
}

function knobButton(knob) {
  const button = el("button", { type: "button", class: "button knob", title: knob.hint, dataset: { knob: knob.name } }, knob.label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    const answer = await post(`knobs/${encodeURIComponent(knob.name)}`);
    button.disabled = false;
    fill(byId("said"), answer.text || `${knob.label}: done`);
  });
  return button;
}

export function drawLog(entries) {
  fill(byId("log"), entries.slice(-MOST).reverse().map(line));
}

export function addLog(entry) {
  const log = byId("log");
  log.prepend(line(entry));
  while (log.childElementCount > MOST) log.lastElementChild.remove();
}

function line(entry) {
  const fine = entry.result === "ok";
  const arrow = { call: "app → Slack", response_url: "app → Slack", delivery: "Slack → app" }[entry.direction];
  const details = el("details", {},
    el("summary", {},
      el("time", {}, TIME.format(new Date(entry.at * 1000))), el("span", { class: `arrow ${entry.direction}`, title: arrow }, entry.direction === "delivery" ? "→" : "←"),
      el("span", { class: "log-name" }, entry.name), el("span", { class: fine ? "log-result" : "log-result bad" }, fine ? String(entry.status) : entry.result),
      el("span", { class: "muted log-ms" }, `${entry.ms} ms`)));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(el("pre", {}, JSON.stringify(entry.args, null, 2).slice(0, 20000)));
  });
  return el("li", { dataset: { name: entry.name } }, details);
}
