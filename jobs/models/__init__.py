"""Work and the rules for it: rows of the `jobs` app, one file per noun."""

from __future__ import annotations

from jobs.models.attempt import Attempt, AttemptRequest, Outcome, Phase, Script
from jobs.models.engine import Engine
from jobs.models.event import Event
from jobs.models.job import Job, JobState
from jobs.models.job_type import JobType, OnFail, Parameter, RetryWhen
from jobs.models.lane import Lane
from jobs.models.notice import Delivery, Notice
from jobs.models.output import DroppedOutput, Output
from jobs.models.queue import Queue
from jobs.models.schedule import DatedException, Schedule, Window
from jobs.models.secret import JobSecret
from jobs.models.series import Point, Series, WebProcess
from jobs.models.site import Site
from jobs.models.statistic import Statistic
from jobs.models.subscription import NoticeKind, Subscription
from jobs.models.tally import Tally

__all__ = [
    "Attempt",
    "AttemptRequest",
    "DatedException",
    "Delivery",
    "DroppedOutput",
    "Engine",
    "Event",
    "Job",
    "JobSecret",
    "JobState",
    "JobType",
    "Lane",
    "Notice",
    "NoticeKind",
    "OnFail",
    "Outcome",
    "Output",
    "Parameter",
    "Phase",
    "Point",
    "Queue",
    "RetryWhen",
    "Schedule",
    "Script",
    "Series",
    "Site",
    "Statistic",
    "Subscription",
    "Tally",
    "WebProcess",
    "Window",
]
