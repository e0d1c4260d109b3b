// The workspace page: who one acts as, which conversation is open, and what happens while one looks.
import { avatar, conversation } from "./conversation.js";
import { composer } from "./composer.js";
import { byId, el, fill } from "./dom.js";
import { drawHome, showStack } from "./modal.js";
import { announce } from "./announcer.js";
import { drawKnobs } from "./knobs.js";
import { addLog, drawLog, drawTrials } from "./panel.js";
import { names } from "./text.js";
import { follow, get, post } from "./wire.js";

/** Whether there is room for one pane only, as the style sheet has it. */
const phone = window.matchMedia("(max-width: 720px)");
const query = new URLSearchParams(location.search);
const now = { me: query.get("as") ?? "", channel: query.get("channel") ?? "", tab: "messages", thread: "", world: null, unread: new Map(), list: null, replies: null, stop: () => {} };

async function actAs(user) {
  now.stop();
  now.me = user;
  closeThread();
  await load();
  now.stop = follow(now.me, LISTENERS, (there) => fill(byId("link-state"), there ? "" : "Reconnecting…"));
}

async function load() {
  const world = await get("state", { user: now.me });
  now.world = world;
  const people = world.people.filter((p) => p.human);
  if (!people.some((p) => p.id === now.me)) {
    now.me = people[0].id;
    return load();
  }
  names.people = new Map(world.people.map((p) => [p.id, { ...p, name: p.name }]));
  names.channels = new Map(world.all_channels.map((c) => [c.id, c.name]));
  names.groups = new Map(world.groups.map((g) => [g.id, { handle: g.handle, users: g.users }]));
  names.emoji = world.emoji;
  names.me = now.me;
  names.bot = world.app.user;
  names.open = (id) => openChannel(id);
  now.unread = new Map(world.channels.map((c) => [c.id, c.unread]));
  if (!world.channels.some((c) => c.id === now.channel)) now.channel = world.channels[0]?.id ?? "";
  fill(byId("team"), world.team.domain);
  drawPicker(people);
  drawKnobs(world.knobs);
  drawTrials(world.trials, tryOut);
  showPresence(world.presence);
  const [log, views] = await Promise.all([get("log", { limit: 150 }), get("views", { user: now.me })]);
  drawLog(log.entries);
  showViews(views);
  return openChannel(now.channel, now.tab);
}

/** What somebody is here: a guest, or in a user group, which is what approvals ask for. */
function part(person) {
  const group = now.world.groups.find((each) => each.users.includes(person.id));
  const text = person.is_restricted ? "guest" : group && `@${group.handle}`;
  return text ? el("small", {}, ` ${text}`) : null;
}

function drawPicker(people) {
  const pick = (person) => el("button", {
    type: "button", role: "radio", "aria-checked": String(person.id === now.me), tabindex: person.id === now.me ? "0" : "-1",
    class: person.id === now.me ? "person on" : "person", title: person.profile.title, dataset: { user: person.id },
    on: { click: () => actAs(person.id).then(() => byId("act-as").querySelector(".on").focus()) },
  }, avatar(person.id, "small"), person.name, part(person));
  const picker = fill(byId("act-as"), el("span", { class: "muted act-label" }, "Acting as"), people.map(pick));
  picker.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const index = people.findIndex((p) => p.id === now.me);
    picker.querySelectorAll("[role=radio]")[(index + step + people.length) % people.length].click();
    event.preventDefault();
  };
}

const channelOf = (id) => now.world.channels.find((c) => c.id === id);
const title = (channel) => (channel.is_im ? now.world.app.name : channel.name);

