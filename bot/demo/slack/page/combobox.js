// A select with type-ahead: options are at hand, or asked of the app while the person types.
import { el, fill, fresh } from "./dom.js";
import { emojis } from "./text.js";

const WAIT = 120;
const optionText = (option) => emojis(option.text.text);

/**
 * @param find async (typed) → groups [{label, options}]
 * @param chosen the options that are chosen at first
 * @param pick called with the chosen options after every choice
 */
export function combobox({ label, placeholder, find, chosen, pick, many = false, least = 0 }) {
  const listId = fresh("list");
  let picked = [...chosen];
  let options = [];
  let active = -1;
  let asked = 0;
  let timer = 0;
  const input = el("input", {
    type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
    "aria-label": label, "aria-expanded": "false", "aria-controls": listId, "aria-autocomplete": "list", placeholder,
  });
  const list = el("ul", { class: "options", role: "listbox", id: listId, "aria-label": label, hidden: true });
  const chips = el("span", { class: "chips" });
  const node = el("span", { class: many ? "combo many" : "combo" }, chips, input, list);

  function show() {
    fill(chips, many ? picked.map((option) => el("span", { class: "chip" }, optionText(option),
      el("button", { type: "button", "aria-label": `Remove ${optionText(option)}`, on: { click: () => remove(option) } }, "✕"))) : []);
    if (!many) input.value = picked[0] ? optionText(picked[0]) : "";
  }
  function remove(option) {
    picked = picked.filter((each) => each !== option);
    show();
    pick(picked);
  }
  function choose(option) {
    picked = many ? [...picked.filter((each) => each.value !== option.value), option] : [option];
    if (many) input.value = "";
    close();
    show();
    pick(picked);
  }
  function close() {
    list.hidden = true;
    active = -1;
    asked += 1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
  function message(text) {
    options = [];
    fill(list, el("li", { class: "none" }, text));
    open();
  }
  function open() {
    list.hidden = false;
    list.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-expanded", "true");
  }
  async function ask(typed) {
    const number = ++asked;
    if (typed.length < least) return message(least === 1 ? "Type to search" : `Type at least ${least} characters`);
    if (!options.length) message("Looking…");
    const groups = await find(typed);
    if (number !== asked) return undefined;
    options = groups.flatMap((group) => group.options);
    if (!options.length) return message("No result");
    let index = -1;
    fill(list, groups.map((group) => [
      group.label ? el("li", { class: "group", role: "presentation" }, group.label) : null,
      group.options.map((option) => {
        index += 1;
        const at = index;
        return el("li", {
          role: "option", id: `${listId}-${at}`, "aria-selected": String(picked.some((p) => p.value === option.value)),
          on: { mousedown: (event) => { event.preventDefault(); choose(options[at]); } },
        }, optionText(option), option.description ? el("small", {}, emojis(option.description.text)) : null);
      }),
    ]));
    open();
    mark(typed && options.length ? 0 : -1);
    return undefined;
  }
  function mark(index) {
    active = index;
    list.querySelectorAll("[role=option]").forEach((item, at) => item.classList.toggle("active", at === index));
    const item = list.querySelector(`#${CSS.escape(`${listId}-${index}`)}`);
    if (item) {
      input.setAttribute("aria-activedescendant", item.id);
      item.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }
  input.addEventListener("focus", () => { input.select(); });
  input.addEventListener("click", () => { if (list.hidden) ask(""); });
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => ask(input.value.trim()), WAIT);
  });
  input.addEventListener("blur", () => { clearTimeout(timer); close(); show(); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && list.hidden) ask("");
    else if (event.key === "ArrowDown" && options.length) mark((active + 1) % options.length);
    else if (event.key === "ArrowUp" && options.length) mark((active - 1 + options.length) % options.length);
    else if (event.key === "Enter" && !list.hidden && active >= 0) choose(options[active]);
    else if (event.key === "Escape" && !list.hidden) close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  show();
  return node;
}
