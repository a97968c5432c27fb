/**
 * The default agent: it answers, calculates with a tool, and remembers notes once a person has approved them.
 *
 *     start -> model -> (calculate)  -> tools -> model
 *                    -> (save_note)  -> approval -> tools -> model   or, declined, -> model
 *                    -> (no tool)    -> end
 */
import { AIMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  Command,
  END,
  interrupt,
  MessagesValue,
  ReducedValue,
  START,
  StateGraph,
  StateSchema,
} from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { z } from "zod";
import { calculate } from "./arithmetic.ts";
import type { GraphFactory } from "./graph.ts";

const Notes = z.array(z.string()).default(() => []);
const State = new StateSchema({
  messages: MessagesValue,
  notes: new ReducedValue(Notes, { reducer: (kept: string[], added: string[]) => kept.concat(added) }),
});

/** The value of the interrupt. `command.resume` answers it with true or false, or with `{ approved }`. */
interface ApprovalRequest {
  kind: "approval";
  question: string;
  tool: string;
  args: Record<string, unknown>;
}

const calculator = tool(({ expression }) => calculate(expression), {
  name: "calculate",
  description: "Works out an arithmetic expression with + - * / and parentheses.",
  schema: z.object({ expression: z.string() }),
});

const saveNote = tool(
  ({ note }, config: { toolCall?: { id?: string } | undefined }) =>
    new Command({
      update: {
        notes: [note],
        messages: [new ToolMessage({ content: `Saved: ${note}`, tool_call_id: config.toolCall?.id ?? "" })],
      },
    }),
  {
    name: "save_note",
    description: "Remembers a note for the rest of this thread. A person is asked to approve it first.",
    schema: z.object({ note: z.string() }),
  },
);

const tools = [calculator, saveNote];
const NEEDS_APPROVAL = new Set<string>([saveNote.name]);

export const agent: GraphFactory = ({ model, checkpointer }) => {
  const withTools = model.bindTools?.(tools) ?? model;

  const callModel = async ({ messages }: typeof State.State) => ({ messages: [await withTools.invoke(messages)] });

  const approve = ({ messages }: typeof State.State) => {
    const call = toolCallsOf(messages.at(-1)).find(({ name }) => NEEDS_APPROVAL.has(name));
    if (!call) return new Command({ goto: "tools" });
    const request: ApprovalRequest = {
      kind: "approval",
      question: `May I call ${call.name}?`,
      tool: call.name,
      args: call.args,
    };
    if (isApproval(interrupt(request))) return new Command({ goto: "tools" });
    const declined = toolCallsOf(messages.at(-1)).map(
      ({ id, name }) =>
        new ToolMessage({ content: `The user declined ${name}.`, tool_call_id: id ?? "", status: "error" }),
    );
    return new Command({ update: { messages: declined }, goto: "model" });
  };

  return new StateGraph(State)
    .addNode("model", callModel)
    .addNode("approval", approve, { ends: ["tools", "model"] })
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "model")
    .addConditionalEdges("model", routeAfterModel, ["approval", "tools", END])
    .addEdge("tools", "model")
    .compile({ ...(checkpointer && { checkpointer }), name: "agent" });
};

function routeAfterModel({ messages }: typeof State.State): "approval" | "tools" | typeof END {
  const calls = toolCallsOf(messages.at(-1));
  if (calls.length === 0) return END;
  return calls.some(({ name }) => NEEDS_APPROVAL.has(name)) ? "approval" : "tools";
}

function toolCallsOf(message: unknown): { id?: string | undefined; name: string; args: Record<string, unknown> }[] {
  return message instanceof AIMessage ? (message.tool_calls ?? []) : [];
}

function isApproval(answer: unknown): boolean {
  if (typeof answer === "object" && answer !== null && "approved" in answer) return answer.approved === true;
  return answer === true || answer === "yes" || answer === "approve";
}
