// The panel at the right: what is worth trying, and the log of requests between Slack and the app.
import { byId, el, fill } from "./dom.js";

const MOST = 150;
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** List what is worth trying; a press puts the command into the composer. */
export function drawTrials(trials, put) {
  byId("trials-section").hidden = !trials.length;
  fill(byId("trials"), trials.map((each) => el("li", {}, el("button", { type: "button", class: "trial", on: { click: () => put(each.command) } },
    el("span", {}, each.says), el("code", {}, each.command.replace(/^\/\S+ /, ""))))));
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
