"""cluster_client.py ADDRESS RATE LASTING: RATE short connections a second to port 80, whether or
not earlier ones have ended, and LASTING ones to port 7, which say something every 50 ms. At SIGINT
all come to their end, and what was seen is printed as JSON (cluster.py, Clients)."""
import asyncio
import json
import signal
import sys
import time

ASKED = b"GET / HTTP/1.1\r\nHost: cluster\r\nConnection: close\r\n\r\n"
PATIENCE_S = 6
EVERY_S = 0.05


async def ask(address: str) -> str:
    reader, writer = await asyncio.open_connection(address, 80)
    try:
        writer.write(ASKED)
        answer = await reader.read()
        return "ok" if b"server " in answer else "no answer"
    finally:
        writer.close()


async def short(address: str, seen: list) -> None:
    began = time.monotonic()
    try:
        end = await asyncio.wait_for(ask(address), PATIENCE_S)
    except (OSError, asyncio.TimeoutError) as error:
        end = type(error).__name__
    seen.append([began, time.monotonic() - began, end])


async def talk(address: str, over: asyncio.Event, port: list[int]) -> str:
    reader, writer = await asyncio.wait_for(asyncio.open_connection(address, 7), PATIENCE_S)
    port.append(writer.get_extra_info("sockname")[1])
    try:
        while not over.is_set():
            writer.write(b"still there?\n")
            if not await asyncio.wait_for(reader.readline(), PATIENCE_S):
                return "closed"
            await asyncio.sleep(EVERY_S)
        return "ok"
    finally:
        writer.close()


async def lasting(address: str, over: asyncio.Event, seen: list) -> None:
    port: list[int] = []
    try:
        end = await talk(address, over, port)
    except (OSError, asyncio.TimeoutError) as error:
        end = type(error).__name__
    seen.append([port[0] if port else 0, end])


async def main(address: str, rate: int, count: int) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, over.set)
    shorts: list = []
    lastings: list = []
    tasks = [asyncio.create_task(lasting(address, over, lastings)) for _ in range(count)]
    began = time.monotonic()
    number = 0
    while not over.is_set():
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(short(address, shorts)))
        number += 1
    await asyncio.gather(*tasks)
    json.dump({"short": shorts, "lasting": lastings}, sys.stdout)


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
