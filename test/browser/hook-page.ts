/** A page of LangGraph's React hook with the session cookie: a reload finds its thread by the address. */
import { createElement as h, useState } from "react";
import { createRoot } from "react-dom/client";
import { useChat } from "../../examples/chat-hook.ts";

function Chat() {
  const [threadId, setThreadId] = useState<string | null>(location.hash.slice(1) || null);
  const onThreadId = (id: string) => {
    location.hash = id;
    setThreadId(id);
  };
  const chat = useChat({ apiUrl: `${location.origin}/api`, threadId, onThreadId });
  const [text, setText] = useState("");
  const say = () => void chat.submit({ messages: [{ type: "human", content: text }] });
  const answer = (resume: boolean) => void chat.submit(undefined, { command: { resume } });
  return h(
    "main",
    {},
    h("input", { "aria-label": "Message", value: text, onChange: (event) => setText(event.currentTarget.value) }),
    h("button", { type: "button", onClick: say }, "Send"),
    h("button", { type: "button", onClick: () => void chat.stop() }, "Stop"),
    h("p", { role: "status" }, chat.isLoading ? "working" : "idle"),
    chat.error ? h("p", { role: "alert" }, String(chat.error)) : null,
    chat.interrupt ? h("p", {}, chat.interrupt.value?.question) : null,
    chat.interrupt ? h("button", { type: "button", onClick: () => answer(true) }, "Approve") : null,
    h(
      "ol",
      {},
      chat.messages.map(({ id, type, content }) => h("li", { key: id }, `${type}: ${content}`)),
    ),
  );
}

createRoot(document.getElementById("root") as HTMLElement).render(h(Chat));
