"""The methods files.*: an upload in three steps."""

import mimetypes
from typing import Any

from bot.demo.slack.api.call import Call
from bot.demo.slack.post import from_bot
from bot.demo.slack.problem import SlackProblem
from bot.demo.slack.state import State, Upload

Json = dict[str, Any]
_MOST_ALT = 1000


def get_upload_url(state: State, call: Call) -> Json:
    """files.getUploadURLExternal: where to send the bytes."""
    if call.number("length", 0) < 1:
        raise SlackProblem("invalid_arguments", messages=["missing required field: length"])
    if len(call.text("alt_txt")) > _MOST_ALT:
        raise SlackProblem("alt_txt_too_large")
    upload = Upload(id=state.stamps.id("F"), name=call.need("filename"), alt=call.text("alt_txt"))
    state.uploads[upload.id] = upload
    return {"upload_url": f"{state.base()}/upload/{upload.id}", "file_id": upload.id}


def complete_upload(state: State, call: Call) -> Json:
    """files.completeUploadExternal: shares what was sent, in a channel where one is named."""
    files = call.args.get("files")
    if not isinstance(files, list) or not files:
        raise SlackProblem("invalid_arguments", messages=["missing required field: files"])
    shared = tuple(_file(state, each) for each in files)
    if call.text("channel_id"):
        _share(state, call, shared)
    return {"files": list(shared)}


def _share(state: State, call: Call, shared: tuple[Json, ...]) -> None:
    channel = state.directory.channels.get(call.text("channel_id"))
    if channel is None:
        raise SlackProblem("channel_not_found")
    if state.bot_user not in channel.members:
        raise SlackProblem("not_in_channel")
    body = {"text": call.text("initial_comment"), "blocks": call.args.get("blocks")}
    from_bot(state, channel.id, body, thread=call.text("thread_ts") or None, files=shared)


def _file(state: State, asked: Any) -> Json:
    upload = state.uploads.get(asked.get("id", "")) if isinstance(asked, dict) else None
    if upload is None or not upload.body:
        raise SlackProblem("file_not_found")
    return {
        "id": upload.id,
        "name": upload.name,
        "title": asked.get("title") or upload.name,
        "mimetype": mimetypes.guess_type(upload.name)[0] or "application/octet-stream",
        "size": len(upload.body),
        "alt_txt": upload.alt or asked.get("title") or upload.name,
        "url_private": f"{state.base()}/files/{upload.id}",
        "permalink": f"{state.base()}/files/{upload.id}",
    }
