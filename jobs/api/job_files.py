"""The files that a job reads and writes on our side, and where each can be downloaded."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import policy
from jobs.api.files import sent
from jobs.models import Job
from jobs.parameters import ParameterType
from jobs.problems import Problem
from jobs.queueing.declarations import parameters_of
from jobs.queueing.files import opened
from jobs.queueing.job_files import JobFile, files_of, path_of
from scheduler_site.api.views import caller
from scheduler_site.sending import SentFile


class JobFileAnswer(serializers.Serializer[Any]):
    """A file that a job was given or told to write."""

    parameter = serializers.CharField(help_text="Name of the parameter.")
    title = serializers.CharField()
    type = serializers.ChoiceField([ParameterType.INPUT_FILE.value, ParameterType.OUTPUT_FILE.value])
    path = serializers.CharField(help_text="As a file parameter of a job takes it.")
    size = serializers.IntegerField(allow_null=True, help_text="Bytes; null: it is not there.")
    url = serializers.CharField(help_text="Where to download it.")


class JobFilesView(APIView):
    """The files of one job."""

    @extend_schema(operation_id="job_files_list", responses=JobFileAnswer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        """The files that its parameters name, in the order of declaration."""
        rows = Job.objects.select_related("type").prefetch_related("type__parameters")
        job = policy.job_for(caller(request), int(pk), rows=rows)
        return Response([file_json(file, job) for file in files_of(job.params, parameters_of(job.type))])


class JobFileView(APIView):
    """One file of a job."""

    @extend_schema(operation_id="job_file_download", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: str, name: str) -> SentFile:
        """The bytes of the file that the parameter names."""
        rows = Job.objects.select_related("type").prefetch_related("type__parameters")
        job = policy.job_for(caller(request), int(pk), rows=rows)
        path = path_of(job.params, parameters_of(job.type), name)
        file = opened(path) if path else None
        if path is None or file is None:
            raise policy.Missing(Problem("not_found", f'Job {pk} has no file "{name[:100]}".'))
        return sent(file, path)


def file_json(file: JobFile, job: Job) -> dict[str, Any]:
    return {
        "parameter": file.parameter.name,
        "title": file.parameter.title,
        "type": file.parameter.type.value,
        "path": file.path,
        "size": file.size_bytes,
        "url": reverse("api-job-file", kwargs={"pk": job.pk, "name": file.parameter.name}),
    }
