# A static binary on an empty image: docker build -t ringmq . && docker run -p 8080:8080 ringmq
FROM rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev make
WORKDIR /ringmq
COPY . .
RUN cargo build --release --locked --bin ringmq \
    && cp target/release/ringmq /usr/local/bin/ringmq

FROM scratch
COPY --from=build /usr/local/bin/ringmq /ringmq
# Nobody in particular: no user of this number exists anywhere in the image.
USER 65532:65532
ENV RINGMQ_HOST=0.0.0.0
EXPOSE 8080
ENTRYPOINT ["/ringmq"]
