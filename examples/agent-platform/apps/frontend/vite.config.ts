import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv } from "vite";

export default defineConfig(({ mode }) => {
  const environment = loadEnv(mode, ".", "");
  return {
    plugins: [react()],
    server: {
      host: "0.0.0.0",
      port: 3000,
      // Another port would be one that nobody published: better to fail and say so.
      strictPort: true,
      // localhost and addresses are allowed on any port as they are; this is the service's own
      // name, for other containers.
      allowedHosts: ["frontend"],
      watch: {
        // A bind mount from Windows' own file system (/mnt/c) brings no change events with it.
        usePolling: environment.VITE_USE_POLLING === "1",
      },
    },
  };
});
