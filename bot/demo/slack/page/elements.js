// Interactive elements. Each tells its surroundings (`ctx`) what was entered or done:
// ctx.enter(block, element, raw) keeps a value, ctx.entered(block, element) gives it back,
// ctx.act(block, element, raw) tells the app, ctx.suggest(block, element, typed) asks it.
import { byId, el, fill, fresh } from "./dom.js";
import { combobox } from "./combobox.js";
import { emojis, names, textObject } from "./text.js";

const option = (value, text) => ({ value, text: { type: "plain_text", text } });

/** Ask the question of a confirm dialog; true if the person says yes. */
export function confirmed(question) {
  if (!question) return Promise.resolve(true);
  const dialog = byId("confirm");
  return new Promise((resolve) => {
    const end = (answer) => { dialog.close(); resolve(answer); };
    dialog.oncancel = (event) => { event.preventDefault(); end(false); };
    fill(dialog,
      el("h2", { id: "confirm-title" }, textObject(question.title)),
      el("div", { class: "confirm-text" }, textObject(question.text)),
      el("div", { class: "row end" },
        el("button", { type: "button", class: "button", on: { click: () => end(false) } }, textObject(question.deny)),
        el("button", { type: "button", class: `button ${question.style === "danger" ? "danger" : "primary"}`, on: { click: () => end(true) } }, textObject(question.confirm))));
    dialog.showModal();
    dialog.querySelector("button").focus();
  });
}

export function element(block, item, ctx) {
  const make = MAKERS[item.type];
  return make ? make(block, item, ctx) : el("span", { class: "unknown" }, `[${item.type}]`);
}

async function act(node, block, item, raw, ctx) {
  if (!(await confirmed(item.confirm))) return false;
  node.classList.add("busy");
  node.setAttribute("aria-busy", "true");
  try {
    await ctx.act(block, item, raw);
  } finally {
    node.classList.remove("busy");
    node.removeAttribute("aria-busy");
  }
  return true;
}

function button(block, item, ctx) {
  const style = item.style ? `button ${item.style}` : "button";
  const node = el("button", {
    type: "button", class: style, "aria-label": item.accessibility_label,
    dataset: { action: item.action_id, block: block.block_id },
  }, el("span", {}, textObject(item.text)));
  node.addEventListener("click", () => {
    if (node.classList.contains("busy")) return;
    if (item.url && /^https?:/i.test(item.url)) window.open(item.url, "_blank", "noopener");
    act(node, block, item, undefined, ctx);
  });
  return node;
}

function overflow(block, item, ctx) {
  const id = fresh("menu");
  const menu = el("div", { class: "menu", role: "menu", id, hidden: true });
  const opener = el("button", {
    type: "button", class: "button", "aria-label": "More", "aria-haspopup": "menu", "aria-expanded": "false", "aria-controls": id,
    dataset: { action: item.action_id, block: block.block_id },
  }, "⋯");
  const node = el("span", { class: "overflow" }, opener, menu);
  const show = (shown) => { menu.hidden = !shown; if (shown) menu.scrollIntoView({ block: "nearest" }); opener.setAttribute("aria-expanded", String(shown)); };
  fill(menu, item.options.map((each) => el("button", {
    type: "button", role: "menuitem",
    on: { click: () => { show(false); act(opener, block, item, each.value, ctx); } },
  }, textObject(each.text), each.description ? el("small", {}, textObject(each.description)) : null)));
  opener.addEventListener("click", () => { show(menu.hidden); if (!menu.hidden) menu.firstChild.focus(); });
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") { show(false); opener.focus(); event.stopPropagation(); event.preventDefault(); }
    if (!step) return;
    const items = [...menu.children];
    items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    event.preventDefault();
  });
  node.addEventListener("focusout", (event) => { if (!node.contains(event.relatedTarget)) show(false); });
  return node;
}

function select(block, item, ctx) {
  const many = item.type.startsWith("multi_");
  const external = item.type.endsWith("external_select");
  const kept = ctx.entered(block, item);
  const node = combobox({
    label: ctx.label ?? emojis(item.placeholder?.text ?? "Choose"),
    placeholder: emojis(item.placeholder?.text ?? (external ? "Search" : "Choose an option")),
    many,
    least: external ? (item.min_query_length ?? 3) : 0,
    chosen: (Array.isArray(kept) ? kept : [kept]).filter(Boolean).map((each) => asOption(item, each)).filter(Boolean),
    find: external
      ? async (typed) => [{ options: await ctx.suggest(block, item, typed) }]
      : async (typed) => matching(groupsOf(item), typed),
    pick: (options) => {
      const raws = options.map((each) => (external ? each : each.value));
      change(node, block, item, many ? raws : (raws[0] ?? null), ctx);
    },
  });
  node.dataset.action = item.action_id;
  return node;
}

function change(node, block, item, raw, ctx) {
  ctx.enter(block, item, raw);
  if (block.type !== "input" || block.dispatch_action) act(node, block, item, raw, ctx);
}

