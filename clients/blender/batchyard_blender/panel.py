"""The panel in the render properties."""

from __future__ import annotations

import textwrap
from typing import Any, Final

import bpy

from .failures import Failure
from .frames import counted
from .operators import BATCHYARD_OT_cancel
from .scene import span_of
from .session import session

ICONS: Final = {
    "blocked": "PAUSE", "ready": "SORTTIME", "running": "PLAY", "succeeded": "CHECKMARK", "failed": "ERROR",
    "cancelled": "X", "skipped": "FORWARD",
}  # fmt: skip
LINE_LETTERS: Final = 60
ROWS: Final = 6


class BATCHYARD_UL_rows(bpy.types.UIList):
    """Jobs: frames, state, number."""

    def draw_item(self, context: Any, layout: Any, data: Any, row: Any, icon: int, active: Any, name: str) -> None:
        line = layout.row()
        line.label(text=row.frames, icon=ICONS.get(row.state, "QUESTION"))
        line.label(text=row.state)
        line.label(text=row.job)


class BATCHYARD_PT_render(bpy.types.Panel):
    """Render frames through a queue."""

    bl_label = "Batchyard"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "render"

    def draw(self, context: Any) -> None:
        layout, told = self.layout, context.scene.batchyard
        layout.use_property_split = True
        line = layout.row(align=True)
        line.prop(told, "queue")
        line.operator("batchyard.names", text="", icon="FILE_REFRESH")
        for name in ("type", "chunk", "has_files_there", "has_own_range"):
            layout.prop(told, name)
        if told.has_own_range:
            for name in ("first", "last", "step"):
                layout.prop(told, name)
        _draw_submission(layout, context.scene)
        _draw_rows(layout, context.window_manager.batchyard)


def _draw_submission(layout: Any, scene: Any) -> None:
    """What would be submitted, the buttons for it, and what was said last."""
    try:
        span = span_of(scene)
        count = -(-len(span.frames) // scene.batchyard.chunk)
        layout.label(text=f"Frames {span.text} in {counted(count, 'job')}")
    except Failure as failure:
        _draw_text(layout, str(failure), icon="ERROR")
    if bpy.data.is_dirty or not bpy.data.filepath:
        layout.label(text="The scene is not saved", icon="INFO")
    line = layout.row()
    line.operator("batchyard.pack")
    line.operator("batchyard.submit", icon="RENDER_ANIMATION")
    work = session.work
    if work.is_busy:
        layout.label(text=f"{work.doing} ...", icon="TIME")
    elif work.failure:
        _draw_text(layout.box(), str(work.failure), icon="ERROR")
    elif session.told:
        layout.label(text=session.told)


def _draw_rows(layout: Any, jobs: Any) -> None:
    """The list of jobs, and what may be asked of them."""
    layout.template_list("BATCHYARD_UL_rows", "", jobs, "rows", jobs, "index", rows=ROWS)
    if 0 <= jobs.index < len(jobs.rows) and jobs.rows[jobs.index].reason:
        _draw_text(layout, jobs.rows[jobs.index].reason, icon="INFO")
    line = layout.row(align=True)
    line.operator("batchyard.refresh", text="", icon="FILE_REFRESH")
    line.operator("batchyard.open", text="", icon="URL")
    line.operator(BATCHYARD_OT_cancel.bl_idname, text="Cancel").is_for_all = False
    line.operator(BATCHYARD_OT_cancel.bl_idname, text="Cancel All").is_for_all = True
    line.operator("batchyard.fetch", icon="IMPORT")


def _draw_text(layout: Any, text: str, *, icon: str) -> None:
    """Text over several lines: a label of Blender's has one."""
    column = layout.column(align=True)
    for number, line in enumerate(textwrap.wrap(text, LINE_LETTERS)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")


CLASSES = (BATCHYARD_UL_rows, BATCHYARD_PT_render)
