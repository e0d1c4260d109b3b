"""The board: which messages are where, and who may read them."""

from dataclasses import replace

from bot.demo.slack.feed import Change, Feed
from bot.demo.slack.message import Json, Message, Notice


class Board:
    """All messages, by channel; every change of them is told on the feed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._posted: dict[str, dict[str, Message]] = {}
        self._whispered: dict[str, dict[str, Message]] = {}
        self._read: dict[tuple[str, str], str] = {}
        self.notices: list[Notice] = []

    def post(self, message: Message) -> Message:
        """Put a message, an ephemeral one too, where it belongs."""
        shelf = self._whispered if message.only_for else self._posted
        shelf.setdefault(message.channel, {})[message.ts] = message
        self._tell("message", message)
        return message

    def edit(self, message: Message) -> Message:
        """Put the new value of a message in the old one's place.

        Raises:
            KeyError: there is no such message.
        """
        shelf = self._whispered if message.only_for else self._posted
        if message.ts not in shelf.get(message.channel, {}):
            raise KeyError(message.ts)
        shelf[message.channel][message.ts] = message
        self._tell("edit", message)
        return message

    def delete(self, message: Message) -> None:
        """Take a message away."""
        shelf = self._whispered if message.only_for else self._posted
        shelf.get(message.channel, {}).pop(message.ts, None)
        self._tell("delete", message)

    def notice(self, notice: Notice) -> None:
        """Tell one person what Slack itself has to say."""
        self.notices.append(notice)
        self._feed.publish(Change(kind="notice", data=notice.wire(), to=notice.user))

    def find(self, channel: str, ts: str) -> Message | None:
        """Return the posted message with this `ts`."""
        return self._posted.get(channel, {}).get(ts)

    def find_for(self, user: str, channel: str, ts: str) -> Message | None:
        """Return the message with this `ts` if it is posted, or ephemeral for `user`."""
        found = self.find(channel, ts) or self._whispered.get(channel, {}).get(ts)
        return found if found is not None and found.only_for in {None, user} else None

    def history(self, channel: str) -> list[Message]:
        """Return what shows in the channel itself, oldest first."""
        return [m for m in self._in_order(channel) if m.in_channel]

    def replies(self, channel: str, ts: str) -> list[Message]:
        """Return the replies to the message `ts`, oldest first."""
        return [m for m in self._in_order(channel) if m.is_reply and m.thread_ts == ts]

    def ephemerals(self, user: str, channel: str | None = None) -> list[Message]:
        """Return what only `user` sees, oldest first."""
        found = [
            m
            for name, shelf in self._whispered.items()
            for m in shelf.values()
            if m.only_for == user and channel in {None, name}
        ]
        return sorted(found, key=lambda m: m.ts)

    def wire(self, message: Message, *, metadata: bool = False) -> Json:
        """Return the message object, with the thread's figures where it has one."""
        body = message.wire(metadata=metadata)
        replies = [] if message.is_reply or message.only_for else self.replies(message.channel, message.ts)
        if replies:
            body |= {
                "thread_ts": message.ts,
                "reply_count": len(replies),
                "reply_users": sorted({r.user for r in replies}),
                "latest_reply": replies[-1].ts,
            }
        return body

    def shown(self, message: Message) -> Json:
        """Return the message as the page needs it."""
        extra = {"channel": message.channel, "only_for": message.only_for, "broadcast": message.broadcast}
        return {**self.wire(message), **extra, "metadata": message.metadata}

    def read(self, user: str, channel: str, ts: str) -> None:
        """Note that `user` has read `channel` up to `ts`."""
        self._read[user, channel] = max(ts, self._read.get((user, channel), ""))

    def unread(self, user: str, channel: str) -> int:
        """Return how many messages of others `user` has not read yet in `channel`."""
        last = self._read.get((user, channel), "")
        return sum(1 for m in self.history(channel) if m.ts > last and m.user != user)

    def _in_order(self, channel: str) -> list[Message]:
        return sorted(self._posted.get(channel, {}).values(), key=lambda m: m.ts)

    def _tell(self, kind: str, message: Message) -> None:
        self._publish(kind, message)
        parent = self.find(message.channel, message.thread_ts or "") if message.is_reply else None
        if parent is not None and kind != "edit":
            self._publish("edit", parent)

    def _publish(self, kind: str, message: Message) -> None:
        data = self.shown(message)
        self._feed.publish(Change(kind=kind, data=data, to=message.only_for, channel=message.channel))


def without_blocks(message: Message, text: str) -> Message:
    """Return the message with a new text alone: an update that names no blocks removes them."""
    return replace(message, text=text, blocks=())
