"""What people can ask for. Everything that takes long happens beside Blender's own work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import bpy
from bpy.props import BoolProperty

from .failures import Failure
from .frames import Row, counted
from .results import cancel, fetch, rows_of
from .scene import order_of, places
from .session import session
from .settings import preferences_of, site_of
from .submission import queue_names, submit, type_names
from .work import Tell

POLL_SECONDS: Final = 0.2
FOLLOW_SECONDS: Final = 5.0
# Looking after jobs takes at most this part of the time.
SHARE: Final = 10
LOOKING: Final = "Looking after jobs"

Answer = set[str]


class _Asking:
    """An operator that asks the site. With no window open it lasts until the answer has come."""

    def execute(self, context: Any) -> Answer:
        try:
            return self._ask(context)
        except Failure as failure:
            return self._fail(failure)

    def _ask(self, context: Any) -> Answer:
        raise NotImplementedError

    def _start(self, doing: str, call: Callable[[Tell], Any], then: Callable[[Any], None]) -> Answer:
        if not session.work.start(doing, call, then=then):
            return self._fail(Failure(f"{session.work.doing} goes on.", hint="Wait for its end."))
        if not bpy.app.background:
            follow()
            return {"FINISHED"}
        while session.work.pump():
            session.work.wait(POLL_SECONDS)
        return self._fail(session.work.failure) if session.work.failure else {"FINISHED"}

    def _fail(self, failure: Failure) -> Answer:
        self.report({"ERROR"}, str(failure))  # type: ignore[attr-defined]  # of bpy.types.Operator
        return {"CANCELLED"}


class BATCHYARD_OT_names(_Asking, bpy.types.Operator):
    """Ask the site for its queues, and for the job types that take frames of a scene"""

    bl_idname = "batchyard.names"
    bl_label = "Ask for Queues"

    def _ask(self, context: Any) -> Answer:
        site = site_of(context)
        return self._start("Asking for queues", lambda tell: (queue_names(site), type_names(site)), _keep_names)


class BATCHYARD_OT_submit(_Asking, bpy.types.Operator):
    """Have the frames of this scene rendered by the queue"""

    bl_idname = "batchyard.submit"
    bl_label = "Submit"

    def _ask(self, context: Any) -> Answer:
        site, order = site_of(context), order_of(context)
        status = order.file.stat()
        key = session.key_for((site.url, order, status.st_size, status.st_mtime_ns))
        look, keep = looking(context)

        def call(tell: Tell) -> tuple[int, list[Row]]:
            return len(submit(site, order, key=key, tell=tell)), look(tell)

        return self._start("Submitting", call, lambda came: _keep_submitted(came[0], came[1], keep))


class BATCHYARD_OT_refresh(_Asking, bpy.types.Operator):
    """See what became of the jobs of this file"""

    bl_idname = "batchyard.refresh"
    bl_label = "Look After Jobs"

    def _ask(self, context: Any) -> Answer:
        return self._start(LOOKING, *looking(context))


class BATCHYARD_OT_cancel(_Asking, bpy.types.Operator):
    """End the chosen job, or all jobs of this file that have not ended"""

    bl_idname = "batchyard.cancel"
    bl_label = "Cancel"

    __annotations__ = {"is_for_all": BoolProperty(name="All")}

    def invoke(self, context: Any, event: Any) -> Answer:
        answer: Answer = context.window_manager.invoke_confirm(self, event)
        return answer

    def _ask(self, context: Any) -> Answer:
        site = site_of(context)
        rows = list(session.rows) if self.is_for_all else [_chosen(context)]
        look, keep = looking(context)
        return self._start("Cancelling", lambda tell: (cancel(site, rows, tell=tell), look(tell))[1], keep)


class BATCHYARD_OT_fetch(_Asking, bpy.types.Operator):
    """Write the frames that are finished to where this scene's output goes"""

    bl_idname = "batchyard.fetch"
    bl_label = "Fetch Frames"

    def _ask(self, context: Any) -> Answer:
        site, render = site_of(context), context.scene.render
        look, keep = looking(context)
        # Only the main thread may ask Blender where frames go; that of jobs which end meanwhile is asked next time.
        rows = list(session.rows)
        there, is_overwriting = places(context.scene, rows), bool(render.use_overwrite)

        def call(tell: Tell) -> tuple[int, list[Row]]:
            written = fetch(site, rows, there, is_overwriting=is_overwriting, tell=tell)
            return len(written), look(tell)

        return self._start("Fetching", call, lambda came: _keep_fetched(came[0], came[1], keep))


