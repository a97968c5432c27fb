/**
 * The model of a deployed function. Its package is named when the bundle is made (infra/function.ts): LangChain's own
 * `initChatModel` imports it by a name that it computes, which a bundler cannot follow, so that it would not be there.
 */
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { TenureError } from "@tenure/core/errors";

/** Constants of the bundle: `@langchain/openai` and `ChatOpenAI`, for example. Not there when no model is set. */
declare const TENURE_MODEL_PACKAGE: string;
declare const TENURE_MODEL_CLASS: string;

type ModelClass = new (options: { model: string }) => BaseChatModel;

/** Makes the model `provider:name`. Throws `misconfigured` when its package cannot be loaded or refuses to be made. */
export async function bundledModel(name: string): Promise<BaseChatModel> {
  try {
    const exported = (await import(TENURE_MODEL_PACKAGE)) as Record<string, ModelClass | undefined>;
    const Model = exported[TENURE_MODEL_CLASS];
    if (!Model) throw new Error(`${TENURE_MODEL_PACKAGE} has no ${TENURE_MODEL_CLASS}`);
    return new Model({ model: name.slice(name.indexOf(":") + 1) });
  } catch (cause) {
    const problem = `TENURE_MODEL=${name} cannot be used: ${(cause as Error).message.split("\n")[0]}`;
    throw new TenureError({ tag: "misconfigured", problems: [problem] }, { cause });
  }
}
