# syntax=docker/dockerfile:1
# One image for every process of a fleet: `migaga run`, `migaga shard`, `migaga db upgrade`, `migaga emulator`.

FROM python:3.13-slim AS build
# A compiler only here, for packages that have no wheel for this platform.
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/build && python -m venv --without-pip /opt/migaga
WORKDIR /src
COPY requirements/run.lock requirements/dev.lock requirements/
# The build tools come from the lock too; they stay in this stage.
RUN /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/dev.lock
RUN /opt/build/bin/pip --python /opt/migaga/bin/python install --no-cache-dir --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY shard shard
COPY operator operator
COPY emulator emulator
COPY modules modules
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/build/bin/pip --python /opt/migaga/bin/python install --no-cache-dir --no-deps /wheels/*.whl
# `import hikari` costs about 2 CPU-seconds of compiling otherwise, at every start of a pod.
RUN /opt/migaga/bin/python -m compileall -q -j 0 /opt/migaga/lib

FROM python:3.13-slim
LABEL org.opencontainers.image.title="migaga" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/migaga /opt/migaga
ENV PATH=/opt/migaga/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN groupadd --gid 10001 migaga && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data migaga \
    && install --directory --owner 10001 --group 10001 /data
WORKDIR /data
# By number, so that `runAsNonRoot` can be checked without reading the image's users.
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["migaga"]
CMD ["run", "--config", "/data/config.ini"]