class BATCHYARD_OT_open(_Asking, bpy.types.Operator):
    """Show the chosen job in the browser"""

    bl_idname = "batchyard.open"
    bl_label = "Open in Browser"

    def _ask(self, context: Any) -> Answer:
        answer: Answer = bpy.ops.wm.url_open(url=f"{site_of(context).url}/jobs/{_chosen(context).job}/")
        return answer


class BATCHYARD_OT_pack(bpy.types.Operator):
    """Take what this scene uses from other files into its own, and save it"""

    bl_idname = "batchyard.pack"
    bl_label = "Pack and Save"

    def execute(self, context: Any) -> Answer:
        if not bpy.data.filepath:
            self.report({"ERROR"}, "The scene has never been saved. Save it (File > Save), then pack.")
            return {"CANCELLED"}
        bpy.ops.file.pack_all()
        if bpy.data.libraries:
            bpy.ops.file.pack_libraries()
        answer: Answer = bpy.ops.wm.save_mainfile()
        return answer


def looking(context: Any) -> tuple[Callable[[Tell], list[Row]], Callable[[list[Row]], None]]:
    """Asks for the jobs of the file that is open, and keeps them if it still is. Raises Failure."""
    site, path, kind = site_of(context), bpy.data.filepath, context.scene.batchyard.type.strip()
    if not path:
        raise Failure("The scene has never been saved, so it has no jobs.", hint="Save it, then submit.")

    def keep(rows: list[Row]) -> None:
        if bpy.data.filepath == path:
            show(rows)

    return lambda tell: rows_of(site, type=kind, scene=bpy.path.basename(path)), keep


def show(rows: Sequence[Row]) -> None:
    """Have the list show `rows`."""
    session.rows = list(rows)
    shown = bpy.context.window_manager.batchyard
    shown.rows.clear()
    for row in rows:
        line = shown.rows.add()
        line.job, line.frames, line.state, line.reason = str(row.job), row.span.text, row.state, row.reason
    shown.index = min(shown.index, max(len(rows) - 1, 0))


def _chosen(context: Any) -> Row:
    """The row that is chosen in the list. Raises Failure."""
    index = int(context.window_manager.batchyard.index)
    if not 0 <= index < len(session.rows):
        raise Failure("No job is chosen.", hint="Choose one in the list.")
    return session.rows[index]


def _keep_names(names: tuple[list[str], list[str]]) -> None:
    session.queues, session.types = names
    session.told = f"{counted(len(session.queues), 'queue')}, {counted(len(session.types), 'job type')} for frames"


def _keep_submitted(count: int, rows: list[Row], keep: Callable[[list[Row]], None]) -> None:
    session.settle()
    session.told = f"{counted(count, 'job')} submitted"
    keep(rows)


def _keep_fetched(count: int, rows: list[Row], keep: Callable[[list[Row]], None]) -> None:
    session.told = f"{counted(count, 'frame')} written"
    keep(rows)


def follow() -> None:
    """Have Blender look after the work that is under way."""
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=POLL_SECONDS, persistent=True)


def tick() -> float | None:
    """Take what has ended, and look after jobs from time to time. Seconds until the next time; None: never."""
    was_busy, is_busy = session.work.is_busy, session.work.pump()
    _redraw()
    if is_busy:
        return POLL_SECONDS
    if not (session.is_waiting and preferences_of(bpy.context).is_following):
        return None
    if was_busy:
        return max(FOLLOW_SECONDS, SHARE * session.work.seconds)
    return _look()


def _look() -> float | None:
    try:
        look, keep = looking(bpy.context)
    except Failure as failure:
        session.work.failure = failure
        return None
    session.work.start(LOOKING, look, then=keep)
    return POLL_SECONDS


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PROPERTIES":
                area.tag_redraw()


CLASSES = (
    BATCHYARD_OT_names,
    BATCHYARD_OT_submit,
    BATCHYARD_OT_refresh,
    BATCHYARD_OT_cancel,
    BATCHYARD_OT_fetch,
    BATCHYARD_OT_open,
    BATCHYARD_OT_pack,
)
