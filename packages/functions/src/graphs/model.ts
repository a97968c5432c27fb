import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { TenureError } from "@tenure/core/errors";
import { OfflineModel } from "./offline-model.ts";

/** The key of each provider, which some packages miss with the first message alone. */
const KEYS: Record<string, string> = {
  openai: "OPENAI_API_KEY",
  anthropic: "ANTHROPIC_API_KEY",
  cohere: "COHERE_API_KEY",
  deepseek: "DEEPSEEK_API_KEY",
  groq: "GROQ_API_KEY",
  mistralai: "MISTRAL_API_KEY",
  xai: "XAI_API_KEY",
};

/**
 * The model that `provider:model` names, or the offline one without a name. LangChain's packages are loaded only
 * when they are used. Throws `misconfigured` when the provider's package or key is missing.
 */
export async function loadModel(name: string | undefined): Promise<BaseChatModel> {
  if (name === undefined) return new OfflineModel();
  const key = KEYS[name.slice(0, name.indexOf(":"))];
  if (key !== undefined && !process.env[key]?.trim())
    throw new TenureError({ tag: "misconfigured", problems: [`TENURE_MODEL=${name} needs ${key}: set it as well`] });
  const { initChatModel } = await import("langchain");
  try {
    // `initChatModel` loads the provider at once, so that a mistake shows at start and not at the first message.
    return await initChatModel(name);
  } catch (cause) {
    const problem = `TENURE_MODEL=${name} cannot be used: ${(cause as Error).message.split("\n")[0]}`;
    throw new TenureError({ tag: "misconfigured", problems: [problem] }, { cause });
  }
}
