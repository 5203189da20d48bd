import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// `npm run dev` beside a server on its usual port; the server itself serves what `npm run build` makes.
const server = 'http://127.0.0.1:5080';

export default defineConfig({
  plugins: [react()],
  build: { emptyOutDir: false, target: 'es2022', chunkSizeWarningLimit: 1600, assetsInlineLimit: 0 },
  server: { proxy: { '/api': server, '/elsa': { target: server, ws: true }, '/studio': server } },
});
