declare module "dynalite" {
  import type { Server } from "node:http";

  export default function dynalite(options: {
    items: object;
    createTableMs?: number | undefined;
    deleteTableMs?: number | undefined;
    updateTableMs?: number | undefined;
  }): Server;
}
