"""Work and the rules for it: rows of the `jobs` app, one file per noun."""

from __future__ import annotations

from jobs.models.attempt import Attempt, AttemptRequest, Outcome, Phase, Script
from jobs.models.engine import Engine
from jobs.models.event import Event
from jobs.models.job import Job, JobState
from jobs.models.job_type import JobType, OnFail, Parameter, RetryWhen
from jobs.models.lane import Lane
from jobs.models.output import DroppedOutput, Output
from jobs.models.queue import Queue
from jobs.models.schedule import DatedException, Schedule, Window
from jobs.models.site import Site
from jobs.models.statistic import Statistic
from jobs.models.tally import Tally

__all__ = [
    "Attempt",
    "AttemptRequest",
    "DatedException",
    "DroppedOutput",
    "Engine",
    "Event",
    "Job",
    "JobState",
    "JobType",
    "Lane",
    "OnFail",
    "Outcome",
    "Output",
    "Parameter",
    "Phase",
    "Queue",
    "RetryWhen",
    "Schedule",
    "Script",
    "Site",
    "Statistic",
    "Tally",
    "Window",
]
