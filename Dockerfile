FROM node:22.23-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit && npm cache clean --force

FROM node:22.23-bookworm-slim
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY . .
# A volume at /data gets its owner from here.
RUN ln -s /app/bin/fcm.js /usr/local/bin/fcm && install -d -o node -g node -m 700 /data
ENV NODE_ENV=production FCM_DATA_DIR=/data
USER node
ENTRYPOINT ["fcm"]
