// The world's knobs: switches that show how they stand, and buttons. Those of a group are for one target at a time.
import { byId, el, fill, fresh } from "./dom.js";
import { post } from "./wire.js";

const aimed = new Map();

export function drawKnobs(knobs) {
  const groups = new Map();
  knobs.forEach((knob) => groups.set(knob.group, [...(groups.get(knob.group) ?? []), knob]));
  byId("knobs-section").hidden = !knobs.length;
  const held = byId("knobs").contains(document.activeElement) ? document.activeElement.dataset.key : null;
  fill(byId("knobs"), [...groups].map(([name, list]) => group(name, list, () => drawKnobs(knobs))));
  if (held) byId("knobs").querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
}

function group(name, knobs, again) {
  const targets = [...new Map(knobs.flatMap((knob) => knob.targets).map((each) => [each.value, each])).values()];
  const chosen = aimed.get(name) ?? knobs[0].default;
  const choose = () => el("select", {
    "aria-label": name, dataset: { key: `${name} aim`, group: name },
    on: { change: (event) => { aimed.set(name, event.target.value); again(); } },
  }, grouped(targets, (each) => el("option", { value: each.value, selected: each.value === chosen }, each.label)));
  return el("div", { class: "knob-group", role: "group", "aria-label": name },
    el("div", { class: "knob-head" }, el("h3", {}, name), targets.length > 1 ? choose() : null),
    knobs.map((knob) => row(knob, knob.targets.find((each) => each.value === chosen))));
}

function row(knob, target) {
  const others = knob.fault ? knob.targets.filter((each) => each.on && each !== target) : [];
  const id = fresh("others");
  return el("div", { class: "knob-row" }, turner(knob, target, others.length ? id : null),
    others.length ? el("span", { class: "knob-others", id }, `also ${others.map((each) => each.label).join(", ")}`) : null);
}

function turner(knob, target, more) {
  const button = el("button", {
    type: "button", title: knob.hint, disabled: !target, dataset: { knob: knob.name, key: `${knob.name} turn` },
    class: knob.switch ? `knob switch ${knob.fault ? "fault" : ""}` : "button knob", role: knob.switch ? "switch" : null,
    "aria-checked": knob.switch ? String(Boolean(target?.on)) : null, "aria-describedby": more,
  }, knob.switch ? el("span", { class: "slider", "aria-hidden": "true" }) : null, el("span", {}, knob.label));
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    const answer = await post(`knobs/${encodeURIComponent(knob.name)}`, { target: target.value });
    button.removeAttribute("aria-busy");
    fill(byId("said"), answer.text || `${knob.label}: done`);
  });
  return button;
}

/** Targets CLUSTER/REST stand under their cluster, where there are several. */
function grouped(targets, option) {
  const clusters = [...new Set(targets.map((each) => each.value.split("/")[0]))];
  if (clusters.length === 1 || clusters.length === targets.length) return targets.map(option);
  return clusters.map((name) => el("optgroup", { label: name }, targets.filter((each) => each.value.split("/")[0] === name).map(option)));
}
