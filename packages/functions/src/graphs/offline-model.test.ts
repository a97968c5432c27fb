import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { OfflineModel } from "./offline-model.ts";

const weather = tool(({ city, unit }) => `${city}: 12 degrees ${unit ?? "celsius"}`, {
  name: "get_weather",
  description: "Tells the weather and the temperature of a city.",
  schema: z.object({ city: z.string(), unit: z.enum(["celsius", "fahrenheit"]).optional() }),
});
const transfer = tool(() => "done", {
  name: "transferMoney",
  description: "Sends an amount to somebody's account.",
  schema: z.object({ amount: z.number(), to: z.string(), urgent: z.boolean() }),
});
const order = tool(() => "done", {
  name: "order_items",
  description: "Orders things from the shop.",
  schema: z.object({ items: z.array(z.string()) }),
});
const time = tool(() => "noon", { name: "clock", description: "Tells the time of day.", schema: z.object({}) });

async function callsOf(said: string, options = {}): Promise<unknown> {
  const message = await new OfflineModel().bindTools([weather, transfer, order, time], options).invoke(said);
  return message.tool_calls?.map(({ name, args }) => [name, args]);
}

describe("the offline model, with tools of one's own", () => {
  it.each([
    ["What is the weather in Oslo?", "get_weather", { city: "Oslo" }],
    ["weather for New York in fahrenheit", "get_weather", { city: "New York", unit: "fahrenheit" }],
    ["get_weather Oslo", "get_weather", { city: "Oslo" }],
    ["the weather please, city: Bergen", "get_weather", { city: "Bergen" }],
    ['get_weather {"city":"Paris","unit":"celsius"}', "get_weather", { city: "Paris", unit: "celsius" }],
    ['transfer money: 20.5 to "Ada"', "transferMoney", { amount: 20.5, to: "Ada", urgent: false }],
    ["transfer some money, amount: 3, to: Eve, urgent", "transferMoney", { amount: 3, to: "Eve", urgent: true }],
    ['order items: "nuts, bolts and nails"', "order_items", { items: ["nuts", "bolts", "nails"] }],
    ["tell me the time of day", "clock", {}],
  ])("calls for %j", async (said, name, args) => expect(await callsOf(said)).toEqual([[name, args]]));

  it.each(["Good morning.", "What can you do?", "Who are you?", "6 * 7"])("calls none for %j", async (said) =>
    expect(await callsOf(said)).toEqual([]),
  );

  it("says which argument it did not find, and what it is", async () => {
    const { text } = await new OfflineModel().bindTools([transfer]).invoke("transfer money to Ada");
    expect(text).toContain("no language model");
    expect(text).toContain('I would call transferMoney, and did not find its amount: say "amount: …".');
  });

  it("names the tools that it has, and says so when it has none", async () => {
    const bound = await new OfflineModel().bindTools([weather, time]).invoke("hello");
    expect(bound.text).toContain("get_weather(city), clock()");
    expect((await new OfflineModel().invoke("hello")).text).toContain("No tool is bound to me.");
  });

  it("calls the tool that is insisted on, and none where none may be called", async () => {
    expect(await callsOf("Oslo", { tool_choice: "get_weather" })).toEqual([["get_weather", { city: "Oslo" }]]);
    expect(await callsOf("weather in Oslo", { tool_choice: "none" })).toEqual([]);
  });

  it("runs a whole agent, which answers with what the tool said", async () => {
    const agent = createReactAgent({ llm: new OfflineModel(), tools: [weather] });
    const { messages } = await agent.invoke({ messages: [new HumanMessage("What is the weather in Oslo?")] });
    expect(messages.filter((message) => message instanceof ToolMessage)).toHaveLength(1);
    expect(messages.at(-1)?.text).toMatch(/^Oslo: 12 degrees celsius\. I am Tenure's offline agent/);
  });
});