function drawSidebar() {
  const item = (channel, label, sign) => {
    const unread = now.unread.get(channel.id) ?? 0;
    const current = channel.id === now.channel && now.tab === "messages";
    return el("button", {
      type: "button", class: ["item", current ? "on" : "", unread ? "unread" : ""].join(" "), "aria-current": current ? "page" : null,
      dataset: { channel: channel.id }, on: { click: () => choose(channel.id, "messages") },
    }, sign, el("span", { class: "item-name" }, label), unread ? el("span", { class: "badge", "aria-label": `${unread} unread` }, unread) : null);
  };
  const rooms = now.world.channels.filter((c) => !c.is_im);
  const direct = now.world.channels.filter((c) => c.is_im);
  fill(byId("sidebar"),
    el("h2", {}, "Channels"), rooms.map((c) => item(c, c.name, el("span", { class: "sign" }, c.is_private ? "🔒" : "#"))),
    el("h2", {}, "Apps"), direct.map((c) => item(c, now.world.app.name, avatar(now.world.app.user, "small"))),
    direct.length ? el("button", { type: "button", class: now.tab === "home" ? "item sub on" : "item sub", id: "open-home", on: { click: () => choose(direct[0].id, "home") } }, "🏠 ", el("span", { class: "item-name" }, "Home")) : null);
  if (phone.matches) byId("sidebar").querySelector(".on")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  const all = [...now.unread.values()].reduce((sum, n) => sum + n, 0);
  document.title = `${all ? `(${all}) ` : ""}${title(channelOf(now.channel) ?? { name: "Workspace" })} · ${now.world.team.domain}`;
}

/** Go to a conversation that was pressed; on a phone it lies behind whatever is open. */
function choose(id, tab) {
  if (phone.matches) {
    showPanel(false);
    closeThread();
  }
  return openChannel(id, tab);
}

function drawHead(channel) {
  const sign = channel.is_im ? avatar(now.world.app.user, "small") : el("span", { class: "sign" }, "#");
  const tabs = channel.is_im ? el("div", { class: "tabs", role: "tablist" }, ["home", "messages"].map((tab) => el("button", {
    type: "button", role: "tab", "aria-selected": String(tab === now.tab), on: { click: () => openChannel(channel.id, tab) },
  }, tab === "home" ? "Home" : "Messages"))) : null;
  fill(byId("channel-head"), sign, el("b", {}, title(channel)), tabs, el("span", { class: "muted topic" }, channel.topic?.value ?? ""),
    channel.bot_in || channel.is_im ? null : el("span", { class: "tag" }, `${now.world.app.name} is not here`));
}

async function openChannel(id, tab = "messages") {
  const channel = channelOf(id);
  if (!channel) return;
  if (id !== now.channel) closeThread();
  now.channel = id;
  now.tab = channel.is_im ? tab : "messages";
  history.replaceState(null, "", `?${new URLSearchParams({ as: now.me, channel: id })}`);
  const home = now.tab === "home";
  byId("home").hidden = !home;
  byId("messages").hidden = home;
  byId("composer").hidden = home;
  drawHead(channel);
  if (home) {
    drawSidebar();
    await post("home", { user: now.me });
    return;
  }
  const unread = now.unread.get(id) ?? 0;
  now.list = conversation(byId("messages"), {
    channel: id, user: now.me, shortcuts: now.world.shortcuts, openThread, empty: () => [welcome(channel)],
  });
  const answer = await get("messages", { channel: id, user: now.me });
  if (now.channel !== id) return;
  now.list.load(answer.messages, unread);
  now.composer = composer(byId("composer"), compose(channel, "composer-input", ""));
  seen(id, answer.messages.at(-1)?.ts);
  drawSidebar();
}

function compose(channel, id, thread) {
  return {
    id, slash: true, commands: now.world.commands,
    label: thread ? "Reply…" : `Message ${channel.is_im ? title(channel) : `#${channel.name}`}`,
    hint: thread ? "" : "Type / for commands, @ to mention · Enter sends, Shift+Enter starts a line",
    people: now.world.people.filter((p) => !p.deleted && p.id !== now.me).map((p) => ({ name: p.name, note: p.is_bot ? "app" : p.profile.title }))
      .sort((a, b) => Number(b.name === now.world.app.name) - Number(a.name === now.world.app.name)),
    send: (text) => post("say", { user: now.me, channel: channel.id, text, ...(thread ? { thread } : {}) }),
  };
}

function welcome(channel) {
  const name = channel.is_im ? title(channel) : `#${channel.name}`;
  const sample = (text) => el("button", { type: "button", class: "sample", on: { click: () => now.composer.set(text) } }, el("code", {}, text));
  return el("div", { class: "welcome" }, el("h1", {}, name),
    el("p", { class: "muted" }, channel.is_im ? "Your direct messages with the app." : `The beginning of ${name}. ${channel.topic?.value ?? ""}`),
    now.world.samples.length ? el("p", {}, "Try one of these:") : null, now.world.samples.map(sample),
    now.world.trials.length ? el("p", {}, el("button", { type: "button", class: "more", on: { click: showTrials } }, "What else is there to try?")) : null);
}

