// The composer: a line or more, with slash commands and names completed while one types.
import { el, fill, fresh } from "./dom.js";

/**
 * @param ctx {label, id, commands, people, send(text) → promise, slash}
 */
export function composer(node, ctx) {
  const listId = fresh("complete");
  const input = el("textarea", {
    id: ctx.id, rows: 1, placeholder: ctx.label, "aria-label": ctx.label, autocomplete: "off", spellcheck: "false",
    role: "combobox", "aria-expanded": "false", "aria-controls": listId, "aria-autocomplete": "list",
  });
  const list = el("ul", { class: "complete", id: listId, role: "listbox", "aria-label": "Suggestions", hidden: true });
  const send = el("button", { type: "button", class: "send", "aria-label": "Send" }, "➤");
  const running = el("div", { class: "running", role: "status" });
  let offers = [];
  let active = 0;

  function found() {
    const before = input.value.slice(0, input.selectionStart);
    const command = ctx.slash && /^(\/[\w-]*)$/.exec(before);
    if (command) return ctx.commands.filter((c) => c.name.startsWith(command[1])).map((c) => ({ text: c.name, note: c.description, hint: c.hint, insert: `${c.name} `, length: before.length }));
    const asked = ctx.slash && ctx.commands.find((c) => before.startsWith(`${c.name} `) && c.hint && !/\S+\s/.test(before.slice(c.name.length + 1)));
    if (asked) {
      const typed = before.slice(asked.name.length + 1);
      return asked.hint.split("|").map((h) => h.trim()).filter((h) => /^[\w-]+$/.test(h) && h.startsWith(typed) && h !== typed).map((h) => ({ text: h, note: "", insert: `${h} `, length: typed.length, quiet: true }));
    }
    const name = /(?:^|\s)@([\w.-]*)$/.exec(before);
    if (!name) return [];
    const wanted = name[1].toLowerCase();
    return ctx.people.filter((p) => p.name.toLowerCase().startsWith(wanted)).slice(0, 8).map((p) => ({ text: `@${p.name}`, note: p.note ?? "", insert: `@${p.name} `, length: name[1].length + 1 }));
  }
  function offer() {
    offers = found();
    active = offers.length && !offers[0].quiet ? 0 : -1;
    show();
  }
  function show() {
    list.hidden = !offers.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    fill(list, offers.map((each, index) => el("li", {
      role: "option", id: `${listId}-${index}`, "aria-selected": String(index === active), class: index === active ? "active" : "",
      on: { mousedown: (event) => { event.preventDefault(); take(each); } },
    }, el("b", {}, each.text), each.note ? el("span", { class: "muted" }, ` ${each.note}`) : null, each.hint ? el("small", {}, each.hint) : null)));
    if (active >= 0) input.setAttribute("aria-activedescendant", `${listId}-${active}`);
    else input.removeAttribute("aria-activedescendant");
  }
  function take(each) {
    const at = input.selectionStart;
    input.setRangeText(each.insert, at - each.length, at, "end");
    grow();
    offer();
  }
  function grow() {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, 200)}px`;
  }
  async function submit() {
    const text = input.value.trim();
    if (!text) return;
    input.value = "";
    offers = [];
    show();
    grow();
    if (text.startsWith("/")) fill(running, `Sending ${text.split(" ")[0]} …`);
    const answer = await ctx.send(text);
    fill(running, answer?.ok === false ? answer.error : "");
  }
  input.addEventListener("input", () => { grow(); offer(); });
  input.addEventListener("blur", () => { list.hidden = true; });
  input.addEventListener("keydown", (event) => {
    const shown = !list.hidden && offers.length;
    if (shown && event.key === "ArrowDown") { active = (active + 1) % offers.length; show(); }
    else if (shown && event.key === "ArrowUp") { active = (active - 1 + offers.length) % offers.length; show(); }
    else if (shown && event.key === "Tab" && !event.shiftKey) take(offers[Math.max(active, 0)]);
    else if (shown && event.key === "Enter" && !event.shiftKey && active >= 0 && offers[active].text !== input.value.trim()) take(offers[active]);
    else if (shown && event.key === "Escape") { offers = []; show(); }
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit();
    else return;
    event.preventDefault();
  });
  send.addEventListener("click", submit);
  fill(node, list, running, el("div", { class: "composer-box" }, input, send), el("div", { class: "composer-hint muted" }, ctx.hint ?? ""));
  return { focus: () => input.focus(), set: (text) => { input.value = text; input.focus(); grow(); offer(); } };
}
