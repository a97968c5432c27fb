/** A chat by LangGraph's React hook. In a browser at the same origin the session cookie is sent along by itself. */
import { useStream } from "@langchain/langgraph-sdk/react";

export interface Conversation {
  messages: { id?: string; type: string; content: unknown }[];
}

export interface ChatOptions {
  /** Where the API is: `/api` of the page's origin, as an absolute URL. */
  apiUrl: string;
  /** For a client without cookies: the token that `POST /api/auth/verify` gave. */
  token?: string;
  threadId: string | null;
  onThreadId: (threadId: string) => void;
}

/** `submit({ messages: [...] })` says something; `submit(undefined, { command: { resume } })` answers `interrupt`. */
export function useChat({ apiUrl, token, threadId, onThreadId }: ChatOptions) {
  return useStream<Conversation, { InterruptType: { question: string } }>({
    apiUrl,
    assistantId: "agent",
    threadId,
    onThreadId,
    // A reload in the middle of an answer finds the run again.
    reconnectOnMount: true,
    fetchStateHistory: true,
    ...(token !== undefined && { apiKey: token }),
  });
}
