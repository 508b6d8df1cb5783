# Builds a program from an archive of its source, lets it check itself, and keeps it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -xzf $source -C "$work"
make -C "$work/primes" check
cp "$work/primes/primes" $program
