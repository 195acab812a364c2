# Node with the Yarn that the official images bring, and with pnpm and Bun.
FROM node:20-slim
RUN npm install --global yarn@1.22.22 pnpm@9 bun@1 && rm -rf /root/.npm
