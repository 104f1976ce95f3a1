"""Records what must not happen in a page: errors in its console, and requests to other machines."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError, WebSocket

LOCAL = ("data:", "blob:", "about:")
# What JupyterLab itself reports on a healthy page, with our package absent.
JUPYTERLAB_NOISE: tuple[str, ...] = ()


class Watch:
    """Keeps the errors and the foreign requests of every page of a browser context.

    Errors in the console whose text matches one of `noise` do not count; a message may arrive at any time, so
    a test that provokes one says so before.
    """

    def __init__(self, context: BrowserContext, *origins: str) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.foreign: list[str] = []
        self.noise: list[str] = list(JUPYTERLAB_NOISE)
        self._allowed = (*LOCAL, *origins, *(origin.replace("http", "ws", 1) for origin in origins))
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("request", self._on_request)
        context.on("page", self._on_page)

    def problems(self) -> list[str]:
        """One line for each error and each foreign request so far."""
        return [f"console error: {text}" for text in self.errors] + [
            f"request to another machine: {url}" for url in self.foreign
        ]

    def forget(self) -> None:
        """Start anew, after a test has made and checked problems on purpose."""
        self.errors.clear()
        self.foreign.clear()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note_error(f"{message.text} ({message.location.get('url', '')})")

    def _on_error(self, error: WebError) -> None:
        self._note_error(f"uncaught {error.error}")

    def _note_error(self, text: str) -> None:
        if not any(re.search(noise, text) for noise in self.noise):
            self.errors.append(text)

    def _on_request(self, request: Request) -> None:
        self._note(request.url)

    def _on_page(self, page: Page) -> None:
        page.on("websocket", self._on_websocket)

    def _on_websocket(self, socket: WebSocket) -> None:
        self._note(socket.url)

    def _note(self, url: str) -> None:
        self.requests.append(url)
        if not url.startswith(self._allowed):
            self.foreign.append(url)
