# Packs a directory, but not what `exclude` lists; then compares the archive with the directory.
set -eu
tar -czf $archive -X $exclude -C $directory .
tar -dzf $archive -C $directory
tar -tzf $archive
wc -c < $archive
