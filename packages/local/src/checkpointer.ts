import { DynamoDBSaver } from "@tenure/core/checkpoint";
import { connectDynamo } from "@tenure/core/dynamo";
import type { LocalConfig } from "./config.ts";
import { openDataDir } from "./data-dir.ts";
import { LOCAL_CREDENTIALS, TABLE } from "./stores/access.ts";
import { createTable, openDynamo } from "./stores/open.ts";

/** The checkpointer on the stack's data, without the rest of the stack; whoever opens it closes it. */
export async function openCheckpointer(
  config: LocalConfig,
): Promise<{ checkpointer: DynamoDBSaver; close(): Promise<void> }> {
  const data = config.dynamoEndpoint ? undefined : openDataDir(config.dataDir);
  const opened: (() => unknown)[] = [() => data?.release()];
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    const dynamo = await openDynamo(config, data ? { path: data.dynamo } : {});
    opened.push(() => dynamo.close());
    const endpoint = { endpoint: dynamo.url, region: "local", credentials: LOCAL_CREDENTIALS };
    await createTable(endpoint, config);
    const client = connectDynamo(endpoint);
    opened.push(() => client.destroy());
    return {
      checkpointer: new DynamoDBSaver({
        client,
        tableName: TABLE,
        encryption: config.encryption,
      }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
