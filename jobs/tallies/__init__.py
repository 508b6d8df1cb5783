"""Running totals of jobs, attempts and output, kept by the database itself: see `triggers`."""
