import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

const server = process.env.HEADRACE_DEV_SERVER ?? 'http://127.0.0.1:5000'
const proxied = ['/ajax-api', '/api', '/get-artifact', '/health', '/version']

export default defineConfig({
  base: './', // so that it works below any path
  plugins: [svelte({ compilerOptions: { runes: true } })],
  build: {
    outDir: '../src/mlflow/server/static',
    emptyOutDir: true,
    assetsDir: 'static',
    target: 'es2022',
    license: { fileName: 'licenses.md' },
    modulePreload: { polyfill: false },
  },
  server: { port: 6510, strictPort: true, proxy: Object.fromEntries(proxied.map((path) => [path, server])) },
  resolve: process.env.VITEST ? { conditions: ['browser'] } : undefined,
  // @ts-expect-error read by vitest, which an install does not have: never import from 'vitest/config' here
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
})
