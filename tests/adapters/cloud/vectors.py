"""Makes `vectors.json`: requests signed by the vendor's own SDK, which is no dependency of this project.

In an environment of its own:

    python -m venv /tmp/sdk && /tmp/sdk/bin/pip install huaweicloudsdkcore==3.1.219
    /tmp/sdk/bin/python tests/adapters/cloud/vectors.py > tests/adapters/cloud/vectors.json
"""

import json
import sys
from importlib import import_module
from random import Random
from typing import Any

COUNT = 60
_ODD = "aZ09-._~ /:,;=&?+*%!'()[]@#$äß€字"


def word(dice: Random, most: int = 12) -> str:
    """Some text in which anything may occur that needs escaping."""
    return "".join(dice.choice(_ODD) for _ in range(dice.randint(1, most)))


def request(dice: Random) -> dict[str, Any]:
    """One request; the SDK takes a percent sign in a path for an escape, so none is in there."""
    path = "".join(f"/{word(dice).replace('/', '').replace('%', '')}" for _ in range(dice.randint(1, 5)))
    token = word(dice, 40).strip() if dice.random() < 0.3 else ""
    body = json.dumps({word(dice): word(dice, 60)}) if dice.random() < 0.4 else ""
    return {
        "access": f"AK{dice.randint(0, 10**6)}",
        "secret": f"sk/{dice.randint(0, 10**9)}+=",
        "token": token,
        "method": dice.choice(["GET", "POST", "PUT", "DELETE"]),
        "path": path + ("/" if dice.random() < 0.2 else ""),
        "query": [[word(dice), word(dice)] for _ in range(dice.randint(0, 4))],
        "body": body,
        "headers": {
            "Content-Type": "application/json",
            "Host": dice.choice(
                ["elb.eu-de.otc.t-systems.com", "ces.ap-southeast-1.myhuaweicloud.com", "127.0.0.1:8080"]
            ),
            "X-Project-Id": f"{dice.getrandbits(128):032x}",
            "X-Sdk-Date": f"2026{dice.randint(1, 12):02}{dice.randint(1, 28):02}T{dice.randint(0, 23):02}0000Z",
            **({"X-Security-Token": token} if token else {}),
        },
    }


def signed(asked: dict[str, Any]) -> str:
    """What the SDK puts into the Authorization header."""
    credentials = import_module("huaweicloudsdkcore.auth.credentials").BasicCredentials
    sdk_request = import_module("huaweicloudsdkcore.sdk_request").SdkRequest
    signer = import_module("huaweicloudsdkcore.signer.signer").Signer
    made = sdk_request(
        method=asked["method"],
        schema="https",
        host=asked["headers"]["Host"],
        resource_path=asked["path"],
        query_params=[tuple(pair) for pair in asked["query"]],
        header_params=dict(asked["headers"]),
        body=asked["body"] or None,
    )
    answer = signer(credentials(asked["access"], asked["secret"], "p")).sign(made)
    return str(answer.header_params["Authorization"])


if __name__ == "__main__":
    DICE = Random(20260101)  # noqa: S311  the same vectors every time
    json.dump(
        [{**asked, "authorization": signed(asked)} for asked in (request(DICE) for _ in range(COUNT))],
        sys.stdout,
        indent=1,
        ensure_ascii=True,
    )
