// Modals: the topmost view of the person's stack, in a dialog; and the Home tab, which is a view too.
import { blocks } from "./blocks.js";
import { byId, el, fill } from "./dom.js";
import { entries } from "./elements.js";
import { emojis } from "./text.js";
import { post } from "./wire.js";

const kept = new Map();
let shown = "";

const keeper = (id) => {
  if (!kept.has(id)) kept.set(id, entries());
  return kept.get(id);
};

function context(view, user) {
  const mine = keeper(view.id);
  return {
    enter: mine.enter,
    entered: mine.entered,
    act: (block, item, raw) => post("click", {
      user, view: view.id, action_id: item.action_id, block_id: block.block_id, value: item.value,
      chosen: raw, entered: mine.all(view.blocks), confirm: true,
    }),
    suggest: async (block, item, typed) =>
      (await post("suggest", { user, view: view.id, action_id: item.action_id, block_id: block.block_id, typed })).options ?? [],
  };
}

/** Show the topmost of the open views, or none. */
export function showStack(stack, user) {
  const dialog = byId("modal");
  const view = stack.at(-1);
  if (!view) {
    shown = "";
    kept.clear();
    if (dialog.open) dialog.close();
    return;
  }
  const key = `${view.id} ${view.hash} ${JSON.stringify(view.errors)}`;
  if (key === shown && dialog.open) return;
  shown = key;
  draw(dialog, view, user, stack.length > 1);
  if (!dialog.open) dialog.showModal();
  const wrong = dialog.querySelector("[aria-invalid]");
  (wrong ?? dialog.querySelector(".modal-body input, .modal-body textarea, .modal-body select, button.primary"))?.focus();
}

function draw(dialog, view, user, stacked) {
  const close = (everything) => post("close", { view: view.id, everything });
  dialog.oncancel = (event) => { event.preventDefault(); close(false); };
  const submit = el("button", { type: "submit", class: "button primary" }, emojis(view.submit?.text ?? "Submit"));
  const form = el("form", { method: "dialog", novalidate: true, class: "modal-form" },
    el("div", { class: "modal-head" },
      el("img", { src: "/page/icon.svg", alt: "", width: 24, height: 24 }),
      el("h2", { id: "modal-title" }, emojis(view.title.text)),
      el("button", { type: "button", class: "icon", "aria-label": "Close", on: { click: () => close(true) } }, "✕")),
    view.errors[""] ? el("div", { class: "trouble", role: "alert" }, view.errors[""]) : null,
    el("div", { class: "modal-body" }, blocks(view.blocks, context(view, user), view.errors)),
    el("div", { class: "modal-foot row end" },
      el("button", { type: "button", class: "button", on: { click: () => close(false) } }, emojis(view.close?.text ?? (stacked ? "Back" : "Cancel"))),
      view.submit ? submit : null));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!view.submit || submit.disabled) return;
    submit.disabled = true;
    submit.classList.add("busy");
    await post("submit", { view: view.id, entered: keeper(view.id).all(view.blocks) });
    submit.disabled = false;
    submit.classList.remove("busy");
  });
  fill(dialog, form);
}

/** Draw the Home tab, or what stands there before the app has published one. */
export function drawHome(node, view, user, name) {
  if (!view) {
    fill(node, el("div", { class: "empty" }, el("p", {}, `${name} has not published a Home tab yet.`)));
    return;
  }
  fill(node, el("div", { class: "home-body" }, blocks(view.blocks, context(view, user), view.errors)));
}
