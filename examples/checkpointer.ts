/** A LangGraph agent whose threads are kept in a DynamoDB table of one's own: string keys `pk` and `sk`, no more. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { DynamoDBSaver } from "@tenure/core/checkpoint";

function createAgent(client: DynamoDBClient, tableName: string) {
  const checkpointer = new DynamoDBSaver({ client, tableName, ttlMs: 30 * 24 * 60 * 60_000 });
  return new StateGraph(MessagesAnnotation)
    .addNode("count", ({ messages }) => ({ messages: [{ role: "ai", content: `Message ${messages.length}.` }] }))
    .addEdge(START, "count")
    .addEdge("count", END)
    .compile({ checkpointer });
}

/** Two turns of one thread, by two processes: the second goes on where the first one ended. */
export async function converse(client: DynamoDBClient, tableName: string): Promise<string[]> {
  const thread = { configurable: { thread_id: "a-thread" } };
  for (const content of ["Hello.", "Still there?"]) {
    const agent = createAgent(client, tableName);
    await agent.invoke({ messages: [{ role: "user", content }] }, thread);
  }
  const { values } = await createAgent(client, tableName).getState(thread);
  return values.messages.map((message: { text: string }) => message.text);
}