async function openThread(ts) {
  const channel = channelOf(now.channel);
  now.thread = ts;
  byId("thread").hidden = false;
  byId("frame").classList.add("with-thread");
  fill(byId("thread-where"), channel.is_im ? title(channel) : `#${channel.name}`);
  now.replies = conversation(byId("thread-messages"), { channel: channel.id, thread: ts, user: now.me, shortcuts: now.world.shortcuts, openThread });
  const answer = await get("thread", { channel: channel.id, ts, user: now.me });
  if (now.thread !== ts) return;
  now.replies.load(answer.messages);
  composer(byId("thread-composer"), compose(channel, "thread-input", ts)).focus();
}

function closeThread() {
  const root = now.thread;
  now.thread = "";
  byId("thread").hidden = true;
  byId("frame").classList.remove("with-thread");
  if (root) now.list?.stand(root);
}

/** Put a command where it can be sent: into the composer of a channel in which the app is. */
async function tryOut(command) {
  const here = channelOf(now.channel);
  const room = here?.bot_in && now.tab === "messages" ? here : now.world.channels.find((c) => c.bot_in);
  if (phone.matches) showPanel(false);
  if (room && (room !== here || now.tab !== "messages")) await openChannel(room.id, "messages");
  now.composer?.set(command);
}

function showTrials() {
  showPanel(true);
  byId("trials-section").open = true;
  byId("trials").querySelector("button").focus();
}

function showPresence(presence) {
  byId("presence").hidden = presence.state !== "starting";
}

function seen(channel, ts) {
  now.unread.set(channel, 0);
  if (ts) post("read", { user: now.me, channel, ts });
}

function arrived(message) {
  if (message.user !== now.me) announce(message, channelOf(message.channel));
  const here = message.channel === now.channel && now.tab === "messages";
  const reply = message.thread_ts && message.thread_ts !== message.ts;
  if (message.channel === now.channel && now.thread && (message.thread_ts === now.thread || message.ts === now.thread)) now.replies.put(message);
  if (reply && !message.broadcast) return;
  if (here) {
    now.list.put(message);
    seen(message.channel, message.ts);
  } else if (message.user !== now.me && message.channel && !message.only_for) {
    now.unread.set(message.channel, (now.unread.get(message.channel) ?? 0) + 1);
  }
  if (message.channel && !channelOf(message.channel)) load();
  else drawSidebar();
}

function edited(message) {
  announce(message, channelOf(message.channel), true);
  if (message.channel !== now.channel) return;
  if (now.list?.has(message.ts)) now.list.put(message);
  if (now.thread && now.replies?.has(message.ts)) now.replies.put(message);
}

function deleted(message) {
  if (message.channel !== now.channel) return;
  now.list?.drop(message.ts);
  if (now.thread) now.replies?.drop(message.ts);
}

function told(notice) {
  if (notice.channel) arrived(notice);
  else toast(notice.text);
}

function toast(text) {
  const node = el("div", { class: "toast" }, text);
  byId("toasts").append(node);
  setTimeout(() => node.remove(), 6000);
}

function showViews(views) {
  showStack(views.stack, now.me);
  drawHome(byId("home"), views.home, now.me, now.world.app.name);
}

const LISTENERS = {
  message: arrived, edit: edited, delete: deleted, notice: told, views: showViews, log: addLog, presence: showPresence,
  knobs: (data) => drawKnobs(data.knobs), knob: (data) => data.text && fill(byId("said"), data.text), again: () => load(),
};

function showPanel(shown) {
  byId("panel").hidden = !shown;
  byId("frame").classList.toggle("with-panel", shown);
  byId("panel-toggle").setAttribute("aria-expanded", String(shown));
}

byId("thread-close").addEventListener("click", closeThread);
byId("panel-toggle").addEventListener("click", () => showPanel(byId("panel").hidden));
document.addEventListener("keydown", (event) => {
  const writing = document.activeElement?.matches("input, textarea") && document.activeElement.value;
  if (event.key === "Escape" && now.thread && !writing && !document.querySelector("dialog[open]")) closeThread();
});
window.addEventListener("pagehide", () => now.stop());

showPanel(window.innerWidth >= 1200);
await actAs(now.me);
const wanted = query.get("ts");
if (wanted && !now.list?.reveal(wanted)) {
  await openThread(wanted);
  now.replies.reveal(wanted);
}
document.documentElement.dataset.ready = "true";
