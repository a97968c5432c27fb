/** The function that serves logins, sessions and activity. */
export { handler } from "@tenure/functions/lambda/auth";
