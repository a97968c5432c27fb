/** A program that talks to an agent by LangGraph's client: two turns, an approval, and what the thread holds then. */
import { Client } from "@langchain/langgraph-sdk";

interface Values {
  messages: { type: string; content: string }[];
  notes: string[];
}

/** `apiUrl` ends in `/api`. The token is what `POST /api/auth/verify` gave; `apiKey` sends it as `x-api-key`. */
export async function converse(apiUrl: string, token: string): Promise<string[]> {
  const client = new Client<Values>({ apiUrl, apiKey: token });
  const { thread_id } = await client.threads.create();
  const ask = (content: string) => ({ messages: [{ type: "human", content }] });

  for await (const { event, data } of client.runs.stream(thread_id, "agent", {
    input: ask("What is 6 * 7?"),
    streamMode: "updates",
  }))
    if (event === "updates") console.log(Object.keys(data));

  // The agent asks before it keeps a note: the run ends, and another one brings the answer, at any later time.
  await client.runs.wait(thread_id, "agent", { input: ask("remember: buy milk") });
  await client.runs.wait(thread_id, "agent", { command: { resume: { approved: true } } });

  const { values } = await client.threads.getState(thread_id);
  return [...values.messages.map(({ type }) => type), ...values.notes];
}
