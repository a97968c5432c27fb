/** The agent with a model of TENURE_MODEL: the real OpenAI package, talking to a server on loopback. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startTestStack, type TestStack } from "../support/service/stack.ts";

interface ChatRequest {
  model: string;
  stream?: boolean;
  messages: { role: string; content: string }[];
  tools: { function: { name: string } }[];
}

const requests: ChatRequest[] = [];
let openai: Server;
let stack: TestStack;

/** Calls the calculator first, and then repeats what it said. */
function answer({ messages }: ChatRequest): object {
  const last = messages.at(-1);
  if (last?.role === "tool") return { role: "assistant", content: `The tool says ${last.content}` };
  const call = {
    index: 0,
    id: "call_1",
    type: "function",
    function: { name: "calculate", arguments: '{"expression":"5*5"}' },
  };
  return { role: "assistant", content: "", tool_calls: [call] };
}

beforeAll(async () => {
  openai = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as ChatRequest;
    requests.push(body);
    if (!body.stream) {
      const choices = [{ index: 0, message: answer(body), finish_reason: "stop" }];
      response.writeHead(200, { "Content-Type": "application/json" });
      return response.end(
        JSON.stringify({ id: `chatcmpl-${requests.length}`, object: "chat.completion", model: body.model, choices }),
      );
    }
    const chunk = { id: `chatcmpl-${requests.length}`, object: "chat.completion.chunk", created: 1, model: body.model };
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const [delta, finish_reason] of [
      [answer(body), null],
      [{}, "stop"],
    ])
      response.write(`data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
    response.end("data: [DONE]\n\n");
  });
  await new Promise<void>((resolve) => openai.listen(0, "127.0.0.1", resolve));
  vi.stubEnv("OPENAI_API_KEY", "test");
  vi.stubEnv("OPENAI_BASE_URL", `http://127.0.0.1:${(openai.address() as AddressInfo).port}/v1`);
  stack = await startTestStack({ model: "openai:gpt-4o-mini" });
});
afterAll(async () => {
  await stack?.close();
  openai.closeAllConnections();
  openai.close();
  vi.unstubAllEnvs();
});

it.each([["values"], ["messages-tuple"]] as const)(
  "answers through that model, its tools bound, in %s",
  async (streamMode) => {
    requests.length = 0;
    const client = new Client({ apiUrl: stack.api, apiKey: await stack.logIn(`${streamMode}@example.com`) });
    const { thread_id } = await client.threads.create();
    for await (const { event, data } of client.runs.stream(thread_id, "agent", {
      input: { messages: [{ role: "user", content: "five by five?" }] },
      streamMode,
    }))
      if (event === "error") throw new Error(JSON.stringify(data));
    const { values } = await client.threads.getState<{ messages: { type: string; content: string }[] }>(thread_id);
    expect(values.messages.map(({ type }) => type)).toEqual(["human", "ai", "tool", "ai"]);
    expect(values.messages.at(-1)?.content).toBe("The tool says 25");
    // A client that watches messages has the model stream.
    const stream = streamMode === "messages-tuple";
    expect(requests).toMatchObject(Array(2).fill({ model: "gpt-4o-mini", ...(stream && { stream }) }));
    expect(requests[0]?.tools.map((tool) => tool.function.name)).toEqual(["calculate", "save_note"]);
  },
);
