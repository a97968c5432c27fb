// Written by `npm run schemas`. For graphs whose state is declared with Zod or StateSchema there is no need of it.
import type { SourceSchemas } from "./schemas.ts";

export const sourceSchemas: SourceSchemas = {};
