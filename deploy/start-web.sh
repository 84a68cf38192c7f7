#!/bin/sh
# Brings database and static files up to date, then serves. Run by one web container; further ones may run it as well:
# migrations take a lock each, and collecting the same files twice changes nothing.
set -eu
python manage.py migrate --no-input
python manage.py collectstatic --no-input --verbosity 0
exec uvicorn webapp.config.asgi:application --host 0.0.0.0 --port 8000 --lifespan off \
    --ws-max-size 2097152 --proxy-headers --forwarded-allow-ips '*' --timeout-graceful-shutdown 10
