"""Run inside a namespace: answers every TCP connection with a name and the source address that it saw."""

import asyncio
import sys


async def serve(name: str, port: int) -> None:
    """Listen on every address until the process is ended."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{name} {writer.get_extra_info('peername')[0]}".encode())
        writer.close()

    server = await asyncio.start_server(answer, "0.0.0.0", port)  # noqa: S104 - its own namespace
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