function groupsOf(item) {
  const people = [...names.people.values()].filter((p) => !p.deleted);
  if (item.type.endsWith("users_select")) return [{ options: people.map((p) => option(p.id, p.name)) }];
  if (/(channels|conversations)_select$/.test(item.type)) return [{ options: [...names.channels].map(([id, name]) => option(id, `#${name}`)) }];
  if (item.option_groups) return item.option_groups.map((group) => ({ label: group.label.text, options: group.options }));
  return [{ options: item.options ?? [] }];
}

function asOption(item, raw) {
  if (typeof raw === "object") return raw;
  return groupsOf(item).flatMap((group) => group.options).find((each) => each.value === raw);
}

function matching(groups, typed) {
  const wanted = typed.toLocaleLowerCase();
  const fits = (each) => each.text.text.toLocaleLowerCase().includes(wanted);
  return groups.map((group) => ({ label: group.label, options: group.options.filter(fits) })).filter((group) => group.options.length);
}

function textInput(block, item, ctx) {
  const kinds = { email_text_input: "email", url_text_input: "url", number_input: "number" };
  const node = el(item.multiline ? "textarea" : "input", {
    type: item.multiline ? null : (kinds[item.type] ?? "text"), rows: item.multiline ? 4 : null,
    placeholder: emojis(item.placeholder?.text ?? ""), "aria-label": ctx.label, maxlength: item.max_length ?? 3000,
    min: item.min_value, max: item.max_value, step: item.is_decimal_allowed ? "any" : null,
    dataset: { action: item.action_id }, value: ctx.entered(block, item) ?? "",
  });
  node.addEventListener("input", () => ctx.enter(block, item, node.value || null));
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && block.dispatch_action && !item.multiline) act(node, block, item, node.value, ctx);
  });
  return node;
}

function picker(kind) {
  return (block, item, ctx) => {
    const node = el("input", { type: kind, "aria-label": ctx.label ?? emojis(item.placeholder?.text ?? kind), dataset: { action: item.action_id }, value: ctx.entered(block, item) ?? "" });
    node.addEventListener("change", () => change(node, block, item, node.value || null, ctx));
    return node;
  };
}

function choices(kind) {
  return (block, item, ctx) => {
    const group = fresh("group");
    const many = kind === "checkbox";
    const kept = ctx.entered(block, item);
    const chosen = new Set((Array.isArray(kept) ? kept : [kept]).filter(Boolean).map((each) => (typeof each === "object" ? each.value : each)));
    const node = el("div", { class: "choices", role: many ? "group" : "radiogroup", "aria-label": ctx.label });
    const raw = () => {
      const values = [...node.querySelectorAll("input:checked")].map((each) => each.value);
      return many ? values : (values[0] ?? null);
    };
    fill(node, item.options.map((each) => el("label", { class: "choice" },
      el("input", { type: kind, name: group, value: each.value, checked: chosen.has(each.value), on: { change: () => change(node, block, item, raw(), ctx) } }),
      el("span", {}, textObject(each.text), each.description ? el("small", {}, textObject(each.description)) : null))));
    return node;
  };
}

export function image(item) {
  const target = item.slack_file ? (item.slack_file.url ?? `/files/${encodeURIComponent(item.slack_file.id ?? "")}`) : item.image_url;
  const mine = new URL(target, location.href).origin === location.origin;
  // The page asks no other host for anything: of a picture elsewhere it shows what it would show.
  return mine ? el("img", { src: target, alt: item.alt_text }) : el("span", { class: "picture" }, "🖼 ", item.alt_text);
}

const MAKERS = {
  button, overflow, image: (_block, item) => image(item),
  static_select: select, external_select: select, users_select: select, channels_select: select, conversations_select: select,
  multi_static_select: select, multi_external_select: select, multi_users_select: select, multi_channels_select: select, multi_conversations_select: select,
  plain_text_input: textInput, email_text_input: textInput, url_text_input: textInput, number_input: textInput,
  datepicker: picker("date"), timepicker: picker("time"), checkboxes: choices("checkbox"), radio_buttons: choices("radio"),
};

const INITIAL = ["initial_option", "initial_options", "initial_value", "initial_date", "initial_time", "initial_user", "initial_users", "initial_channel", "initial_channels", "initial_conversation", "initial_conversations"];

/** What an element holds before anybody touches it. */
export function initialOf(item) {
  const key = INITIAL.find((each) => item[each] !== undefined);
  return key ? item[key] : undefined;
}

/** A keeper of entered values, by block id and action id, in the shape that the workspace takes. */
export function entries() {
  const kept = new Map();
  return {
    enter: (block, item, raw) => kept.set(block.block_id, { ...(kept.get(block.block_id) ?? {}), [item.action_id]: raw }),
    entered: (block, item) => {
      const own = kept.get(block.block_id) ?? {};
      return item.action_id in own ? own[item.action_id] : initialOf(item);
    },
    all: (blocks) => Object.fromEntries([...kept].filter(([id]) => blocks.some((block) => block.block_id === id))),
  };
}
