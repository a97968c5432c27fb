/** The function that runs graphs that nobody watches. */
import { workerHandler } from "@tenure/functions/lambda/worker";
import app from "../src/app.ts";

export const handler = await workerHandler(app);
