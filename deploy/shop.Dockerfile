# The example project as an image, for compose.yaml. Beat and workers need beatsync only if it is one of the project's apps.
ARG BASE=python:3.13-slim-bookworm
FROM ${BASE}
ENV PATH="/opt/shop/bin:${PATH}" \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1
WORKDIR /src
COPY deploy/requirements-shop.txt deploy/requirements-shop.txt
RUN python3 -m venv /opt/shop \
 && /opt/shop/bin/pip install --require-hashes --only-binary :all: -r deploy/requirements-shop.txt
COPY LICENSE README.md pyproject.toml ./
COPY beatsync beatsync
COPY schemas schemas
RUN /opt/shop/bin/pip install --no-deps --no-build-isolation .
ENV PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=shop.settings
WORKDIR /shop
COPY examples/shop .
USER 65532:65532
CMD ["celery", "--app=shop", "worker"]
