/** Options that the routes of runs take, besides a run's own request. */
import { z } from "zod";
import { pageQuery, uuid, yesOrNo } from "../../http/schemas.ts";
import { runRequest, streamMode } from "./request.ts";

/** Modes as one text, as several parameters, or as a list in JSON. */
const modes = z
  .union([z.string(), z.array(z.string())])
  .nullish()
  .transform((asked, context): unknown => {
    if (!asked?.length) return undefined;
    if (typeof asked !== "string") return asked;
    if (!asked.startsWith("[")) return [asked];
    try {
      return JSON.parse(asked);
    } catch {
      context.addIssue("is no list of modes as JSON");
      return z.NEVER;
    }
  })
  .pipe(z.array(streamMode).optional());
export const joinQuery = z.object({ cancel_on_disconnect: yesOrNo });
export const watchQuery = joinQuery.extend({
  stream_mode: modes,
  /** The checkpoint that the client shows already. As the client has it, a run is told whole where it is not known from which event on. */
  checkpoint_id: z.string().max(200).nullish(),
});
export const listQuery = z.object({
  ...pageQuery,
  status: z.enum(["pending", "running", "success", "error", "timeout", "interrupted"]).nullish(),
  select: z
    .union([z.string(), z.array(z.string())])
    .nullish()
    .transform((asked) => (asked ? [asked].flat() : undefined)),
});
export const cancelQuery = z.object({
  wait: yesOrNo,
  action: z.enum(["interrupt", "rollback"]).nullish(),
});
export const batchBody = z.array(runRequest).min(1).max(100);
export const cancelBody = z.object({
  thread_id: uuid.nullish(),
  run_ids: z.array(uuid).nullish(),
  status: z.enum(["pending", "running", "all"]).nullish(),
});
