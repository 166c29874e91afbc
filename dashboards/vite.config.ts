// The build is what the server sends under a strict content security policy: nothing is inlined, every asset is a
// file of our own origin.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds the API; the stub of `npm run stub` listens there too. */
const api = process.env['HAIDANG_API'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte()],
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false }, sourcemap: false },
  server: { proxy: { '/api': api } },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
});
