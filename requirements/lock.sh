#!/bin/sh
# Writes the locks from the .in files: `make lock`. The box's and the server's locks are cuts of dev.txt.
# A local version such as torch 2.13.0+cpu is cut off: which build is taken is the installing machine's business.
set -eu
cd "$(dirname "$0")/.."
export CUSTOM_COMPILE_COMMAND="make lock"
for name in dev demo server edge; do
    limit=""
    [ "$name" = dev ] || limit="--constraint requirements/dev.txt"
    # shellcheck disable=SC2086
    "${PIP_COMPILE:-.venv/bin/pip-compile}" --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
        --no-emit-trusted-host $limit --output-file "requirements/$name.txt" "requirements/$name.in" "$@"
    sed -i.bak -E 's/^([A-Za-z0-9._-]+==[0-9.]+)\+[A-Za-z0-9.]+/\1/; /^# The following packages are considered/,$d' \
        "requirements/$name.txt"
    rm "requirements/$name.txt.bak"
done
