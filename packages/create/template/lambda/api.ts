/** The function that serves threads, runs and your routes, and runs graphs whose clients watch. */
import { apiHandler } from "@tenure/functions/lambda/api";
import app from "../src/app.ts";

export const handler = await apiHandler(app);
