import { tool } from "@langchain/core/tools";
import { z } from "zod";

export const countWords = tool(({ text }) => `${text.split(/\s+/).filter(Boolean).length} words`, {
  name: "count_words",
  description: "Counts the words of a text.",
  schema: z.object({ text: z.string() }),
});
