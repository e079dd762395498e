"""A process with the plugin in it, told what to do line by line; it answers each line with one."""

import asyncio
import base64
import logging
import sys

from gateway_meter_prometheus import register_lifespans, register_meters, register_routes

from gateway import Egress, Services, UsageRecord


class Kind:
    kind = "generate"


class Inbound:
    operation = Kind


class Dialect:
    name = "openai-chat"


class Exchange:
    inbound, dialect = Inbound, Dialect


async def serve(step, until) -> None:
    step()
    await until


def main() -> None:
    services = Services(None, Egress(), None, lambda: 0.0, logging.getLogger("test"))
    (meter,) = register_meters(None, services)
    (route,) = register_routes(None, services)
    record = UsageRecord("ex", 0.0, 0.2, 200, "complete", "generate", "openai-chat", endpoint="e", model_served="m")
    for line in sys.stdin:
        answer = b""
        match line.strip():
            case "start":
                meter.started(Exchange)
            case "record":
                meter.record(record)
            case "serve":
                asyncio.run(serve(lambda: meter.record(record), asyncio.sleep(1)))
            case "serve and stop":
                (telling,) = register_lifespans(None, services)
                asyncio.run(serve(lambda: meter.record(record), telling.stop()))
            case "scrape":
                answer = asyncio.run(route.handler(None, None)).body
        print(base64.b64encode(answer).decode(), flush=True)


main()
