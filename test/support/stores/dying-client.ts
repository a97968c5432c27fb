import type { DynamoDBDocumentClient } from "@tenure/core/dynamo";

/** A client whose process dies at its nth request, before or after DynamoDB has carried it out; nothing is sent later. */
export function dyingClient(
  client: DynamoDBDocumentClient,
  diesAt: number,
  when: "before" | "after",
): DynamoDBDocumentClient {
  let requests = 0;
  return new Proxy(client, {
    get(target, name) {
      if (name !== "send") return Reflect.get(target, name);
      return async (...args: Parameters<typeof client.send>) => {
        requests += 1;
        if (requests > diesAt || (requests === diesAt && when === "before")) throw new Error("died");
        const answer = await target.send(...args);
        if (requests >= diesAt) throw new Error("died");
        return answer;
      };
    },
  });
}

/** A client whose every request fails in one way, at once, from when `failure` gives one. */
export function failingClient(client: DynamoDBDocumentClient, failure: () => unknown): DynamoDBDocumentClient {
  return new Proxy(client, {
    get(target, name) {
      if (name !== "send") return Reflect.get(target, name);
      return (...args: Parameters<typeof client.send>) => {
        const reason = failure();
        return reason === undefined ? target.send(...args) : Promise.reject(reason);
      };
    },
  });
}
