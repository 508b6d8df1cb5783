from __future__ import annotations

from django.db import models

from hosts.secrets.sealed import SealedText
from jobs.models.job import Job


class JobSecret(models.Model):
    """The values of a job's Secret parameters, by name, as one sealed JSON text.

    It stays as long as the job: a retry, which is always possible, needs it.
    """

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="+")
    sealed = SealedText()

    def __str__(self) -> str:
        return f"{self.job_id}"
