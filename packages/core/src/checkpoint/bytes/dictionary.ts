/**
 * Texts that LangGraph writes again and again, for deflate to refer to. It is part of the storage format: bytes that were
 * deflated with it can be inflated only with it. So it never changes; a better one gets a codec of its own. The most
 * common comes last, where references to it are shortest.
 */
export const DICTIONARY = Buffer.from(
  [
    '"error","timestamp","description","summary","documents","context","question","answer","results","status","title"',
    '{"lc":2,"type":"constructor","id":["Uint8Array"],"method":"from","args":[[',
    '{"lc":2,"type":"undefined"}{"lc":2,"type":"delta_snapshot","value":',
    '"__interrupt__","__resume__","__error__","__scheduled__","__pregel_tasks","__input__","__start__","__end__"',
    '{"lc":1,"type":"constructor","id":["langchain_core","messages","SystemMessage"],"kwargs":{"content":"',
    '{"lc":1,"type":"constructor","id":["langchain_core","messages","ToolMessage"],"kwargs":{"status":"success","content":"',
    '"tool_call_id":"call_","name":"","metadata":{},"artifact":null',
    '"tool_calls":[{"name":"","args":{"query":""},"type":"tool_call","id":"call_"}],"function":{"name":"","arguments":"',
    '"usage_metadata":{"input_tokens":,"output_tokens":,"total_tokens":,"input_token_details":{"cache_read":0}',
    '"finish_reason":"stop","model_name":"gpt-","model_provider":"openai","system_fingerprint":"fp_","id":"run-',
    '{"lc":1,"type":"constructor","id":["langchain_core","messages","AIMessageChunk"],"kwargs":{"content":"',
    '"tool_calls":[],"invalid_tool_calls":[],"tool_call_chunks":[],"additional_kwargs":{},"response_metadata":{}}}',
    '{"lc":1,"type":"constructor","id":["langchain_core","messages","AIMessage"],"kwargs":{"content":"',
    ',"tool_calls":[],"invalid_tool_calls":[],"additional_kwargs":{},"response_metadata":{},"id":"',
    '[{"lc":1,"type":"constructor","id":["langchain_core","messages","HumanMessage"],"kwargs":{"content":"',
    '","additional_kwargs":{},"response_metadata":{},"id":"',
    '{"source":"fork","source":"update","source":"input","step":-1,"parents":{}}{"source":"loop","step":1,"parents":{}}',
    '"thread_id":"","run_id":"","assistant_id":"","graph_id":"agent","user_id":"","langgraph_version":"","writes":null',
    '{"v":4,"ts":"2026-01-01T00:00:00.000Z","channel_versions":{"__start__":2,"messages":3,"branch:to:agent":4,',
    '"branch:to:model":3,"branch:to:tools":4,"branch:to:node1":3},"versions_seen":{"__input__":{},"__start__":{"__start__":1},',
    '"agent":{"branch:to:agent":2},"tools":{"branch:to:tools":3}}}',
    '{"n":1,"p":"1f0c0000-0000-6000-8000-000000000000","k":[2,"json"],"m":[4,"json"],"c":{"__start__":[[[2,0,0,9]],9],',
    '"branch:to:agent":[[],0],"messages":[[[3,"',
  ].join("\n"),
);
