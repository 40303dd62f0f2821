# syntax=docker/dockerfile:1
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
# nochdb leaves out the embedded history's engine, which needs the C library.
RUN CGO_ENABLED=0 go build -tags nochdb -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /riskstream ./cmd/riskstream
RUN mkdir /state

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /riskstream /riskstream
# A place for engine.state_dir; a new volume takes over its owner.
COPY --from=build --chown=65532:65532 /state /var/lib/riskstream
USER nonroot
EXPOSE 9464
ENTRYPOINT ["/riskstream"]
CMD ["run", "-c", "/etc/riskstream/riskstream.yaml"]
