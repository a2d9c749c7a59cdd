import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  server: {
    // The browser talks to this server alone; what begins with /api goes on to the back end.
    proxy: {
      "/api": {
        target: process.env.API_URL ?? "http://localhost:8001",
        rewrite: (path) => path.replace(/^\/api/, ""),
      },
    },
  },
});
