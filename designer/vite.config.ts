import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

// `npm run dev` beside a server on its usual port; the server itself serves what `npm run build` makes.
const server = 'http://127.0.0.1:5080';

/** The MJML compiler looks for the global object by eval, which our Content-Security-Policy forbids; there is a name for it. */
const withoutEval: Plugin = {
  name: 'without-eval',
  transform: (code, id) => (id.includes('mjml') ? code.replaceAll(/new Function\("return this"\)\(\)/g, 'globalThis') : null),
};

export default defineConfig({
  plugins: [react(), withoutEval],
  build: { emptyOutDir: false, target: 'es2022', chunkSizeWarningLimit: 3000, assetsInlineLimit: 0 },
  server: { proxy: { '/api': server, '/elsa': { target: server, ws: true }, '/studio': server } },
});
