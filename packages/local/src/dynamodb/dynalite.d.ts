declare module "dynalite" {
  import type { Server } from "node:http";

  export default function dynalite(options: {
    items: object;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }): Server;
}
