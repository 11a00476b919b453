import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { manual } from './manual/plugin.ts';
import { notices } from './notices/plugin.ts';

/**
 * Puts a Brotli and a gzip form beside every text file of the built page. The hub embeds all three and never
 * compresses at run time: a file is compressed once, as well as it goes.
 */
function precompressed(): Plugin {
  let folder = '';
  return {
    name: 'precompressed',
    apply: 'build',
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        const path = join(folder, entry);
        if (!statSync(path).isFile() || !/\.(html|js|css|svg|txt)$/.test(path)) continue;
        const plain = readFileSync(path);
        const brotli = brotliCompressSync(plain, {
          params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY },
        });
        const gzip = gzipSync(plain, { level: 9 });
        // A form that saves nothing would only make the binary larger.
        if (brotli.length < plain.length) writeFileSync(`${path}.br`, brotli);
        if (gzip.length < plain.length) writeFileSync(`${path}.gz`, gzip);
      }
    },
  };
}

/** Where `npm run dev` finds a hub: a running one, or the mock that `npm run mock` starts. */
const hub = process.env['CROSSTIE_URL'] ?? 'http://127.0.0.1:8000';

/** The hub serves the Join page at `/join`; so do `npm run dev` and `vite preview`. */
function joinAddress(): Plugin {
  const rename = (request: { url?: string | undefined }, _response: unknown, next: () => void): void => {
    if (request.url?.split('?', 1)[0] === '/join') request.url = '/join.html';
    next();
  };
  return {
    name: 'join-address',
    configureServer: ({ middlewares }) => void middlewares.use(rename),
    configurePreviewServer: ({ middlewares }) => void middlewares.use(rename),
  };
}

export default defineConfig({
  // The page may stand in any folder of a host: what it loads lies beside it.
  base: './',
  plugins: [manual(), svelte(), joinAddress(), notices(), precompressed()],
  build: {
    target: 'es2022',
    // The page's own policy forbids inlined scripts and styles; images may stay small files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    // The second page is the one of pupils, which thirty phones load over one WLAN.
    rollupOptions: { input: ['index.html', 'join.html'] },
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': { target: hub, ws: true },
      '/metrics': hub,
      '/healthz': hub,
      '/headset': { target: hub, ws: true },
      '/learning-packages': hub,
    },
  },
  test: { include: ['src/**/*.test.ts', 'manual/**/*.test.ts', 'notices/**/*.test.ts'], environment: 'node' },
});
