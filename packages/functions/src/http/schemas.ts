/** Schemas that several routes have in common. */
import { z } from "zod";

/** An id of LangGraph's wire, of any version of UUID. */
export const uuid = z.guid();

/** `limit` and `offset` of a list in the query, where they are text. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(1000).nullish(),
  offset: z.coerce.number().int().min(0).nullish(),
};

const YES = /^(1|true|yes)$/i;
/** A yes or a no, which is text in the query. One that is left out, or empty, is a no; any other text is refused. */
export const yesOrNo = z
  .union([z.boolean(), z.string().regex(/^(1|true|yes|0|false|no)?$/i, { message: "is neither true nor false" })])
  .nullish()
  .transform((value) => value === true || YES.test(String(value)));
