#!/usr/bin/env python
"""Django's command line for Batchyard."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

from accounts.origin import of_command

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
    of_command()
    execute_from_command_line(sys.argv)
