"""A collector that remembers: it speaks the tracker's wire over real sockets, and can misbehave.

It stores each message once by shop, device and message id, as the real one promises, and keeps
every batch it saw. It also serves the shop's pages, from another origin than the script's, so that
browsers apply to them what they apply to shops.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Page

from habitue.edges.tracker import building

PAGES = Path(__file__).parent / "pages"
PARTNER = "0123456789abcdef01234567"
SHOP = "0123456789abcdef0123456789abcd"
#: The loaders that the vendors give shops.
LOADER = """<!doctype html><script>
var rrPartnerId = "0123456789abcdef01234567"; var rrApi = {}; var rrApiOnReady = rrApiOnReady || [];
rrApi.addToBasket = rrApi.order = rrApi.categoryView = rrApi.view = rrApi.recomMouseDown =
  rrApi.recomAddToCart = function () {};
(function (d) { var id = "rrApi-jssdk"; if (d.getElementById(id)) return;
  var js = d.createElement("script"); js.id = id; js.async = true;
  js.src = "//TRACKER_HOST/content/javascript/tracking.js";
  d.getElementsByTagName("script")[0].parentNode.appendChild(js); }(document));
</script>"""
QUEUE = """<!doctype html><script>
window.r46=window.r46||function(){(window.r46.q=window.r46.q||[]).push(arguments)};
var s = document.createElement("script"); s.async = true; s.src = "https://TRACKER_HOST/v3.js";
document.head.appendChild(s);</script>"""
#: Opens a page of the shop and waits for the script.
Visit = Callable[[str], Awaitable[Page]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Recorder:
    """One shop front and one collector, each on a port of its own."""

    def __init__(self) -> None:
        self.batches: list[dict[str, Any]] = []
        self.stored: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.duplicates = 0
        self.asked: list[str] = []
        self.pages: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.script = building.served()
        self.failing: list[tuple[int, dict[str, str]]] = []
        self.poison: set[str] = set()
        self.profile: dict[str, Any] = {}
        self.delay_seconds = 0.0
        self.lose_answers = 0
        self.tabs: list[Page] = []
        self._news = asyncio.Event()
        self._runners: list[web.AppRunner] = []
        self._collector: web.AppRunner | None = None
        self.shop = self.tracker = ""

    async def open(self) -> None:
        """Starts both."""
        front = web.Application()
        front.router.add_get("/{name}", self._page)
        self.shop = f"http://127.0.0.1:{await self._listen(front, 0)}"
        await self.start_collector(0)

    async def close(self) -> None:
        """Stops both."""
        await self.stop_collector()
        for runner in self._runners:
            await runner.cleanup()

    async def start_collector(self, port: int) -> None:
        """Starts the collector, on the port that it had before or on any."""
        application = web.Application(client_max_size=2**20)
        for path in ("/content/javascript/{file}", "/v3.js"):
            application.router.add_get(path, self._script)
        application.router.add_post("/v1/collect", self._open_to_all(self._collect))
        application.router.add_get("/v1/device", self._open_to_all(self._device))
        application.router.add_get("/profile", self._open_to_all(self._profile))
        application.router.add_route("*", "/{rest:.*}", self._open_to_all(self._unknown))
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        port = await self._listen(application, port, runner)
        self._collector = runner
        self.tracker = f"http://127.0.0.1:{port}"

    async def stop_collector(self) -> int:
        """Stops the collector; its port."""
        if self._collector is not None:
            await self._collector.cleanup()
        self._collector = None
        return int(self.tracker.rsplit(":", 1)[1])

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What is stored, in the order of arrival."""
        return list(self.stored.values())

    def named(self, name: str) -> list[dict[str, Any]]:
        """The data of stored messages of that name."""
        return [each["data"] for each in self.messages if each["name"] == name]

    @property
    def told(self) -> list[str]:
        """The names of stored messages, but for the page view that every page begins with."""
        return [each["name"] for each in self.messages if each["name"] != "page_view"]

    async def until(
        self, count: int, seconds: float = 10, *, hurry: bool = True
    ) -> list[dict[str, Any]]:
        """Waits until that many messages are stored, without waiting for a batch to be full."""
        if hurry:
            for tab in self.tabs:
                await tab.evaluate("window.habitue && habitue.flush && habitue.flush()")
        async with asyncio.timeout(seconds):
            while len(self.stored) < count:
                self._news.clear()
                await self._news.wait()
        return self.messages

    async def _listen(
        self, application: web.Application, port: int, runner: web.AppRunner | None = None
    ) -> int:
        kept = runner is None
        runner = runner or web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
        if kept:
            self._runners.append(runner)
        return int(runner.addresses[0][1])

    async def _page(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name == "favicon.ico":
            return web.Response(status=204)
        text = self.pages.get(name) or (PAGES / name).read_text(encoding="utf-8")
        text = text.replace("https://TRACKER_HOST", self.tracker)
        text = text.replace("//TRACKER_HOST", self.tracker.removeprefix("http:"))
        return web.Response(text=text, content_type="text/html", headers=self.headers)

    async def _script(self, request: web.Request) -> web.Response:
        headers = {"access-control-allow-origin": "*", "cache-control": "max-age=3600"}
        return web.Response(body=building.served(), content_type="text/javascript", headers=headers)

    def _open_to_all(self, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            self.asked.append(f"{request.method} {request.path}")
            response = await handler(request)
            response.headers["access-control-allow-origin"] = request.headers.get("origin", "*")
            response.headers["access-control-allow-credentials"] = "true"
            response.headers["access-control-expose-headers"] = "retry-after"
            return response

        return answer

    async def _device(self, request: web.Request) -> web.Response:
        did = request.cookies.get("habitue_did") or request.query["did"]
        response = web.json_response({"did": did})
        response.set_cookie("habitue_did", did, httponly=True, samesite="Lax", max_age=31536000)
        return response

    async def _collect(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self.failing:
            status, headers = self.failing.pop(0)
            return web.json_response({"message": "not now"}, status=status, headers=headers)
        batch = json.loads(content)
        batch["content_type"] = request.content_type
        batch["bytes"] = len(content)
        self.batches.append(batch)
        if self.poison & {each["name"] for each in batch["messages"]}:
            return web.json_response({"status": "error", "message": "poison"}, status=422)
        return self._store(request, batch)

    def _store(self, request: web.Request, batch: dict[str, Any]) -> web.StreamResponse:
        did = batch["did"]
        duplicates = 0
        for message in batch["messages"]:
            key = (batch["shop"], did, message["id"])
            duplicates += key in self.stored
            self.stored.setdefault(key, message)
        self.duplicates += duplicates
        self._news.set()
        if self.lose_answers:
            self.lose_answers -= 1
            assert request.transport is not None
            request.transport.close()
        warnings = [
            {"id": each["id"], "field": "phone", "code": "bad_characters"}
            for each in batch["messages"]
            if each["data"].get("phone") == "phone"
        ]
        stored = len(batch["messages"]) - duplicates
        answer = {"status": "success", "did": did, "stored": stored, "duplicates": duplicates}
        return web.json_response({**answer, "sid": batch["sid"], "warnings": warnings})

    async def _profile(self, request: web.Request) -> web.Response:
        return web.json_response(self.profile)

    async def _unknown(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "error", "message": "unknown"}, status=404)
