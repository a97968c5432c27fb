/** CloudFront, its certificate and its names. */
import { Bytes, call, capitalised, defined, type Inputs, type Translate, tagList } from "./meaning.ts";

/** A list as CloudFront's API has it. */
const counted = (items: unknown[] | undefined) =>
  items && defined({ Quantity: items.length, Items: items.length ? items : undefined });

/** The lists of a part of a cache policy: bare for CloudFormation, counted for the API. */
type Listed = (items: unknown[] | undefined) => unknown;
const bare: Listed = (items) => items;

function cacheKey({ cookiesConfig, headersConfig, queryStringsConfig, ...rest }: Inputs, list: Listed) {
  const part = (name: string, config: Inputs) => {
    const { [name]: listed, ...others } = config;
    const [key] = Object.keys(capitalised({ [name]: 0 })) as [string];
    return { ...capitalised(others), ...defined({ [key]: list(listed?.items) }) };
  };
  return {
    ...capitalised(rest),
    CookiesConfig: part("cookies", cookiesConfig),
    HeadersConfig: part("headers", headersConfig),
    QueryStringsConfig: part("queryStrings", queryStringsConfig),
  };
}

function behavior(inputs: Inputs, isApi: boolean) {
  const { allowedMethods, cachedMethods, functionAssociations, lambdaFunctionAssociations, ...rest } = inputs;
  const { minTtl, defaultTtl, maxTtl, ...others } = rest;
  const list: Listed = isApi ? counted : bare;
  const functions = functionAssociations?.map(({ eventType, functionArn }: Inputs) => ({
    EventType: eventType,
    FunctionARN: functionArn,
  }));
  const lambdas = lambdaFunctionAssociations?.map(({ lambdaArn, ...how }: Inputs) => ({
    LambdaFunctionARN: lambdaArn,
    ...capitalised(how),
  }));
  return defined({
    AllowedMethods: isApi
      ? { ...counted(allowedMethods), ...defined({ CachedMethods: counted(cachedMethods) }) }
      : allowedMethods,
    CachedMethods: isApi ? undefined : cachedMethods,
    FunctionAssociations: list(functions),
    LambdaFunctionAssociations: list(lambdas),
    MinTTL: minTtl,
    DefaultTTL: defaultTtl,
    MaxTTL: maxTtl,
    ...capitalised(others),
  });
}

function origin({ originId, customOriginConfig, ...rest }: Inputs, isApi: boolean) {
  const { httpPort, httpsPort, originSslProtocols, ...custom } = customOriginConfig ?? {};
  return defined({
    Id: originId,
    CustomOriginConfig:
      customOriginConfig &&
      defined({
        HTTPPort: httpPort,
        HTTPSPort: httpsPort,
        ...(isApi ? { OriginSslProtocols: counted(originSslProtocols) } : { OriginSSLProtocols: originSslProtocols }),
        ...capitalised(custom),
      }),
    ...capitalised(rest),
  });
}

const errorResponse =
  (isApi: boolean) =>
  ({ errorCachingMinTtl, responseCode, ...rest }: Inputs) =>
    defined({
      ErrorCachingMinTTL: errorCachingMinTtl,
      ResponseCode: isApi && responseCode !== undefined ? String(responseCode) : responseCode,
      ...capitalised(rest),
    });

function certificate(
  { cloudfrontDefaultCertificate, acmCertificateArn, sslSupportMethod, ...rest }: Inputs,
  isApi: boolean,
) {
  return defined({
    CloudFrontDefaultCertificate: cloudfrontDefaultCertificate,
    [isApi ? "ACMCertificateArn" : "AcmCertificateArn"]: acmCertificateArn,
    [isApi ? "SSLSupportMethod" : "SslSupportMethod"]: sslSupportMethod,
    ...capitalised(rest),
  });
}

function distribution(inputs: Inputs, isApi: boolean) {
  const { aliases, origins, defaultCacheBehavior, orderedCacheBehaviors, customErrorResponses, ...rest } = inputs;
  const { restrictions, viewerCertificate, isIpv6Enabled, webAclId, ...others } = rest;
  const { restrictionType, locations } = restrictions?.geoRestriction ?? {};
  const list: Listed = isApi ? counted : bare;
  return defined({
    Aliases: list(aliases),
    Origins: list((origins as Inputs[]).map((one) => origin(one, isApi))),
    DefaultCacheBehavior: behavior(defaultCacheBehavior, isApi),
    CacheBehaviors: list(orderedCacheBehaviors?.map((one: Inputs) => behavior(one, isApi))),
    CustomErrorResponses: list(customErrorResponses?.map(errorResponse(isApi))),
    Restrictions: restrictions && {
      GeoRestriction: {
        RestrictionType: restrictionType,
        ...(isApi ? counted(locations ?? []) : defined({ Locations: locations })),
      },
    },
    ViewerCertificate: viewerCertificate && certificate(viewerCertificate, isApi),
    IsIPV6Enabled: isIpv6Enabled,
    WebACLId: webAclId,
    ...capitalised(others),
  });
}

