"""Runs within Blender: a person who opens it, does what is told, and closes it.

usage: blender --background [FILE] --python blender_session.py -- first|later TOLD.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

sys.dont_write_bytecode = True


def refusal_of(asked: Callable[..., Any], **given: Any) -> str:
    """What Blender says to a request that is refused; "" if it is not."""
    try:
        asked(**given)
    except RuntimeError as error:
        return str(error).strip()
    return ""


def switch_on(told: dict[str, Any]) -> Any:
    """Install the add-on and say which site it is for. Its preferences."""
    bpy.ops.preferences.addon_install(filepath=told["zip"], overwrite=True)
    bpy.ops.preferences.addon_enable(module="batchyard_blender")
    preferences = bpy.context.preferences.addons["batchyard_blender"].preferences
    preferences.url, preferences.token = told["url"], told["token"]
    return preferences


def draw_film(told: dict[str, Any]) -> None:
    """Three tiny pictures, by an engine that needs no graphics card."""
    render, scene = bpy.context.scene.render, bpy.context.scene
    render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    render.resolution_x, render.resolution_y, render.resolution_percentage = 32, 24, 100
    render.filepath = "//pictures/cat_####"
    scene.frame_start, scene.frame_end = 1, 3


class Paper:
    """In place of a panel's layout: takes the texts that people would see. What Blender does not know is an error."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.use_property_split = False
        self.icons = set(bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items.keys())

    def row(self, *, align: bool = False) -> Paper:
        return self

    def column(self, *, align: bool = False) -> Paper:
        return self

    def box(self) -> Paper:
        return self

    def label(self, *, text: str, icon: str = "NONE") -> None:
        assert icon in self.icons, icon
        self.texts.append(text)

    def prop(self, thing: Any, name: str) -> None:
        self.label(text=thing.bl_rna.properties[name].name)

    def operator(self, name: str, *, text: str | None = None, icon: str = "NONE") -> Any:
        group, _, verb = name.partition(".")
        kind = getattr(getattr(bpy.ops, group), verb).get_rna_type()
        self.label(text=kind.name if text is None else text, icon=icon)
        return SimpleNamespace()

    def template_list(
        self, kind: str, name: str, thing: Any, listed: str, chosen: Any, index: str, *, rows: int
    ) -> None:
        for row in getattr(thing, listed):
            getattr(bpy.types, kind).draw_item(self, bpy.context, self, thing, row, 0, chosen, index)


def panel() -> list[str]:
    """The texts of the panel and of the preferences."""
    paper = Paper()
    bpy.types.BATCHYARD_PT_render.draw(SimpleNamespace(layout=paper), bpy.context)
    preferences = bpy.context.preferences.addons["batchyard_blender"].preferences
    for drawn in sorted(type(preferences).__annotations__):
        paper.prop(preferences, drawn)
    return paper.texts


def first(told: dict[str, Any]) -> dict[str, Any]:
    """All that can go wrong, one after the other, and then a submission."""
    submit, said = bpy.ops.batchyard.submit, {}
    preferences = switch_on(told)
    draw_film(told)
    asked = bpy.context.scene.batchyard
    said["never saved"], unsaved = refusal_of(submit), panel()
    bpy.ops.wm.save_as_mainfile(filepath=told["file"])
    asked.first, asked.last = 7, 3
    for name, (thing, attribute, value) in {
        "no range": (asked, "has_own_range", True),
        "a film": (bpy.context.scene.render.image_settings, "file_format", "FFMPEG"),
        "no site": (preferences, "url", told["nowhere"]),
        "no URL": (preferences, "url", "batchyard.example.org"),
        "old token": (preferences, "token", told["old_token"]),
        "no queue": (asked, "queue", "defualt"),
        "no type": (asked, "type", "blender-frame"),
        "another type": (asked, "type", "command"),
    }.items():
        before = getattr(thing, attribute)
        setattr(thing, attribute, value)
        said[name] = refusal_of(submit)
        setattr(thing, attribute, before)
    said["not packed"] = refusal_with_texture(told)
    asked.chunk = 2
    bpy.ops.wm.save_mainfile()
    bpy.ops.batchyard.names()
    submit()
    return {"said": said, **remembered(), "unsaved": unsaved, "panel": panel(),
            "pauses": pauses_while_following(), "cancelled": cancelled_frame(told)}  # fmt: skip


def pauses_while_following() -> list[float]:
    """How long Blender's timer is told to wait: while the site is asked, and before it is asked again."""
    operators, session = sys.modules["batchyard_blender.operators"], sys.modules["batchyard_blender.session"].session
    first = operators.tick()
    session.work.wait(10)
    return [first, operators.tick()]


def cancelled_frame(told: dict[str, Any]) -> list[Any]:
    """The row of a job that waited in a queue that rests, and was cancelled."""
    asked = bpy.context.scene.batchyard
    asked.queue, asked.has_own_range, asked.first, asked.last = told["resting"], True, 8, 8
    bpy.ops.wm.save_mainfile()
    bpy.ops.batchyard.submit()
    bpy.context.window_manager.batchyard.index = 0
    bpy.ops.batchyard.cancel()
    row: list[Any] = remembered()["rows"][0]
    return row


def refusal_with_texture(told: dict[str, Any]) -> str:
    """What is said while the scene uses a picture that is beside it; afterwards this is packed."""
    image = bpy.data.images.new("wood", 8, 8)
    image.filepath_raw, image.file_format = told["texture"], "PNG"
    image.save()
    image.source, image.use_fake_user = "FILE", True
    bpy.ops.wm.save_mainfile()
    said = refusal_of(bpy.ops.batchyard.submit)
    bpy.ops.batchyard.pack()
    return said


def later(told: dict[str, Any]) -> dict[str, Any]:
    """See what became of the jobs, and fetch the pictures."""
    switch_on(told)
    bpy.ops.batchyard.refresh()
    bpy.ops.batchyard.fetch()
    return remembered()


def remembered() -> dict[str, Any]:
    """What the add-on shows."""
    session = sys.modules["batchyard_blender.session"].session
    shown = [[int(row.job), row.frames, row.state] for row in bpy.context.window_manager.batchyard.rows]
    return {"rows": shown, "told": session.told, "queues": session.queues, "types": session.types}


def main(act: str, path: Path) -> None:
    told = json.loads(path.read_text())
    Path(told["answer"]).write_text(json.dumps({"first": first, "later": later}[act](told)))


main(sys.argv[-2], Path(sys.argv[-1]))
