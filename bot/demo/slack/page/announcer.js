// Tells people who do not see the page what has come: in a sentence, as a notification would.
import { byId, el } from "./dom.js";
import { emojis, mrkdwn, names } from "./text.js";

const MOST = 20;
const told = new Map();

/** Tell a new message, or (`edit`) one that now says something else. */
export function announce(message, channel, edit = false) {
  const before = told.get(message.ts);
  told.set(message.ts, message.text);
  if (edit && (before === undefined || before === message.text)) return;
  if (before === message.text && !edit) return;
  const who = message.username ?? names.people.get(message.user)?.name ?? "Somebody";
  const where = channel?.name ? ` in #${channel.name}` : "";
  const said = el("span", {}, mrkdwn(message.text)).textContent;
  byId("announcer").append(el("p", {}, `${who}${where}${message.only_for ? ", only to you" : ""}: ${emojis(said)}`));
  while (byId("announcer").childElementCount > MOST) byId("announcer").firstElementChild.remove();
}
