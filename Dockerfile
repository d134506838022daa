# A static binary on an empty image: docker build -t ringmq . && docker run -p 8080:8080 ringmq
#
# `.ci/image` runs each step of this file in a clean root, where no image can be had.
FROM rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev make
WORKDIR /ringmq
COPY . .
# What was fetched and built before is kept by the engine (BuildKit), and no layer holds it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/ringmq/target \
    cargo build --release --locked --bin ringmq \
    && cp target/release/ringmq /usr/local/bin/ringmq

FROM scratch
LABEL org.opencontainers.image.title="ringmq" \
      org.opencontainers.image.description="An HTTP event queue service with a lock-free ring buffer at its heart" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /usr/local/bin/ringmq /ringmq
# Nobody in particular: no user of this number exists anywhere in the image.
USER 65532:65532
ENV RINGMQ_HOST=0.0.0.0
EXPOSE 8080
STOPSIGNAL SIGTERM
# The binary asks itself: there is no shell here. Nothing is ever written, so --read-only will do.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/ringmq", "health"]
ENTRYPOINT ["/ringmq"]
