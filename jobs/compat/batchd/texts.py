"""What is told about errors: plain text in English or Russian, as batchd tells it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from jobs.problems import Problem

SHOWN: Final = 20
# batchd's own words for what has another name here.
KEYS: Final[Mapping[str, str]] = {
    "schedule": "schedule_name",
    "host": "host_name",
    "autostart_count": "autostart_job_count",
    "not_before": "start_time",
    "periods": "time",
    "user": "user_name",
}
FIRST: Final = re.compile(r"^\w+")
# By code of the problem, else by status. {field} is the key it came in by.
RUSSIAN: Final[Mapping[str, str]] = {
    "permission_denied": "Недостаточно прав.",
    "not_authenticated": "Назовите имя пользователя и пароль.",
    "authentication_failed": "Имя пользователя или пароль неверны.",
    "not_found": "Не найдено.",
    "not_json": "Тело запроса не является правильным JSON.",
    "taken": "Такое имя уже занято.",
    "required": "Не хватает значения: {field}.",
    "wrong_type": "Значение неверного типа: {field}.",
    "unknown_status": "Нет такого состояния задания.",
    "unknown_queue": "Нет такой очереди.",
    "unknown_type": "Нет такого типа заданий.",
    "unknown_host": "Нет такого хоста.",
    "unknown_schedule": "Нет такого расписания.",
    "unknown_parameter": "У типа заданий нет такого параметра: {field}.",
    "bad_time": "Неверное время: {field}.",
    "outside_window": "Время запуска не входит в расписание очереди.",
    "not_empty": "В очереди есть задания.",
    "in_use": "Это ещё используется.",
    "not_waiting": "Задание уже не ожидает запуска.",
}
BY_STATUS: Final[Mapping[int, str]] = {
    400: "Неверный запрос.",
    401: "Назовите имя пользователя и пароль.",
    403: "Недостаточно прав.",
    404: "Не найдено.",
    405: "Здесь такой запрос невозможен.",
    413: "Запрос слишком велик.",
    503: "Сервер сейчас занят; повторите запрос позже.",
}


def language_of(request: HttpRequest) -> str:
    """`ru` or `en`: whichever the client would rather read."""
    for tag, _weight in parse_accept_lang_header(request.META.get("HTTP_ACCEPT_LANGUAGE", "")[:1000]):
        word = tag.partition("-")[0]
        if word in {"ru", "en"}:
            return word
    return "en"


def text_of(problems: Sequence[Problem], *, status: int, language: str) -> str:
    """All of `problems`, one on a line."""
    told = [_sentence(problem, status, language) for problem in problems[:SHOWN]]
    return "\n".join(told)


def _sentence(problem: Problem, status: int, language: str) -> str:
    field = FIRST.sub(lambda match: KEYS.get(match[0], match[0]), problem.field or "")
    english = f"{field}: {problem}" if field and f'"{field}' not in problem.message else str(problem)
    if language != "ru":
        return english
    lead = RUSSIAN.get(problem.code) or BY_STATUS.get(status, "Ошибка.")
    # The names and numbers stand in the sentence that the site says in English.
    return f"{lead.format(field=field or '?')} ({english})"
