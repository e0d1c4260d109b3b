import asyncio
import sys


async def test_the_tour_ends_as_it_should() -> None:
    """`elb-passthrough demo --tour` plays both stories, prints what people read, and exits 0."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "demo",
        "--tour",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    transcript = output.decode()
    assert process.returncode == 0, transcript[-3000:]
    for sentence in (
        "pass-through is already on",
        "You may not approve changes here",
        "✅ Succeeded: in-cluster traffic to shop/checkout now crosses the load balancer",
        "❌ Failed: ",
        "CHG-2 undoes CHG-1",
        "✓ Both stories ended as they should, in ",
    ):
        assert sentence in transcript, sentence
    assert "Traceback" not in transcript
