"""Many receivers in a process of their own, as those of others are: `-m tests.webhooks.many ALIVE`.

It prints a port where all are answered and one where none ever is; and when so many paths of the first have been
told something, how late the last of them was, by the clock that all processes of a machine share.
"""

import asyncio
import sys
from time import monotonic


async def main(alive: int) -> None:
    told: set[str] = set()

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        told.add(request.split()[1].decode())
        if len(told) == alive:
            told.clear()
            print(monotonic(), flush=True)
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            pass
        writer.close()

    servers = [
        await asyncio.start_server(does, "127.0.0.1", 0, backlog=2_000) for does in (answers, never_answers)
    ]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
