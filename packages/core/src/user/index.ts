/** Users by e-mail address. Nothing of theirs expires. */
export { createUserStore } from "./dynamo.ts";
export type { ClosedUser, User, UserStore } from "./store.ts";
