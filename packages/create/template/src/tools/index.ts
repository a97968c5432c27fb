/** The tools that the agent may call. */
import { countWords } from "./count-words.ts";

export const tools = [countWords];
