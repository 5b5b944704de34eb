# An image of one app: docker build --build-arg APP=user-service . and so on for chat-service and gateway. The base image floats
# within Node 24, so that a build has its latest fixes: who wants the same bytes again pins it by its digest.
FROM node:24-bookworm-slim AS manifests
WORKDIR /rollcall
COPY package.json package-lock.json .npmrc ./
COPY libs/contract/package.json libs/contract/
COPY libs/proto/package.json libs/proto/
COPY libs/grpc/package.json libs/grpc/
COPY libs/grpc-batching/package.json libs/grpc-batching/
COPY libs/environment/package.json libs/environment/
COPY libs/access/package.json libs/access/
COPY libs/sqlite/package.json libs/sqlite/
COPY libs/transcoder/package.json libs/transcoder/
COPY libs/openapi/package.json libs/openapi/
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

# What the app needs of our own code.
FROM build AS files
ARG APP
RUN mkdir /files && cp package.json /files \
  && for part in libs/* apps/web "apps/$APP"; do \
    mkdir -p "/files/$part" \
    && for each in package.json dist gen docs sign-in; do if [ -e "$part/$each" ]; then cp -r "$part/$each" "/files/$part"; fi; done \
    || exit 1; \
  done

# What it needs of others, wherever npm puts it, and the list of that.
FROM manifests AS modules
ARG APP
RUN npm ci --no-audit --no-fund --omit=dev --omit=optional -w "@rollcall/$APP" \
  && npm sbom --package-lock-only --sbom-format=cyclonedx --omit=dev --omit=optional -w "@rollcall/$APP" > sbom.cdx.json \
  && find . -path '*/node_modules/*' -type f '(' -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' ')' -delete \
  && mkdir /modules && cp -a --parents sbom.cdx.json $(find . -name node_modules -prune) /modules

FROM node:24-bookworm-slim
ARG APP
ENV NODE_ENV=production DATA_DIR=/data \
  GATEWAY_LISTEN=[::]:3000 USER_LISTEN=[::]:50051 CHAT_LISTEN=[::]:50052
RUN install -d -o node -g node -m 0700 /data /service
COPY --from=modules /modules /rollcall
COPY --from=files /files /rollcall
WORKDIR /rollcall/apps/$APP
USER node
VOLUME /data
EXPOSE 3000 50051 50052
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["node", "dist/healthcheck.js"]
# Node would let short-lived objects take 96 MB more after a rush, and would come to take what streams pass on for
# long-lived: three exports of 100,000 users left 100 MB behind. A GET costs some 4 % more processor time.
CMD ["node", "--max-semi-space-size=16", "--no-allocation-site-pretenuring", "dist/main.js"]
