"""Every sentence by which somebody is refused, in one golden file to be read aloud.

What there is comes from the source (`sentences.py`): a refusal that no story comes to fails here. After a wanted change,
write the file anew and read the difference:

    ELB_PASSTHROUGH_GOLDEN=write .venv/bin/pytest tests/operations/test_refusals.py
"""

import os
from pathlib import Path

from bot.domain.catalogue import RULES
from tests.operations.refusals import refusals as stories
from tests.operations.sentences import refusals

MANY = 100
"""There are more refusals than this; fewer were not looked for everywhere."""
GOLDEN = Path(__file__).parent / "golden" / "refusals.md"


async def told(folder: Path) -> dict[str, str]:
    """What each story ends in."""
    return {name: _ours(await story()) for name, story in stories(folder).items()}


def _ours(sentence: str) -> str:
    """Without what a rule says, for that has a page of its own."""
    for rule in RULES.values():
        for words, instead in ((rule.text, "(its text)"), (rule.fix, "(its fix)")):
            sentence = sentence.replace(words, instead) if words else sentence
    return sentence


async def test_every_refusal_is_a_sentence_that_somebody_has_read(tmp_path: Path) -> None:
    """To the letter; none in the source that is not in the file."""
    found = await told(tmp_path)
    text = "\n\n".join(f"**{name}**\n{sentence}" for name, sentence in found.items()) + "\n"
    if os.environ.get("ELB_PASSTHROUGH_GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert len(refusals()) > MANY
    unread = [each for each in sorted(refusals()) if not any(map(each.said_in, found.values()))]
    assert [f"{each.module}: {each.shown}" for each in unread] == []
    assert text == GOLDEN.read_text(encoding="utf-8")
