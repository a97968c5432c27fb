import { TenureError } from "../errors.ts";

/** Stored bytes are missing, or not those that were written; `what` names them. */
export const corrupt = (what: string): TenureError =>
  new TenureError({ tag: "store-corrupt", store: "dynamodb", what });
