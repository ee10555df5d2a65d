# Two targets of the same layers: `operator` and, as the last one, `broker`. Either can run both, so one of them in a registry
# is enough; the chart names one. They need no root and write to /tmp and the data folder alone. The base is an argument, so that
# it can be built where no image registry is reachable: any Debian with Python 3.11 or newer will do, such as a debootstrap
# folder imported as an image.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN command -v gcc > /dev/null || { apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && { test -x /usr/local/bin/python3 || apt-get install --yes --no-install-recommends python3-dev python3-venv; }; }
WORKDIR /source
COPY constraints.txt constraints-dev.txt ./
RUN python3 -m venv /opt/watership && /opt/watership/bin/pip install --no-deps --require-hashes -r constraints.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY broker broker
COPY operator operator
RUN python3 -m venv /build \
    && awk '/^[a-z]/ {keep = /^(cython|setuptools)==/} keep' constraints-dev.txt > /build/tools.txt \
    && /build/bin/pip install --no-deps --require-hashes -r /build/tools.txt
RUN /build/bin/pip wheel --no-build-isolation --no-deps --wheel-dir /wheels . \
    && /opt/watership/bin/pip install --no-deps /wheels/*.whl && rm -rf /opt/watership/bin/pip*

FROM ${BASE} AS runtime
LABEL org.opencontainers.image.title="watership" \
      org.opencontainers.image.description="An AMQP broker written in Python, and its Kubernetes operator" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/watership /opt/watership
ENV PATH=/opt/watership/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
USER 65532:65532
WORKDIR /tmp

FROM runtime AS operator
EXPOSE 8080
CMD ["python", "-m", "watership_operator"]

FROM runtime AS broker
EXPOSE 5672 5671 15672 15671 15692
CMD ["watership", "broker", "--config", "/etc/watership/conf.d", "--data", "/var/lib/watership"]
