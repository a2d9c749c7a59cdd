import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  server: {
    host: "0.0.0.0",
    port: 3000,
    // Another port would be one that nobody published: better to fail and say so.
    strictPort: true,
    // localhost and addresses are allowed on any port as they are; this is the service's own
    // name, for other containers.
    allowedHosts: ["frontend"],
  },
});
