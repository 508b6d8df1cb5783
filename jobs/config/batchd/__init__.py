"""Takes batchd's own configuration files in, as they are."""
