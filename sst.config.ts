/// <reference path="./.sst/platform/config.d.ts" />

/** SST finds no provider by the bare name "upstash". */
const upstash = {
  upstash: {
    package: "@upstash/pulumi",
    version: "0.5.0",
    email: process.env.UPSTASH_EMAIL,
    apiKey: process.env.UPSTASH_API_KEY,
  },
};

/** The app and its stages; what it is made of is in infra/, a file for each concern. See docs/deploy.md. */
export default $config({
  app({ stage }) {
    const isProduction = stage === "production";
    return {
      name: "tenure",
      home: "aws",
      // Production's tables and buckets are kept, whatever is removed from the program; other stages go without a trace.
      removal: isProduction ? "retain" : "remove",
      protect: isProduction,
      ...(process.env.TENURE_UPSTASH?.trim() === "1" && { providers: upstash as object }),
    };
  },
  async run() {
    const { router } = await import("./infra/web");
    await import("./infra/api");
    await import("./infra/queue");
    await import("./infra/alarm");
    const { siteDomain } = await import("./infra/domain");
    const isDnsElsewhere = typeof siteDomain === "object";
    return {
      url: router.url,
      // Where the domain's own entry has to lead, which SST does not make.
      ...(isDnsElsewhere && { cname: router.nodes.cdn.apply((cdn) => cdn.nodes.distribution.domainName) }),
    };
  },
});
