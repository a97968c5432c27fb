/** CloudWatch, its logs, SNS and SES. */
import { call, capitalised, defined, type Inputs, parsed, type Translate, tagList } from "./meaning.ts";

const dimensionList = (dimensions: Record<string, string> | undefined) =>
  dimensions && Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));

function metricQuery({ metric, ...rest }: Inputs) {
  if (!metric) return capitalised(rest);
  const { metricName, namespace, dimensions, ...how } = metric;
  return {
    ...capitalised(rest),
    MetricStat: {
      Metric: defined({ MetricName: metricName, Namespace: namespace, Dimensions: dimensionList(dimensions) }),
      ...capitalised(how),
    },
  };
}

export const watch: Record<string, Translate> = {
  "aws:cloudwatch/metricAlarm:MetricAlarm"({ name, dimensions, okActions, metricQueries, tags, ...rest }, logical) {
    const { evaluateLowSampleCountPercentiles, ...others } = rest;
    const properties = defined({
      AlarmName: name ?? logical,
      Dimensions: dimensionList(dimensions),
      OKActions: okActions,
      Metrics: metricQueries?.map(metricQuery),
      EvaluateLowSampleCountPercentile: evaluateLowSampleCountPercentiles,
      Tags: tagList(tags),
      ...capitalised(others),
    });
    return {
      calls: [call("cloudwatch", "PutMetricAlarm", properties)],
      cloudFormation: { type: "AWS::CloudWatch::Alarm", properties },
    };
  },

  "aws:cloudwatch/dashboard:Dashboard"(inputs) {
    const properties = capitalised(inputs);
    return {
      calls: [call("cloudwatch", "PutDashboard", properties)],
      cloudFormation: { type: "AWS::CloudWatch::Dashboard", properties },
    };
  },

  "aws:cloudwatch/logGroup:LogGroup"({ name, retentionInDays, skipDestroy: _ofTheProvider, tags, ...rest }) {
    return {
      calls: [
        call("cloudwatch-logs", "CreateLogGroup", defined({ logGroupName: name, tags, ...rest })),
        ...(retentionInDays
          ? [call("cloudwatch-logs", "PutRetentionPolicy", { logGroupName: name, retentionInDays })]
          : []),
      ],
      cloudFormation: {
        type: "AWS::Logs::LogGroup",
        properties: defined({
          LogGroupName: name,
          RetentionInDays: retentionInDays || undefined,
          Tags: tagList(tags),
          ...capitalised(rest),
        }),
      },
    };
  },

  "aws:sns/topic:Topic"({ name, tags, ...rest }, logical) {
    const attributes: Record<string, unknown> = capitalised(rest);
    return {
      calls: [
        call("sns", "CreateTopic", {
          Name: name ?? logical,
          Attributes: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, String(value)])),
          ...defined({ Tags: tagList(tags) }),
        }),
      ],
      cloudFormation: {
        type: "AWS::SNS::Topic",
        properties: defined({ TopicName: name ?? logical, Tags: tagList(tags), ...attributes }),
      },
    };
  },

  "aws:sns/topicSubscription:TopicSubscription"({ topic, protocol, endpoint, ...rest }) {
    const shared = { TopicArn: topic, Protocol: protocol, Endpoint: endpoint };
    return {
      calls: [call("sns", "Subscribe", shared)],
      cloudFormation: { type: "AWS::SNS::Subscription", properties: { ...shared, ...capitalised(rest) } },
    };
  },

  "aws:sns/topicPolicy:TopicPolicy"({ arn, policy, ...rest }) {
    return {
      calls: [
        call("sns", "SetTopicAttributes", {
          TopicArn: arn,
          AttributeName: "Policy",
          AttributeValue: policy,
          ...capitalised(rest),
        }),
      ],
      cloudFormation: {
        type: "AWS::SNS::TopicPolicy",
        properties: { Topics: [arn], PolicyDocument: parsed(policy) },
      },
      policies: [{ kind: "resource", document: parsed(policy), of: arn }],
    };
  },

  "aws:sesv2/configurationSet:ConfigurationSet"({ configurationSetName, tags, ...rest }) {
    const shared = defined({ Tags: tagList(tags), ...capitalised(rest) });
    return {
      calls: [call("sesv2", "CreateConfigurationSet", { ConfigurationSetName: configurationSetName, ...shared })],
      cloudFormation: { type: "AWS::SES::ConfigurationSet", properties: { Name: configurationSetName, ...shared } },
    };
  },

  "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination"({ eventDestination, ...rest }) {
    const { configurationSetName, eventDestinationName, ...others } = rest;
    const { matchingEventTypes, snsDestination, ...destination } = eventDestination;
    return {
      calls: [
        call("sesv2", "CreateConfigurationSetEventDestination", {
          EventDestination: capitalised(eventDestination),
          ...capitalised(rest),
        }),
      ],
      cloudFormation: {
        type: "AWS::SES::ConfigurationSetEventDestination",
        properties: {
          ConfigurationSetName: configurationSetName,
          EventDestination: defined({
            Name: eventDestinationName,
            // "RENDERING_FAILURE" is "renderingFailure" to CloudFormation.
            MatchingEventTypes: (matchingEventTypes as string[]).map((type) =>
              type.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
            ),
            SnsDestination: snsDestination && { TopicARN: snsDestination.topicArn },
            ...capitalised(destination),
          }),
          ...capitalised(others),
        },
      },
    };
  },

  "aws:sesv2/emailIdentity:EmailIdentity"({ emailIdentity, configurationSetName, tags, ...rest }) {
    const shared = defined({ EmailIdentity: emailIdentity, Tags: tagList(tags), ...capitalised(rest) });
    return {
      calls: [
        call("sesv2", "CreateEmailIdentity", { ...shared, ...defined({ ConfigurationSetName: configurationSetName }) }),
      ],
      cloudFormation: {
        type: "AWS::SES::EmailIdentity",
        properties: defined({
          ...shared,
          ConfigurationSetAttributes: configurationSetName && { ConfigurationSetName: configurationSetName },
        }),
      },
    };
  },
};
