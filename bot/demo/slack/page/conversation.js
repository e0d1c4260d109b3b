// A list of messages that lives: posts, edits and deletions arrive one by one and are put in their place.
import { blocks } from "./blocks.js";
import { el, fill } from "./dom.js";
import { entries } from "./elements.js";
import { emojis, mrkdwn, names, textObject } from "./text.js";
import { post } from "./wire.js";

const keepers = new Map();
/** Who stands at the end of a list stays there, whatever changes its width or loads late. */
const resized = new ResizeObserver((entries) => entries.forEach(({ target }) => target.stay?.()));
const COLOURS = ["#7a4fbf", "#1f7a6d", "#b3541e", "#2f5fb3", "#a3365f", "#5b6b1f"];

export const clock = (ts) => new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }).format(new Date(Number(ts) * 1000));
const day = (ts) => new Date(Number(ts) * 1000).toDateString();
const dayText = (ts) => (day(ts) === new Date().toDateString() ? "Today" : new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" }).format(new Date(Number(ts) * 1000)));

export function avatar(id, size = "") {
  const person = names.people.get(id);
  if (id === names.bot) return el("span", { class: `avatar bot ${size}`, "aria-hidden": "true" }, el("img", { src: "/page/icon.svg", alt: "" }));
  const name = person?.name ?? "?";
  const node = el("span", { class: `avatar ${size}`, "aria-hidden": "true" }, name[0].toUpperCase());
  node.style.setProperty("--tint", COLOURS[[...id].reduce((sum, c) => sum + c.charCodeAt(0), 0) % COLOURS.length]);
  return node;
}

/**
 * @param where {channel, thread, user, shortcuts, openThread, label}
 */
export function conversation(node, where) {
  const known = new Map();
  let fresh = null;

  function load(messages, unread = 0) {
    known.clear();
    messages.forEach((message) => known.set(message.ts, message));
    const others = messages.filter((m) => m.user !== where.user && !m.only_for);
    fresh = unread > 0 ? (others.at(-unread)?.ts ?? null) : null;
    fill(node, ordered().length ? [] : (where.empty?.() ?? []));
    for (const message of ordered()) node.append(...withMarks(message));
    reachable();
    toEnd();
  }
  const ordered = () => [...known.values()].sort((a, b) => (a.ts < b.ts ? -1 : 1));
  const rowOf = (ts) => node.querySelector(`[data-ts="${CSS.escape(ts)}"]`);

  function withMarks(message) {
    const before = ordered().filter((m) => m.ts < message.ts).at(-1);
    const marks = [];
    if (!where.thread && (!before || day(before.ts) !== day(message.ts))) marks.push(el("div", { class: "mark day", dataset: { mark: message.ts } }, el("span", {}, dayText(message.ts))));
    if (message.ts === fresh) marks.push(el("div", { class: "mark new", dataset: { mark: message.ts } }, el("span", {}, "New")));
    return [...marks, row(message, before)];
  }

  function put(message) {
    const near = isNear();
    const old = rowOf(message.ts);
    const isNew = !known.has(message.ts);
    known.set(message.ts, message);
    if (old) {
      const focus = old.contains(document.activeElement) ? document.activeElement.dataset.action : null;
      const before = ordered().filter((m) => m.ts < message.ts).at(-1);
      const changed = row(message, before);
      old.replaceWith(changed);
      changed.classList.add("changed");
      if (focus) (changed.querySelector(`[data-action="${CSS.escape(focus)}"]`) ?? changed).focus();
    } else {
      if (known.size === 1) fill(node);
      const after = [...node.querySelectorAll("[data-ts]")].find((each) => each.dataset.ts > message.ts);
      const nodes = withMarks(message);
      if (after) after.before(...nodes);
      else node.append(...nodes);
    }
    reachable();
    if (near || (isNew && message.user === where.user)) toEnd();
  }
  /** Let Tab get to one message, the last where none was chosen; arrow keys go on from there. */
  function reachable() {
    if (!node.querySelector("article[tabindex='0']")) node.querySelector("article:last-of-type")?.setAttribute("tabindex", "0");
  }
  function drop(ts) {
    known.delete(ts);
    rowOf(ts)?.remove();
    node.querySelectorAll(`[data-mark="${CSS.escape(ts)}"]`).forEach((each) => each.remove());
  }
  function toEnd() {
    node.scrollTop = node.scrollHeight;
    atEnd = true;
  }
  let atEnd = true;
  const isNear = () => node.scrollHeight - node.scrollTop - node.clientHeight < 120;
  node.stay = () => atEnd && toEnd();
  node.onscroll = () => { atEnd = isNear(); };
  node.addEventListener("load", () => node.stay(), { capture: true });
  resized.observe(node);
  /** Put the keyboard's focus on a message. */
  function stand(ts) {
    const found = rowOf(ts);
    if (!found) return;
    node.querySelectorAll("article[tabindex='0']").forEach((each) => { each.tabIndex = -1; });
    found.tabIndex = 0;
    found.focus({ preventScroll: true });
    found.scrollIntoView({ block: "nearest" });
  }
  function walk(event) {
    const at = event.target.closest("article");
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || at !== event.target) return;
    const rows = [...node.querySelectorAll("article")];
    const next = rows[rows.indexOf(at) + step];
    if (next) stand(next.dataset.ts);
    event.preventDefault();
  }
  function reveal(ts) {
    const found = rowOf(ts);
    if (!found) return false;
    found.scrollIntoView({ block: "center" });
    found.classList.add("found");
    return true;
  }

  function row(message, before) {
    const close = before && before.user === message.user && !before.only_for === !message.only_for && Number(message.ts) - Number(before.ts) < 300 && day(before.ts) === day(message.ts) && message.ts !== fresh && !message.broadcast;
    const person = names.people.get(message.user);
    const name = message.username ?? person?.name ?? message.user;
    const classes = ["message", close ? "close" : "", message.only_for ? "whisper" : "", message.notice ? "notice" : ""].join(" ");
    return el("article", { class: classes, dataset: { ts: message.ts }, tabindex: "-1", "aria-label": `${name}, ${clock(message.ts)}` },
      el("div", { class: "gutter" }, close ? el("time", { class: "side-time" }, clock(message.ts)) : avatar(message.user)),
      el("div", { class: "content" },
        message.only_for ? el("div", { class: "only-you" }, "👁 Only visible to you") : null,
        message.broadcast && !where.thread ? el("div", { class: "only-you" }, "↳ replied to a thread") : null,
        close ? null : el("div", { class: "who" }, el("b", {}, name), person?.is_bot ? el("span", { class: "tag" }, "APP") : null,
          person?.is_restricted ? el("span", { class: "tag" }, "GUEST") : null, el("time", {}, clock(message.ts))),
        body(message), foot(message)),
      message.notice ? null : tools(message));
  }

  function body(message) {
    const ctx = surroundings(message);
    const shown = message.blocks?.length ? blocks(message.blocks, ctx) : [el("div", { class: "text" }, mrkdwn(message.text))];
    const edited = message.edited && !message.blocks?.length ? el("span", { class: "muted edited" }, " (edited)") : null;
    return el("div", { class: "body" }, shown, edited, (message.attachments ?? []).map(attachment(ctx)), (message.files ?? []).map(file));
  }

  function foot(message) {
    const reactions = (message.reactions ?? []).map((each) => el("span", { class: "reaction", title: each.users.map((u) => names.people.get(u)?.name ?? u).join(", ") }, emojis(`:${each.name}:`), ` ${each.count}`));
    const count = where.thread ? 0 : (message.reply_count ?? 0);
    const replies = count ? el("button", { type: "button", class: "replies", on: { click: () => where.openThread(message.ts) } },
      (message.reply_users ?? []).slice(0, 4).map((u) => avatar(u, "small")), el("b", {}, `${count} ${count === 1 ? "reply" : "replies"}`),
      el("span", { class: "muted" }, ` last at ${clock(message.latest_reply)}`)) : null;
    return reactions.length || replies ? el("div", { class: "foot" }, reactions, replies) : null;
  }

  function tools(message) {
    if (message.only_for) return null;
    const root = message.thread_ts ?? message.ts;
    return el("div", { class: "tools", role: "group", "aria-label": "Message actions" },
      where.thread ? null : el("button", { type: "button", title: "Reply in thread", "aria-label": "Reply in thread", on: { click: () => where.openThread(root) } }, "💬"),
      where.shortcuts.filter((each) => each.kind === "message_action").map((each) => el("button", {
        type: "button", title: each.name, dataset: { shortcut: each.callback_id },
        on: { click: () => post("shortcut", { user: where.user, callback_id: each.callback_id, channel: where.channel, ts: message.ts }) },
      }, `⚡ ${each.name}`)));
  }

  function surroundings(message) {
    const key = `${where.user} ${message.channel} ${message.ts}`;
    if (!keepers.has(key)) keepers.set(key, entries());
    const mine = keepers.get(key);
    const place = { user: where.user, channel: message.channel, ts: message.ts };
    return {
      enter: mine.enter, entered: mine.entered,
      act: (block, item, raw) => post("click", { ...place, action_id: item.action_id, block_id: block.block_id, value: item.value, chosen: raw, entered: mine.all(message.blocks), confirm: true }),
      suggest: async (block, item, typed) => (await post("suggest", { ...place, action_id: item.action_id, block_id: block.block_id, typed })).options ?? [],
    };
  }

  node.onkeydown = walk;
  return { load, put, drop, reveal, stand, has: (ts) => known.has(ts) };
}

