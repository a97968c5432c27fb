/** What a link grants: the verbs that the code uses, where SST's own links grant a service whole. */
import { tableDefinition } from "../packages/core/src/dynamo/definition";

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

/** A domain sends as its `login`. */
const addressOf = (mail: sst.aws.Email) =>
  $output(mail.sender).apply((sender) => (sender.includes("@") ? sender : `login@${sender}`));

/** To whomever, but only from the address that is ours. */
sst.Linkable.wrap(sst.aws.Email, (mail) => ({
  properties: { sender: addressOf(mail) },
  include: [
    sst.aws.permission({
      actions: ["ses:SendEmail"],
      resources: ["*"],
      conditions: [{ test: "StringEquals", variable: "ses:FromAddress", values: [addressOf(mail)] }],
    }),
  ],
}));
