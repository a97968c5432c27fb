/** Schemas that several routes have in common. */
import { z } from "zod";

/** An id of LangGraph's wire, of any version of UUID. */
export const uuid = z.guid();

/** `limit` and `offset` of a list in the query, where they are text. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(1000).nullish(),
  offset: z.coerce.number().int().min(0).nullish(),
};
