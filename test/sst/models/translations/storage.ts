/** DynamoDB, SQS and S3. */
import { Bytes, call, capitalised, defined, type Inputs, parsed, type Translate, tagList } from "./meaning.ts";

const keySchema = (hashKey: string | undefined, rangeKey: string | undefined) => [
  ...(hashKey === undefined ? [] : [{ AttributeName: hashKey, KeyType: "HASH" }]),
  ...(rangeKey === undefined ? [] : [{ AttributeName: rangeKey, KeyType: "RANGE" }]),
];

const indexes = (all: Inputs[] | undefined) =>
  all && all.length > 0
    ? all.map(({ name, hashKey, rangeKey, projectionType, nonKeyAttributes, ...rest }) => ({
        IndexName: name,
        KeySchema: keySchema(hashKey, rangeKey),
        Projection: defined({ ProjectionType: projectionType, NonKeyAttributes: nonKeyAttributes }),
        ...capitalised(rest),
      }))
    : undefined;

/** SQS' attributes that are named otherwise than the provider's inputs. */
const QUEUE_ATTRIBUTES: Record<string, string> = {
  visibilityTimeoutSeconds: "VisibilityTimeout",
  messageRetentionSeconds: "MessageRetentionPeriod",
  maxMessageSize: "MaximumMessageSize",
  receiveWaitTimeSeconds: "ReceiveMessageWaitTimeSeconds",
};

export const storage: Record<string, Translate> = {
  "aws:dynamodb/table:Table"({
    name,
    attributes,
    hashKey,
    rangeKey,
    globalSecondaryIndexes,
    localSecondaryIndexes,
    ttl,
    pointInTimeRecovery,
    streamEnabled,
    streamViewType,
    tags,
    ...rest
  }) {
    const shared = defined({
      TableName: name,
      AttributeDefinitions: (attributes as { name: string; type: string }[]).map(({ name, type }) => ({
        AttributeName: name,
        AttributeType: type,
      })),
      KeySchema: keySchema(hashKey, rangeKey),
      GlobalSecondaryIndexes: indexes(globalSecondaryIndexes),
      LocalSecondaryIndexes: indexes(localSecondaryIndexes),
      Tags: tagList(tags),
      ...capitalised(rest),
    });
    const ttlSpecification = ttl && { Enabled: ttl.enabled, AttributeName: ttl.attributeName };
    const recovery = pointInTimeRecovery && {
      PointInTimeRecoveryEnabled: pointInTimeRecovery.enabled,
      ...defined({ RecoveryPeriodInDays: pointInTimeRecovery.recoveryPeriodInDays }),
    };
    return {
      calls: [
        call("dynamodb", "CreateTable", {
          ...shared,
          ...(streamEnabled && { StreamSpecification: { StreamEnabled: true, StreamViewType: streamViewType } }),
        }),
        ...(ttl
          ? [call("dynamodb", "UpdateTimeToLive", { TableName: name, TimeToLiveSpecification: ttlSpecification })]
          : []),
        ...(recovery
          ? [
              call("dynamodb", "UpdateContinuousBackups", {
                TableName: name,
                PointInTimeRecoverySpecification: recovery,
              }),
            ]
          : []),
      ],
      cloudFormation: {
        type: "AWS::DynamoDB::Table",
        properties: defined({
          ...shared,
          TimeToLiveSpecification: ttlSpecification,
          PointInTimeRecoverySpecification: recovery,
          StreamSpecification: streamEnabled ? { StreamViewType: streamViewType } : undefined,
        }),
      },
    };
  },

  "aws:sqs/queue:Queue"({ name, tags, redrivePolicy, redriveAllowPolicy, ...rest }) {
    const attributes = Object.fromEntries(
      Object.entries(rest).map(([key, value]) => [
        QUEUE_ATTRIBUTES[key] ?? Object.keys(capitalised({ [key]: 0 }))[0],
        value,
      ]),
    );
    const redrive = defined({ RedrivePolicy: redrivePolicy, RedriveAllowPolicy: redriveAllowPolicy });
    return {
      calls: [
        call("sqs", "CreateQueue", {
          QueueName: name,
          Attributes: Object.fromEntries(
            Object.entries({ ...attributes, ...redrive }).map(([key, value]) => [key, String(value)]),
          ),
          ...defined({ tags }),
        }),
      ],
      cloudFormation: {
        type: "AWS::SQS::Queue",
        properties: {
          QueueName: name,
          ...attributes,
          ...Object.fromEntries(Object.entries(redrive).map(([key, value]) => [key, parsed(value)])),
          ...defined({ Tags: tagList(tags) }),
        },
      },
    };
  },

  "aws:s3/bucket:Bucket"({ bucket, forceDestroy: _ofTheProvider, tags, ...rest }) {
    return {
      calls: [call("s3", "CreateBucket", { Bucket: bucket, ...capitalised(rest) })],
      cloudFormation: {
        type: "AWS::S3::Bucket",
        properties: defined({ BucketName: bucket, Tags: tagList(tags), ...capitalised(rest) }),
      },
    };
  },

  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"({ bucket, skipDestroy: _ofTheProvider, ...rest }) {
    const PublicAccessBlockConfiguration = capitalised(rest);
    return {
      calls: [call("s3", "PutPublicAccessBlock", { Bucket: bucket, PublicAccessBlockConfiguration })],
      cloudFormation: { type: "AWS::S3::Bucket", properties: { PublicAccessBlockConfiguration } },
    };
  },

  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration"({ bucket, corsRules, ...rest }) {
    return {
      calls: [
        call("s3", "PutBucketCors", {
          Bucket: bucket,
          CORSConfiguration: { CORSRules: capitalised(corsRules) },
          ...capitalised(rest),
        }),
      ],
      cloudFormation: {
        type: "AWS::S3::Bucket",
        properties: {
          CorsConfiguration: {
            CorsRules: (corsRules as Inputs[]).map(({ exposeHeaders, maxAgeSeconds, ...rule }) =>
              defined({ ...capitalised(rule), ExposedHeaders: exposeHeaders, MaxAge: maxAgeSeconds }),
            ),
          },
        },
      },
    };
  },

  "aws:s3/bucketPolicy:BucketPolicy"({ bucket, policy, ...rest }) {
    return {
      calls: [call("s3", "PutBucketPolicy", { Bucket: bucket, Policy: policy, ...capitalised(rest) })],
      cloudFormation: {
        type: "AWS::S3::BucketPolicy",
        properties: { Bucket: bucket, PolicyDocument: parsed(policy) },
      },
      policies: [{ kind: "resource", document: parsed(policy), of: `arn:aws:s3:::${bucket}` }],
    };
  },

  // CloudFormation has no resource for an object.
  "aws:s3/bucketObjectv2:BucketObjectv2"({ source: _file, content: _text, ...rest }) {
    return { calls: [call("s3", "PutObject", { Body: new Bytes(""), ...capitalised(rest) })] };
  },
};
