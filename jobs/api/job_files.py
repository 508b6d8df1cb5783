"""The files that a job reads and writes on our side, and where each can be downloaded."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import policy
from jobs.models import Job
from jobs.parameters import ParameterType
from jobs.queueing.declarations import parameters_of
from jobs.queueing.job_files import JobFile, files_of
from scheduler_site.api.views import caller


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
        return Response([file_json(file) for file in files_of(job.params, parameters_of(job.type))])


def file_json(file: JobFile) -> dict[str, Any]:
    return {
        "parameter": file.parameter.name,
        "title": file.parameter.title,
        "type": file.parameter.type.value,
        "path": file.path,
        "size": file.size_bytes,
        "url": reverse("api-file", kwargs={"path": file.path}),
    }
