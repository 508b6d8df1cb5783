"""What is to be known of the scene that is open."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import bpy

from .failures import Failure
from .frames import Row, Span, finished_frames
from .submission import Order

NAMED = 3


def order_of(context: Any) -> Order:
    """What the panel asks for. Raises Failure if that cannot be rendered elsewhere."""
    scene, told = context.scene, context.scene.batchyard
    span = span_of(scene)
    file = saved_file()
    if not told.has_files_there:
        _check_packed(file)
    if scene.render.is_movie_format:
        message = f"The output format, {scene.render.image_settings.file_format}, makes one film and no pictures."
        raise Failure(message, hint="Choose one of pictures, such as PNG, in Output Properties.", code="film")
    return Order(
        file=file, queue=told.queue.strip(), type=told.type.strip(), span=span, chunk=told.chunk,
        ending=scene.render.file_extension,
    )  # fmt: skip


def span_of(scene: Any) -> Span:
    """The frames of the panel, or those of the scene. Raises Failure if there are none."""
    told = scene.batchyard
    if told.has_own_range:
        return Span(told.first, told.last, told.step)
    return Span(scene.frame_start, scene.frame_end, scene.frame_step)


def saved_file() -> Path:
    """The .blend that is open. Raises Failure unless it is on disk as it is here."""
    if not bpy.data.filepath:
        raise Failure("The scene has never been saved.", hint="Save it (File > Save), then submit.", code="unsaved")
    file = Path(bpy.data.filepath)
    # Without a window Blender does not keep count: 3.4 never says so, the module of 4.2 always.
    if bpy.data.is_dirty and not bpy.app.background:
        hint = 'Save it, or choose "Pack and Save".'
        raise Failure(f'"{file.name}" has changes that are not saved.', hint=hint, code="unsaved")
    if not file.is_file():
        raise Failure(f"There is no file {file} any more.", hint="Save the scene once more.", code="unsaved")
    return file


def _check_packed(file: Path) -> None:
    """Raises Failure if the scene uses files that stay here."""
    # Without those that are packed, whatever Blender's own page says of the word.
    used = {Path(path) for path in bpy.utils.blend_paths(absolute=True, packed=False)}
    outside = sorted(path for path in used if not any(path.is_relative_to(place) for place in _own_places()))
    if outside:
        named = ", ".join(path.name for path in outside[:NAMED]) + ", ..." * (len(outside) > NAMED)
        message = f'"{file.name}" uses files that are not packed into it ({len(outside)}): {named}.'
        hint = 'Choose "Pack and Save", or tick "Files Are on the Hosts" if they are there at the same place.'
        raise Failure(message, hint=hint, code="not_packed")


def _own_places() -> list[str]:
    """Where Blender's own files are: every installation has them, such as the brushes that 5.0 names in each scene."""
    return [place for kind in ("LOCAL", "SYSTEM") if (place := bpy.utils.resource_path(kind))]


def places(scene: Any, rows: Collection[Row]) -> dict[int, Path]:
    """Where Blender itself would write the finished frames, without the ending of the picture."""
    ending = scene.render.file_extension if scene.render.use_file_extension else ""
    wanted = (frame for frames in finished_frames(rows).values() for frame in frames)
    return {frame: Path(scene.render.frame_path(frame=frame).removesuffix(ending)) for frame in wanted}
