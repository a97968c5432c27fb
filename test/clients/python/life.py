"""
The life of a thread by LangGraph's Python client: made with a lifetime, run, streamed, found, forked, pruned, and its memory. Each step is asserted.
Usage: life.py <url> <token>
"""

import asyncio
import sys

from langgraph_sdk import get_client


async def is_gone(asked):
    """Asserts that what is asked for is answered 404."""
    try:
        answer = await asked
    except Exception as error:
        assert error.response.status_code == 404, error
    else:
        raise AssertionError(answer)


async def main(url, token):
    client = get_client(url=url, api_key=token)
    thread = await client.threads.create(
        graph_id="saying", metadata={"by": "python"}, ttl={"ttl": 60, "strategy": "keep_latest"}
    )
    thread_id = thread["thread_id"]
    shown = await client.threads.get(thread_id, include=["ttl"])
    assert shown["ttl"]["strategy"] == "keep_latest" and shown["ttl"]["ttl_minutes"] == 60, shown
    answer = await client.runs.wait(thread_id, "saying", input={"said": ["What?"]})
    assert answer["said"] == ["What?", "42"], answer
    events = []
    async for part in client.runs.stream(
        thread_id, "saying", input={"said": ["And?"]}, stream_mode=["values", "updates"]
    ):
        events.append(part.event)
    assert "values" in events and "updates" in events and "error" not in events, events
    history = await client.threads.get_history(thread_id)
    assert len(history) > 3, history
    fork = await client.runs.wait(
        thread_id, "saying", input={"said": ["Instead?"]}, checkpoint=history[-1]["checkpoint"]
    )
    assert fork["said"][-2:] == ["Instead?", "42"], fork
    found = await client.threads.search(metadata={"by": "python"}, values={"said": ["Instead?"]})
    assert [one["thread_id"] for one in found] == [thread_id], found
    assert await client.threads.count(metadata={"by": "python"}) == 1
    pruned = await client.threads.prune([thread_id], strategy="keep_latest")
    assert pruned == {"pruned_count": 1}, pruned
    left = await client.threads.get_history(thread_id)
    assert len(left) == 1 and left[0]["values"] == fork, left
    gone = history[-1]["checkpoint"]
    await is_gone(client.threads.get_state(thread_id, checkpoint=gone))
    await is_gone(client.runs.wait(thread_id, "saying", input={}, checkpoint=gone))
    more = await client.runs.wait(thread_id, "saying", input={"said": ["More?"]})
    assert more["said"] == [*fork["said"], "More?", "42"], more
    await client.threads.update(thread_id, metadata={}, ttl={"ttl": 5, "strategy": "delete"})
    assert (await client.threads.get(thread_id, include=["ttl"]))["ttl"]["strategy"] == "delete"
    await client.store.put_item(["notes", "python"], "one", {"text": "kept"}, ttl=5)
    assert (await client.store.get_item(["notes", "python"], "one"))["value"] == {"text": "kept"}
    items = await client.store.search_items(["notes"], filter={"text": "kept"})
    assert [one["key"] for one in items["items"]] == ["one"], items
    await client.store.delete_item(["notes", "python"], "one")
    assert await client.threads.prune([thread_id]) == {"pruned_count": 1}
    await is_gone(client.threads.get(thread_id))
    print("lived")


asyncio.run(main(*sys.argv[1:]))
