/** The application: its graphs, by the name that clients use as `assistant_id`, and its own routes below /api. */
import { defineApp } from "@tenure/functions/app";
import { agent } from "./graphs/agent.ts";
import { me } from "./routes/me.ts";

export default defineApp({ graphs: { agent }, routes: { "/me": me } });
