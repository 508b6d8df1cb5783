"""All that Blender is told of when the add-on is switched on, and forgets when it is switched off."""

from __future__ import annotations

from typing import Any

import bpy

from . import operators, panel, settings

CLASSES = (*settings.CLASSES, *operators.CLASSES, *panel.CLASSES)


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]  # Blender brings no types
def forget_rows(*told: Any) -> None:
    """The jobs that are shown are those of another file."""
    operators.show([])


def register() -> None:
    for one in CLASSES:
        bpy.utils.register_class(one)
    settings.attach()
    bpy.app.handlers.load_post.append(forget_rows)


def unregister() -> None:
    if bpy.app.timers.is_registered(operators.tick):
        bpy.app.timers.unregister(operators.tick)
    bpy.app.handlers.load_post.remove(forget_rows)
    settings.detach()
    for one in reversed(CLASSES):
        bpy.utils.unregister_class(one)
