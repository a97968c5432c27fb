import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { TenureError } from "@tenure/core/errors";
import { OfflineModel } from "./offline-model.ts";

/**
 * The model that `provider:model` names, or the offline one without a name. LangChain's packages are loaded only
 * when they are used. Throws `misconfigured` when the provider's package or key is missing.
 */
export async function loadModel(name: string | undefined): Promise<BaseChatModel> {
  if (name === undefined) return new OfflineModel();
  const { initChatModel } = await import("langchain");
  try {
    // `initChatModel` loads the provider at once, so that a mistake shows at start and not at the first message.
    return await initChatModel(name);
  } catch (cause) {
    const problem = `TENURE_MODEL=${name} cannot be used: ${(cause as Error).message.split("\n")[0]}`;
    throw new TenureError({ tag: "misconfigured", problems: [problem] }, { cause });
  }
}
