// Block Kit blocks as nodes.
import { el, fresh } from "./dom.js";
import { element, image } from "./elements.js";
import { emojis, markdown, richText, textObject } from "./text.js";

export function blocks(list, ctx, errors = {}) {
  return list.map((block) => (RENDER[block.type] ?? unknown)(block, ctx, errors));
}

const unknown = (block) => el("div", { class: "unknown" }, `[${block.type}]`);

function section(block, ctx) {
  const text = el("div", { class: "section-text" },
    block.text ? el("div", {}, textObject(block.text)) : null,
    block.fields ? el("div", { class: "fields" }, block.fields.map((field) => el("div", {}, textObject(field)))) : null);
  const side = block.accessory ? el("div", { class: "accessory" }, element(block, block.accessory, ctx)) : null;
  return el("div", { class: "block section" }, text, side);
}

function context(block) {
  return el("div", { class: "block context" }, block.elements.map((item) =>
    (item.type === "image" ? el("span", { class: "context-image" }, image(item)) : el("span", {}, textObject(item)))));
}

function actions(block, ctx) {
  return el("div", { class: "block actions" }, block.elements.map((item) => element(block, item, ctx)));
}

function input(block, ctx, errors) {
  const id = fresh("hint");
  const label = emojis(block.label.text);
  const error = errors[block.block_id];
  const control = element(block, block.element, { ...ctx, label });
  const focusable = control.matches("input,textarea") ? control : control.querySelector("input,textarea");
  focusable?.setAttribute("aria-describedby", id);
  if (error) focusable?.setAttribute("aria-invalid", "true");
  return el("div", { class: error ? "block input wrong" : "block input", dataset: { block: block.block_id } },
    el("div", { class: "label" }, label, block.optional ? el("span", { class: "muted" }, " (optional)") : null),
    control,
    el("div", { id, class: error ? "error" : "hint", role: error ? "alert" : null }, error ?? textObject(block.hint)));
}

function table(block) {
  const settings = block.column_settings ?? [];
  const cell = (each, row, column) => el(row ? "td" : "th", {
    class: [settings[column]?.align ?? "left", settings[column]?.is_wrapped ? "wrapped" : ""].join(" ").trim(), scope: row ? null : "col",
  }, each.type === "rich_text" ? richText(each.elements) : emojis(String(each.text ?? each.value ?? "")));
  return el("div", { class: "block table-wrap", tabindex: "0", role: "region", "aria-label": "Table" },
    el("table", {}, el("thead", {}, line(block.rows[0], 0, cell)), el("tbody", {}, block.rows.slice(1).map((row, i) => line(row, i + 1, cell)))));
}

const line = (row, index, cell) => el("tr", {}, row.map((each, column) => cell(each, index, column)));

const RENDER = {
  section, context, actions, input, table,
  header: (block) => el("h3", { class: "block header" }, textObject(block.text)),
  divider: () => el("hr", { class: "block divider" }),
  image: (block) => el("figure", { class: "block image" }, block.title ? el("figcaption", {}, textObject(block.title)) : null, image(block)),
  rich_text: (block) => el("div", { class: "block rich-text" }, richText(block.elements)),
  markdown: (block) => el("div", { class: "block markdown" }, markdown(block.text)),
  alert: (block) => el("div", { class: `block alert ${block.level ?? "default"}`, role: "alert" }, textObject(block.text)),
};
