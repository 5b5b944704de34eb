# One stage per app: docker build --target user-service . and so on for chat-service and gateway.
FROM node:24-bookworm-slim AS manifests
WORKDIR /rollcall
COPY package.json package-lock.json .npmrc ./
COPY libs/proto/package.json libs/proto/
COPY libs/grpc/package.json libs/grpc/
COPY libs/access/package.json libs/access/
COPY libs/sqlite/package.json libs/sqlite/
COPY libs/transcoder/package.json libs/transcoder/
COPY libs/test-servers/package.json libs/test-servers/
COPY apps/user-service/package.json apps/user-service/
COPY apps/chat-service/package.json apps/chat-service/
COPY apps/gateway/package.json apps/gateway/
COPY apps/web/package.json apps/web/
COPY apps/e2e/package.json apps/e2e/
COPY apps/bench/package.json apps/bench/
COPY tools/package.json tools/

FROM manifests AS build
RUN npm ci --no-audit --no-fund
COPY nx.json tsconfig.base.json tsconfig.json buf.yaml vitest.project.ts vitest.reporter.ts ./
COPY proto proto
COPY libs libs
COPY apps apps
RUN node_modules/.bin/nx run-many -t build && find libs apps -name '*.map' -path '*/dist/*' -delete -o -name '*.d.ts' -path '*/dist/*' -delete

FROM manifests AS user-service-modules
RUN npm ci --no-audit --no-fund --omit=dev --omit=optional -w @rollcall/user-service \
  && find node_modules -type f '(' -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' ')' -delete

FROM manifests AS chat-service-modules
RUN npm ci --no-audit --no-fund --omit=dev --omit=optional -w @rollcall/chat-service \
  && find node_modules -type f '(' -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' ')' -delete

FROM manifests AS gateway-modules
RUN npm ci --no-audit --no-fund --omit=dev --omit=optional -w @rollcall/gateway \
  && find node_modules -type f '(' -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' ')' -delete

FROM node:24-bookworm-slim AS user-service
ENV NODE_ENV=production USER_LISTEN=0.0.0.0:50051 DATA_DIR=/data
WORKDIR /rollcall
RUN mkdir /data /service && chown node:node /data /service
COPY --from=user-service-modules /rollcall/node_modules node_modules
COPY --from=user-service-modules /rollcall/package.json ./
COPY --from=build /rollcall/libs/proto/package.json libs/proto/
COPY --from=build /rollcall/libs/proto/gen libs/proto/gen
COPY --from=build /rollcall/libs/proto/dist libs/proto/dist
COPY --from=build /rollcall/libs/grpc/package.json libs/grpc/
COPY --from=build /rollcall/libs/grpc/dist libs/grpc/dist
COPY --from=build /rollcall/libs/access/package.json libs/access/
COPY --from=build /rollcall/libs/access/dist libs/access/dist
COPY --from=build /rollcall/libs/sqlite/package.json libs/sqlite/
COPY --from=build /rollcall/libs/sqlite/dist libs/sqlite/dist
COPY --from=build /rollcall/apps/user-service/package.json apps/user-service/
COPY --from=build /rollcall/apps/user-service/dist apps/user-service/dist
USER node
VOLUME /data
EXPOSE 50051
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["node", "apps/user-service/dist/healthcheck.js"]
CMD ["node", "apps/user-service/dist/main.js"]

FROM node:24-bookworm-slim AS chat-service
ENV NODE_ENV=production CHAT_LISTEN=0.0.0.0:50052 DATA_DIR=/data
WORKDIR /rollcall
RUN mkdir /data /service && chown node:node /data /service
COPY --from=chat-service-modules /rollcall/node_modules node_modules
COPY --from=chat-service-modules /rollcall/package.json ./
COPY --from=build /rollcall/libs/proto/package.json libs/proto/
COPY --from=build /rollcall/libs/proto/gen libs/proto/gen
COPY --from=build /rollcall/libs/proto/dist libs/proto/dist
COPY --from=build /rollcall/libs/grpc/package.json libs/grpc/
COPY --from=build /rollcall/libs/grpc/dist libs/grpc/dist
COPY --from=build /rollcall/libs/access/package.json libs/access/
COPY --from=build /rollcall/libs/access/dist libs/access/dist
COPY --from=build /rollcall/libs/sqlite/package.json libs/sqlite/
COPY --from=build /rollcall/libs/sqlite/dist libs/sqlite/dist
COPY --from=build /rollcall/apps/chat-service/package.json apps/chat-service/
COPY --from=build /rollcall/apps/chat-service/dist apps/chat-service/dist
USER node
VOLUME /data
EXPOSE 50052
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["node", "apps/chat-service/dist/healthcheck.js"]
CMD ["node", "apps/chat-service/dist/main.js"]

FROM node:24-bookworm-slim AS gateway
ENV NODE_ENV=production GATEWAY_LISTEN=0.0.0.0:3000
WORKDIR /rollcall
COPY --from=gateway-modules /rollcall/node_modules node_modules
COPY --from=gateway-modules /rollcall/package.json ./
COPY --from=build /rollcall/libs/proto/package.json libs/proto/
COPY --from=build /rollcall/libs/proto/gen libs/proto/gen
COPY --from=build /rollcall/libs/proto/dist libs/proto/dist
COPY --from=build /rollcall/libs/grpc/package.json libs/grpc/
COPY --from=build /rollcall/libs/grpc/dist libs/grpc/dist
COPY --from=build /rollcall/libs/access/package.json libs/access/
COPY --from=build /rollcall/libs/access/dist libs/access/dist
COPY --from=build /rollcall/libs/transcoder libs/transcoder
COPY --from=build /rollcall/apps/gateway/package.json apps/gateway/
COPY --from=build /rollcall/apps/gateway/dist apps/gateway/dist
COPY --from=build /rollcall/apps/gateway/sign-in apps/gateway/sign-in
COPY --from=build /rollcall/apps/web/package.json apps/web/
COPY --from=build /rollcall/apps/web/dist apps/web/dist
USER node
EXPOSE 3000
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["node", "apps/gateway/dist/healthcheck.js"]
CMD ["node", "apps/gateway/dist/main.js"]
