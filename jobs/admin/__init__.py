"""The admin pages of the jobs app, one module per kind of page."""

from __future__ import annotations

from jobs.admin.job import JobAdmin
from jobs.admin.job_type import JobTypeAdmin
from jobs.admin.queue import QueueAdmin
from jobs.admin.records import (
    AttemptAdmin,
    EngineAdmin,
    EventAdmin,
    LaneAdmin,
    NoticeAdmin,
    OutputAdmin,
    ScriptAdmin,
    SubscriptionAdmin,
)
from jobs.admin.schedule import ScheduleAdmin
from jobs.admin.site import SiteAdmin

__all__ = [
    "AttemptAdmin",
    "EngineAdmin",
    "EventAdmin",
    "JobAdmin",
    "JobTypeAdmin",
    "LaneAdmin",
    "NoticeAdmin",
    "OutputAdmin",
    "QueueAdmin",
    "ScheduleAdmin",
    "ScriptAdmin",
    "SiteAdmin",
    "SubscriptionAdmin",
]
