// mrkdwn, rich text and a little Markdown as nodes. Source of the rules: docs.slack.dev/messaging/formatting-message-text.
import { el } from "./dom.js";

export const names = { people: new Map(), channels: new Map(), groups: new Map(), emoji: {}, me: "", bot: "", open: () => {} };

const unescaped = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
export const emojis = (text) => text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => names.emoji[name] ?? whole);
const plain = (text) => emojis(unescaped(text));

const TOKENS = new RegExp(
  [
    "(?<fence>```[\\s\\S]+?```)",
    "(?<code>`[^`\\n]+`)",
    "(?<entity><[^<>\\n]+>)",
    "(?<![\\w*])\\*(?=\\S)(?<bold>[^*\\n]+?)(?<=\\S)\\*(?![\\w*])",
    "(?<![\\w_])_(?=\\S)(?<italic>[^_\\n]+?)(?<=\\S)_(?![\\w_])",
    "(?<![\\w~])~(?=\\S)(?<strike>[^~\\n]+?)(?<=\\S)~(?![\\w~])",
  ].join("|"),
  "g",
);

/** Keep names such as CHG-1 on one line: a browser would break them behind the hyphen. */
const whole = (line) => line.split(/(\b[A-Z]{2,}-\d+\b)/).map((part, index) => (index % 2 ? el("span", { class: "whole" }, part) : part));
const broken = (text) => text.split("\n").flatMap((line, index) => (index ? [el("br"), ...whole(line)] : whole(line)));
const lines = (text) => broken(plain(text));

function inline(text) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(TOKENS)) {
    nodes.push(...lines(text.slice(last, match.index)));
    nodes.push(token(match.groups));
    last = match.index + match[0].length;
  }
  nodes.push(...lines(text.slice(last)));
  return nodes;
}

function token(groups) {
  if (groups.fence) return el("pre", {}, unescaped(groups.fence.slice(3, -3).replace(/^\n/, "")));
  if (groups.code) return el("code", {}, unescaped(groups.code.slice(1, -1)));
  if (groups.bold) return el("b", {}, inline(groups.bold));
  if (groups.italic) return el("i", {}, inline(groups.italic));
  if (groups.strike) return el("s", {}, inline(groups.strike));
  return entity(groups.entity.slice(1, -1));
}

function entity(body) {
  const bar = body.indexOf("|");
  const [target, label] = bar < 0 ? [body, ""] : [body.slice(0, bar), body.slice(bar + 1)];
  if (body.startsWith("!date^")) {
    const [, epoch, form, link] = target.split("^");
    return dateNode(Number(epoch), form, link, label);
  }
  if (target.startsWith("@")) return mention(target.slice(1), label);
  if (target.startsWith("#")) return channelLink(target.slice(1), label);
  if (target.startsWith("!subteam^")) return groupMention(target.slice(9), label);
  if (target.startsWith("!")) return el("span", { class: "mention loud" }, `@${label || target.slice(1)}`);
  return link(unescaped(target), label ? plain(label) : unescaped(target));
}

export function mention(id, label = "") {
  const person = names.people.get(id);
  return el("span", { class: id === names.me ? "mention me" : "mention" }, `@${person ? person.name : label || id}`);
}

export function channelLink(id, label = "") {
  const known = names.channels.get(id);
  const shown = `#${known || label || id}`;
  return el("button", { type: "button", class: "mention as-link", on: { click: () => names.open(id) } }, shown);
}

export function groupMention(id, label = "") {
  const group = names.groups.get(id);
  const people = group?.users.map((each) => names.people.get(each)?.name ?? each).join(", ");
  return el("span", { class: group?.users.includes(names.me) ? "mention me" : "mention", title: people }, `@${group?.handle || label.replace(/^@/, "") || id}`);
}

export function link(target, label) {
  if (!/^(https?:|mailto:)/i.test(target)) return document.createTextNode(label);
  const away = !target.startsWith(location.origin);
  return el("a", { href: target, target: away ? "_blank" : "_self", rel: "noopener noreferrer" }, label);
}

const at = (epoch, options) => new Intl.DateTimeFormat("en-GB", options).format(new Date(epoch * 1000));

