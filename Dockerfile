# docker build -t gatepost .
FROM rust:1.95-bookworm AS build
WORKDIR /build
# Queries are checked against .sqlx (SQLX_OFFLINE in .cargo/config.toml), so no database is needed.
COPY Cargo.toml Cargo.lock build.rs ./
COPY .cargo .cargo
COPY .sqlx .sqlx
COPY migrations migrations
COPY presets presets
COPY templates templates
COPY static static
COPY src src
RUN cargo build --release --locked --bin gatepost

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin gatepost
COPY --from=build /build/target/release/gatepost /usr/local/bin/gatepost
# If you mount a gatepost.toml here, it is read. DATABASE_URL sets the database.
WORKDIR /etc/gatepost
USER 10001:10001
ENV GATEPOST_LISTEN=0.0.0.0:8080
EXPOSE 8080
# The image has no curl, but bash can open a connection. Checks only the default port.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q '200 OK' <&3"]
ENTRYPOINT ["gatepost"]
CMD ["serve"]
