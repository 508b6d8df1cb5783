"""What every part of the REST API shares: errors, parsing, fields, paging, routes."""