export function dateText(epoch, form) {
  const long = { day: "numeric", month: "long", year: "numeric" };
  const short = { ...long, month: "short" };
  const weekday = { ...long, weekday: "long" };
  const tokens = {
    date_num: () => new Date(epoch * 1000).toLocaleDateString("sv-SE"),
    date_slash: () => at(epoch, { day: "2-digit", month: "2-digit", year: "numeric" }),
    date: () => at(epoch, long),
    date_pretty: () => pretty(epoch, long),
    date_short: () => at(epoch, short),
    date_short_pretty: () => pretty(epoch, short),
    date_long: () => at(epoch, weekday),
    date_long_full: () => at(epoch, weekday),
    date_long_pretty: () => pretty(epoch, weekday),
    time: () => at(epoch, { hour: "2-digit", minute: "2-digit" }),
    time_secs: () => at(epoch, { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    ago: () => ago(epoch),
  };
  return form.replace(/\{(\w+)\}/g, (whole, name) => (tokens[name] ? tokens[name]() : whole));
}

function pretty(epoch, options) {
  const days = Math.round((new Date(epoch * 1000).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / 86400000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? at(epoch, options);
}

function ago(epoch) {
  const seconds = epoch - Date.now() / 1000;
  const [size, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"]].find(([s]) => Math.abs(seconds) >= s) ?? [1, "second"];
  return new Intl.RelativeTimeFormat("en").format(Math.round(seconds / size), unit);
}

function dateNode(epoch, form, target, fallback) {
  if (Number.isNaN(new Date(epoch * 1000).getTime()) || !form) return document.createTextNode(fallback);
  const node = el("time", { datetime: new Date(epoch * 1000).toISOString(), title: at(epoch, { dateStyle: "full", timeStyle: "long" }) }, dateText(epoch, form));
  return target && /^https?:/i.test(target) ? el("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, node) : node;
}

/** mrkdwn → nodes, with quoted lines as quotes. */
export function mrkdwn(text) {
  const nodes = [];
  const parts = text.split(/(```[\s\S]+?```)/);
  for (const part of parts) {
    if (part.startsWith("```")) {
      nodes.push(...inline(part));
      continue;
    }
    let plainRun = [];
    const flush = () => {
      if (plainRun.length) nodes.push(...inline(plainRun.join("\n")));
      plainRun = [];
    };
    for (const line of part.split("\n")) {
      const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
      if (quoted) {
        flush();
        nodes.push(el("blockquote", {}, inline(quoted[1])));
      } else plainRun.push(line);
    }
    flush();
  }
  return nodes;
}

/** A text object → nodes. */
export function textObject(text) {
  if (!text) return [];
  return text.type === "mrkdwn" ? mrkdwn(text.text) : broken(emojis(text.text));
}

/** rich_text elements → nodes. */
export function richText(parts) {
  return parts.map((part) => {
    switch (part.type) {
      case "rich_text_preformatted":
        return el("pre", {}, leaves(part.elements));
      case "rich_text_quote":
        return el("blockquote", {}, leaves(part.elements));
      case "rich_text_list":
        return el(
          part.style === "ordered" ? "ol" : "ul",
          { class: `rich indent-${Math.min(part.indent ?? 0, 6)}`, start: part.style === "ordered" ? 1 + (part.offset ?? 0) : null },
          part.elements.map((item) => el("li", {}, leaves(item.elements))),
        );
      default:
        return el("div", { class: "rich-section" }, leaves(part.elements));
    }
  });
}

function leaves(elements) {
  return elements.map((leaf) => styled(leafNodes(leaf), leaf.style ?? {}));
}

function leafNodes(leaf) {
  switch (leaf.type) {
    case "text":
      return broken(leaf.text);
    case "link":
      return [link(leaf.url, leaf.text || leaf.url)];
    case "emoji":
      return [names.emoji[leaf.name] ?? `:${leaf.name}:`];
    case "user":
      return [mention(leaf.user_id)];
    case "usergroup":
      return [groupMention(leaf.usergroup_id)];
    case "channel":
      return [channelLink(leaf.channel_id)];
    case "broadcast":
      return [el("span", { class: "mention loud" }, `@${leaf.range}`)];
    case "date":
      return [dateNode(Number(leaf.timestamp), leaf.format, leaf.url, leaf.fallback ?? "")];
    default:
      return [String(leaf.value ?? "")];
  }
}

function styled(nodes, style) {
  const tags = [["code", "code"], ["bold", "b"], ["italic", "i"], ["strike", "s"]];
  return tags.reduce((inner, [key, tag]) => (style[key] ? [el(tag, {}, inner)] : inner), nodes);
}

/** A markdown block → nodes: headings, lists, quotes, fences, tables, emphasis and links. */
export function markdown(text) {
  const nodes = [];
  const rows = text.split("\n");
  while (rows.length) {
    const row = rows.shift();
    const heading = /^(#{1,6})\s+(.*)$/.exec(row);
    if (row.startsWith("```")) nodes.push(el("pre", {}, take(rows, (r) => !r.startsWith("```"), true).join("\n")));
    else if (heading) nodes.push(el("p", { class: "md-heading" }, md(heading[2])));
    else if (/^\s*([-*]|\d+\.)\s/.test(row)) {
      const items = [row, ...take(rows, (r) => /^\s*([-*]|\d+\.)\s/.test(r))];
      nodes.push(el(/^\s*\d/.test(row) ? "ol" : "ul", { class: "rich" }, items.map((r) => el("li", {}, md(r.replace(/^\s*([-*]|\d+\.)\s+/, ""))))));
    } else if (row.startsWith(">")) nodes.push(el("blockquote", {}, md(row.replace(/^>\s?/, ""))));
    else if (row.startsWith("|")) nodes.push(mdTable([row, ...take(rows, (r) => r.startsWith("|"))]));
    else if (row.trim()) nodes.push(el("p", {}, md(row)));
  }
  return nodes;
}

function take(rows, holds, dropNext = false) {
  const taken = [];
  while (rows.length && holds(rows[0])) taken.push(rows.shift());
  if (dropNext) rows.shift();
  return taken;
}

function mdTable(rows) {
  const cells = rows.filter((r) => !/^[|\s:-]+$/.test(r)).map((r) => r.replace(/^\||\|\s*$/g, "").split("|").map((c) => c.trim()));
  return el("div", { class: "table-wrap" }, el("table", {}, cells.map((row, i) => el("tr", {}, row.map((c) => el(i ? "td" : "th", {}, md(c)))))));
}

function md(text) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(/`([^`]+)`|\*\*(.+?)\*\*|\*(.+?)\*|_(.+?)_|\[([^\]]+)\]\(([^)\s]+)\)/g)) {
    nodes.push(emojis(text.slice(last, match.index)));
    if (match[1]) nodes.push(el("code", {}, match[1]));
    else if (match[2]) nodes.push(el("b", {}, md(match[2])));
    else if (match[3] || match[4]) nodes.push(el("i", {}, md(match[3] || match[4])));
    else nodes.push(link(match[6], match[5]));
    last = match.index + match[0].length;
  }
  nodes.push(emojis(text.slice(last)));
  return nodes;
}
