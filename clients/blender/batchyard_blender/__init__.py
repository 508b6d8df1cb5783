"""An add-on for Blender: renders a scene's frames through the queues of a Batchyard."""

from __future__ import annotations

from importlib import import_module

bl_info = {
    "name": "Batchyard",
    "author": "Batchyard",
    "version": (0, 1, 0),
    "blender": (3, 3, 0),
    "location": "Properties > Render > Batchyard",
    "description": "Render frames through the queues of a Batchyard",
    "category": "Render",
}

# What needs Blender is loaded when Blender asks for it: the rest is used and tested without.
ADDON = f"{__name__}.addon"


def register() -> None:
    import_module(ADDON).register()


def unregister() -> None:
    import_module(ADDON).unregister()
