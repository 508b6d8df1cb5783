"""What people set: of the site in Blender's preferences, of the frames in the scene."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, PointerProperty, StringProperty

from .addresses import address_of
from .failures import Failure
from .session import session
from .site import Site


def _queues(settings: Any, context: Any, text: str) -> Iterable[str]:
    return [name for name in session.queues if text.lower() in name.lower()]


def _types(settings: Any, context: Any, text: str) -> Iterable[str]:
    return [name for name in session.types if text.lower() in name.lower()]


class BatchyardPreferences(bpy.types.AddonPreferences):
    """The site, and how to get in."""

    bl_idname = __package__

    # Properties are given in this way, as mypy takes no calls for types.
    __annotations__ = {
        "url": StringProperty(name="Site", description="Its URL. Empty: that of yard's last login"),
        "token": StringProperty(
            name="Token", subtype="PASSWORD",
            description="Kept in Blender's preferences as it is. Empty: that of yard's login at the site",
        ),
        "authority": StringProperty(
            name="Certificates", subtype="FILE_PATH",
            description="A PEM file of certificates to trust. Empty: those of the system",
        ),
        "is_following": BoolProperty(
            name="Follow jobs", default=True, description="Look after jobs as long as one has not ended"
        ),
    }  # fmt: skip

    def draw(self, context: Any) -> None:
        for name in ("url", "token", "authority", "is_following"):
            self.layout.prop(self, name)


class BatchyardSettings(bpy.types.PropertyGroup):
    """How a scene's frames are rendered. Kept in its file."""

    __annotations__ = {
        "queue": StringProperty(name="Queue", default="default", search=_queues),
        "type": StringProperty(name="Job Type", default="blender-frames", search=_types),
        "has_own_range": BoolProperty(name="Other Frames", description="Not those of Output Properties"),
        "first": IntProperty(name="First", default=1, min=0),
        "last": IntProperty(name="Last", default=1, min=0),
        "step": IntProperty(name="Step", default=1, min=1),
        "chunk": IntProperty(name="Frames per Job", default=1, min=1, description="More save starts of Blender"),
        "has_files_there": BoolProperty(
            name="Files Are on the Hosts",
            description="What the scene uses from other files need not be packed: hosts have it at the same place",
        ),
    }


class BatchyardRow(bpy.types.PropertyGroup):
    """A job, as the list shows it."""

    __annotations__ = {
        "job": StringProperty(),
        "frames": StringProperty(),
        "state": StringProperty(),
        "reason": StringProperty(),
    }


class BatchyardList(bpy.types.PropertyGroup):
    """The list of jobs, and which is chosen."""

    __annotations__ = {"rows": CollectionProperty(type=BatchyardRow), "index": IntProperty()}


CLASSES = (BatchyardPreferences, BatchyardSettings, BatchyardRow, BatchyardList)


def attach() -> None:
    """Give scenes and the window what this add-on keeps there."""
    bpy.types.Scene.batchyard = PointerProperty(type=BatchyardSettings)
    bpy.types.WindowManager.batchyard = PointerProperty(type=BatchyardList)


def detach() -> None:
    del bpy.types.Scene.batchyard
    del bpy.types.WindowManager.batchyard


def preferences_of(context: Any) -> Any:
    return context.preferences.addons[__package__].preferences


def site_of(context: Any) -> Site:
    """The site of the preferences. Raises Failure."""
    if not getattr(bpy.app, "online_access", True):
        hint = "Tick Edit > Preferences > System > Network > Allow Online Access, or start it with --online-mode."
        raise Failure("Blender is told to stay off the network.", hint=hint, code="offline")
    told = preferences_of(context)
    authority = bpy.path.abspath(told.authority)
    return Site(address_of(told.url, told.token, authority=authority, environ=os.environ))
