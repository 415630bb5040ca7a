# Everything, for whoever has no Python 3.11: docker build -t toulon . && docker run --rm toulon make test
FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /toulon
COPY setup.py constraints.txt pyproject.toml Makefile README.md ./
COPY zoo/__init__.py zoo/
RUN make install
COPY . .
RUN make install
CMD ["make", "demo"]
