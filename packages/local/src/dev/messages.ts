/** The messages between the program of `npm run dev` and the servers that it starts. */
import type { CodeMessage } from "@tenure/functions/mailer";
import type { StoreAccess } from "../stores/access.ts";

/** `app`: the path of the application's module, if there is one. */
export type ToServer =
  | { type: "serve"; access: StoreAccess; app: string | undefined }
  | { type: "sweep" }
  | { type: "stop" };

/** `problem`: what is wrong with the sources, in plain words. */
export type FromServer =
  | { type: "warm" }
  | { type: "ready"; port: number; lines: string[] }
  | { type: "failed"; problem: string }
  | { type: "mail"; message: CodeMessage };
