/** Checks of the sender of login codes, and of where bounces lead. */
import { expect } from "vitest";
import { all, type Checks, only } from "./stage.ts";

export const mailChecks: Checks = {
  "an SES identity is made by its owner, and only looked up by others"(program, stage) {
    const identities = all(program, "sesv2/emailIdentity:EmailIdentity").filter(({ isRead }) => !isRead);
    expect(identities.map(({ inputs }) => inputs.emailIdentity)).toEqual(stage.isOwner ? [stage.identity] : []);
    for (const { retainOnDelete } of identities) expect(retainOnDelete).toBe(stage.isProduction);
  },

  "bounces and complaints lead to somebody"(program, { isShared }) {
    const [set] = all(program, "sesv2/configurationSet:ConfigurationSet");
    const events = all(program, "sesv2/configurationSetEventDestination:ConfigurationSetEventDestination");
    expect(events).toHaveLength(isShared ? 1 : 0);
    if (!isShared) return;
    expect(events[0]?.inputs).toMatchObject({
      configurationSetName: set?.inputs.configurationSetName,
      eventDestination: { enabled: true, matchingEventTypes: expect.arrayContaining(["BOUNCE", "COMPLAINT"]) },
    });
    const { topicArn } = events[0]?.inputs.eventDestination.snsDestination ?? {};
    const { arn, policy } = only(program, "sns/topicPolicy:TopicPolicy").inputs;
    expect(topicArn).toBe(arn);
    expect(JSON.parse(policy).Statement[0]).toMatchObject({
      Principal: { Service: "ses.amazonaws.com" },
      Action: "sns:Publish",
      Resource: arn,
    });
  },
};