export const edge: Record<string, Translate> = {
  "aws:cloudfront/distribution:Distribution"({ tags, waitForDeployment: _ofTheProvider, ...rest }, name) {
    const config = { CallerReference: name, ...distribution(rest, true) };
    return {
      calls: [
        tags
          ? call("cloudfront", "CreateDistributionWithTags", {
              DistributionConfigWithTags: { DistributionConfig: config, Tags: { Items: tagList(tags) } },
            })
          : call("cloudfront", "CreateDistribution", { DistributionConfig: config }),
      ],
      cloudFormation: {
        type: "AWS::CloudFront::Distribution",
        properties: defined({ DistributionConfig: distribution(rest, false), Tags: tagList(tags) }),
      },
    };
  },

  "aws:cloudfront/cachePolicy:CachePolicy"({ name, defaultTtl, maxTtl, minTtl, ...rest }, logical) {
    const { parametersInCacheKeyAndForwardedToOrigin, ...others } = rest;
    const config = (list: Listed) => ({
      CachePolicyConfig: {
        ...defined({ Name: name ?? logical, DefaultTTL: defaultTtl, MaxTTL: maxTtl, MinTTL: minTtl }),
        ParametersInCacheKeyAndForwardedToOrigin: cacheKey(parametersInCacheKeyAndForwardedToOrigin, list),
        ...capitalised(others),
      },
    });
    return {
      calls: [call("cloudfront", "CreateCachePolicy", config(counted))],
      cloudFormation: { type: "AWS::CloudFront::CachePolicy", properties: config(bare) },
    };
  },

  "aws:cloudfront/function:Function"({ name, code, runtime, comment, keyValueStoreAssociations, publish, ...rest }) {
    const stores = (keyValueStoreAssociations as string[] | undefined)?.map((KeyValueStoreARN) => ({
      KeyValueStoreARN,
    }));
    const config = (list: Listed) =>
      defined({ Comment: comment ?? "", Runtime: runtime, KeyValueStoreAssociations: list(stores) });
    return {
      calls: [
        call("cloudfront", "CreateFunction", {
          Name: name,
          FunctionConfig: config(counted),
          FunctionCode: new Bytes(code),
          ...capitalised(rest),
        }),
      ],
      cloudFormation: {
        type: "AWS::CloudFront::Function",
        properties: { Name: name, AutoPublish: publish ?? true, FunctionConfig: config(bare), FunctionCode: code },
      },
    };
  },

  "aws:cloudfront/keyValueStore:KeyValueStore"(inputs) {
    const properties = capitalised(inputs);
    return {
      calls: [call("cloudfront", "CreateKeyValueStore", properties)],
      cloudFormation: { type: "AWS::CloudFront::KeyValueStore", properties },
    };
  },

  "aws:acm/certificate:Certificate"({ tags, subjectAlternativeNames, ...rest }) {
    const properties = defined({
      // The provider leaves an empty list out, which the API refuses.
      SubjectAlternativeNames: subjectAlternativeNames?.length > 0 ? subjectAlternativeNames : undefined,
      Tags: tagList(tags),
      ...capitalised(rest),
    });
    return {
      calls: [call("acm", "RequestCertificate", properties)],
      cloudFormation: { type: "AWS::CertificateManager::Certificate", properties },
    };
  },

  "aws:route53/record:Record"({ zoneId, ttl, records, aliases, allowOverwrite: _ofTheProvider, ...rest }) {
    const alias = aliases?.[0];
    const AliasTarget = alias && {
      DNSName: alias.name,
      HostedZoneId: alias.zoneId,
      EvaluateTargetHealth: alias.evaluateTargetHealth,
    };
    // The API and CloudFormation want a text record in quotes, which the provider puts there.
    const values = (records as string[] | undefined)?.map((value) => (rest.type === "TXT" ? `"${value}"` : value));
    return {
      calls: [
        call("route-53", "ChangeResourceRecordSets", {
          HostedZoneId: zoneId,
          ChangeBatch: {
            Changes: [
              {
                Action: "UPSERT",
                ResourceRecordSet: defined({
                  TTL: ttl,
                  ResourceRecords: values?.map((Value) => ({ Value })),
                  AliasTarget,
                  ...capitalised(rest),
                }),
              },
            ],
          },
        }),
      ],
      cloudFormation: {
        type: "AWS::Route53::RecordSet",
        properties: defined({
          HostedZoneId: zoneId,
          TTL: ttl === undefined ? undefined : String(ttl),
          ResourceRecords: values,
          AliasTarget,
          ...capitalised(rest),
        }),
      },
    };
  },
};
