"""A site's definitions as a text that people keep beside their programs: written by `export_config`, read by
`apply_config`."""
