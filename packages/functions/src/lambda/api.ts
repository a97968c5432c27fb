/** The Api function of this repository: see api-handler.ts. */
import { apiHandler } from "./api-handler.ts";

export const handler = await apiHandler();
