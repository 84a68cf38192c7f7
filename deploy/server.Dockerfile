# Web application, beat and workers in one image. Build it from the repository's root:
#   docker build -f deploy/server.Dockerfile --build-arg PYTORCH=cpu  -t gemel-fleet .
#   docker build -f deploy/server.Dockerfile --build-arg PYTORCH=cuda -t gemel-fleet-cuda .
FROM node:24-slim AS front-end
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim AS packages
ARG PYTORCH=cpu
COPY requirements /requirements
# With the extra index pip prefers the CPU build of the same version; without it, it takes the CUDA builds.
RUN if [ "$PYTORCH" = cpu ]; then export PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu; fi \
    && python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir -r /requirements/server.txt

FROM python:3.11-slim AS translations
RUN apt-get update && apt-get install --yes --no-install-recommends gettext && rm -rf /var/lib/apt/lists/*
COPY webapp /webapp
RUN find /webapp -name '*.po' -exec sh -c 'msgfmt --check-format --output-file="${1%.po}.mo" "$1"' compile {} ';'

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home gemel && install -d -o gemel -g gemel /var/lib/gemel
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY --from=front-end /build/node_modules ./node_modules
COPY manage.py package.json ./
COPY edge_runtime ./edge_runtime
COPY --from=translations /webapp ./webapp
COPY workers ./workers
COPY templates ./templates
COPY deploy/start-web.sh ./start-web.sh
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_WAIT_POLICY=passive \
    DJANGO_SETTINGS_MODULE=webapp.config.settings.production \
    GEMEL_VAR_DIR=/var/lib/gemel
USER 10001
VOLUME /var/lib/gemel
EXPOSE 8000
CMD ["./start-web.sh"]
