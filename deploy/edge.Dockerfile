# A box. Build it from the repository's root:
#   docker build -f deploy/edge.Dockerfile --build-arg PYTORCH=cpu  -t gemel-edge .
#   docker build -f deploy/edge.Dockerfile --build-arg PYTORCH=cuda -t gemel-edge-cuda .
# Enrol once, then run; both keep their state in the volume:
#   docker run -v gemel-edge:/var/lib/gemel-edge gemel-edge enrol --server URL --code CODE
#   docker run -d --restart unless-stopped --gpus all -v gemel-edge:/var/lib/gemel-edge gemel-edge-cuda \
#     run --memory-budget 300MiB
FROM python:3.11-slim AS packages
ARG PYTORCH=cpu
COPY requirements /requirements
RUN if [ "$PYTORCH" = cpu ]; then export PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu; fi \
    && python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir -r /requirements/edge.txt
COPY edge_runtime /source/edge_runtime
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps /source/edge_runtime

FROM python:3.11-slim
RUN useradd --system --uid 10002 --create-home --groups video gemel-edge \
    && install -d -o gemel-edge -g gemel-edge /var/lib/gemel-edge
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMP_WAIT_POLICY=passive \
    XDG_STATE_HOME=/var/lib
USER 10002
VOLUME /var/lib/gemel-edge
ENTRYPOINT ["gemel-edge"]
CMD ["run"]
