/** The permissions that a link grants: the verbs that the code uses, where SST's own links grant a service whole. */
import { tableDefinition } from "./parts";

const tableActions = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "BatchWriteItem"];

sst.Linkable.wrap(sst.aws.Dynamo, (table) => ({
  properties: { name: table.name },
  include: [
    sst.aws.permission({
      actions: tableActions.map((action) => `dynamodb:${action}`),
      resources: [table.arn, $interpolate`${table.arn}/index/${tableDefinition.index.name}`],
    }),
  ],
}));

sst.Linkable.wrap(sst.aws.Queue, (queue) => ({
  properties: { url: queue.url },
  include: [sst.aws.permission({ actions: ["sqs:SendMessage"], resources: [queue.arn] })],
}));

/** The link of a mail identity: a function may send to anybody, but only from our address. A domain sends as its `login`. */
export function sendingAs(identity: $util.Input<string>, configurationSet: $util.Input<string>) {
  const sender = $output(identity).apply((one) => (one.includes("@") ? one : `login@${one}`));
  return {
    properties: { sender, configurationSet: $output(configurationSet) },
    include: [
      sst.aws.permission({
        actions: ["ses:SendEmail"],
        resources: ["*"],
        conditions: [{ test: "StringEquals", variable: "ses:FromAddress", values: [sender] }],
      }),
    ],
  };
}

sst.Linkable.wrap(sst.aws.Email, (mail) => sendingAs(mail.sender, mail.configSet));
