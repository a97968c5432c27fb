/** Every state of every screen, each reached as a person reaches it, for scenes.test.ts and the pictures of screenshots.ts. */
import { home, login, opening, otherUser } from "./account.ts";
import { chat, texts } from "./chat.ts";
import { race } from "./race.ts";

export const scenes = [opening, login, home, chat, texts, race, otherUser];