const attachment = (ctx) => (each) => {
  const parts = each.blocks?.length ? blocks(each.blocks, ctx) : [
    each.pretext ? el("div", {}, mrkdwn(each.pretext)) : null, each.title ? el("b", {}, emojis(each.title)) : null,
    el("div", {}, mrkdwn(each.text ?? each.fallback ?? "")), (each.fields ?? []).map((f) => el("div", {}, el("b", {}, f.title ?? ""), " ", mrkdwn(f.value ?? ""))),
    each.footer ? el("div", { class: "muted" }, textObject({ type: "plain_text", text: each.footer })) : null];
  const node = el("div", { class: "attachment" }, parts);
  if (/^#?[0-9a-f]{6}$/i.test(each.color ?? "")) node.style.setProperty("--bar", `#${each.color.replace("#", "")}`);
  return node;
};

function file(each) {
  const picture = /^image\//.test(each.mimetype) && new URL(each.url_private, location.href).origin === location.origin;
  return el("figure", { class: "file" },
    el("figcaption", {}, "📄 ", el("a", { href: new URL(each.url_private, location.href).pathname, target: "_blank", rel: "noopener" }, each.title || each.name)),
    picture ? el("img", { src: new URL(each.url_private, location.href).pathname, alt: each.alt_txt || each.title || each.name }) : null);
}
