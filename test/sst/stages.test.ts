/**
 * The real `sst` on our sst.config.ts, for each stage and each way to set it up, and the same with mistakes in it, which have to be
 * seen. The short form has one stage and one set of mistakes.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isLong, some } from "../support/runner/size.ts";
import { isSstInstalled } from "../support/stores/found.ts";
import { TestClock } from "../support/stores/test-clock.ts";
import { checks, type Stage } from "./checks.ts";
import { LambdaFunction } from "./lambda.ts";
import { mistakes } from "./mistakes.ts";
import { type Evaluation, evaluate, type Program, type Resource, secrets } from "./program.ts";
import { remove } from "./removal.ts";

const CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/3a958790-8878-4cdc-a396-06d95064cf63";
const MODEL_KEY = "key-of-the-model";
const CHECKPOINT_KEYS = `k1:${Buffer.alloc(32, 7).toString("base64")}`;
const WITH_ALL = "production with a database of Upstash, a model, keys for checkpoints, and lifetimes of its own";

interface Case {
  what: string;
  stage: Stage;
  how?: Partial<Evaluation>;
}

/** Production's, from an address that the stage confirms. */
const production: Stage = {
  name: "production",
  isProduction: true,
  isShared: true,
  identity: "login@example.com",
  isOwner: true,
  secrets: Object.values(secrets),
};
const staging: Stage = { ...production, name: "staging", isProduction: false, isOwner: false };
const personal = (name: string): Stage => ({ ...staging, name, isShared: false });
const domain = { TENURE_DOMAIN: "app.example.com", TENURE_MAIL_SENDER: "" };

const cases: Case[] = [
  { what: "production", stage: production },
  { what: "staging", stage: staging },
  { what: "somebody's own", stage: personal("ada") },
  { what: "somebody else's own", stage: personal("bob") },
  {
    what: "production at a domain in Route 53",
    stage: { ...production, domain: "app.example.com", identity: "app.example.com" },
    how: { env: domain },
  },
  {
    what: "staging at a domain in Route 53",
    stage: { ...staging, domain: "staging.app.example.com", identity: "staging.app.example.com", isOwner: true },
    how: { env: domain },
  },
  {
    what: "production at a domain elsewhere",
    stage: {
      ...production,
      domain: "app.example.com",
      isDnsElsewhere: true,
      identity: "app.example.com",
      isOwner: false,
    },
    how: {
      env: {
        ...domain,
        TENURE_DOMAIN_CERT: CERTIFICATE,
        TENURE_MAIL_IDENTITY: "existing",
        TENURE_SST_IDENTITIES: "app.example.com",
      },
    },
  },
  {
    what: WITH_ALL,
    stage: {
      ...production,
      // The token of the database that the stand-in engine says Upstash has made.
      secrets: [secrets.Pepper, MODEL_KEY, CHECKPOINT_KEYS, "token-of-the-made-database"],
      provider: "openai",
    },
    how: {
      env: {
        TENURE_UPSTASH: "1",
        UPSTASH_EMAIL: "ops@example.com",
        UPSTASH_API_KEY: "key-of-upstash",
        TENURE_MODEL: "openai:gpt-5-mini",
        AWS_REGION: "eu-west-1",
        TENURE_ENCRYPTION: "1",
        TENURE_IDLE_TIMEOUT: "15m",
        TENURE_THREAD_TTL: "",
        TENURE_MEMORY_TTL: "",
      },
      secrets: { Pepper: secrets.Pepper, ModelApiKey: MODEL_KEY, CheckpointKeys: CHECKPOINT_KEYS },
      changes: [
        {
          file: "packages/functions/src/lambda/worker-handler.ts",
          from: "  return async (event, context) => {",
          to: 'process.stdout.write("the key is " + process.env.OPENAI_API_KEY + "\\n" + JSON.stringify(config.sessionPolicy) + (deps.checkpointer.codec.encryption !== undefined) + "\\n");\n  return async (event, context) => {',
        },
      ],
    },
  },
];

describe.skipIf(!isSstInstalled)("sst.config.ts", () => {
  const evaluated = new Map<string, Program>();
  afterAll(() => {
    for (const program of evaluated.values()) program.close();
  });

  describe.each(isLong ? cases : cases.slice(0, 1))("for $what", ({ what, stage, how }) => {
    let program: Program;
    beforeAll(async () => {
      program = await evaluate({ stage: stage.name, ...how });
      evaluated.set(what, program);
    });

    it.each(Object.entries(checks))("%s", async (_name, check) => {
      await check(program, stage);
    });
  });

  it.runIf(isLong)("makes no SES identity twice in one account", () => {
    const made = (...whats: string[]) =>
      whats.flatMap((what) =>
        (evaluated.get(what)?.resources ?? [])
          .filter(({ type, isRead }) => type.endsWith("sesv2/emailIdentity:EmailIdentity") && !isRead)
          .map(({ inputs }) => inputs.emailIdentity),
      );
    expect(made("production", "staging", "somebody's own", "somebody else's own")).toEqual(["login@example.com"]);
    expect(made("production at a domain in Route 53", "staging at a domain in Route 53")).toEqual([
      "app.example.com",
      "staging.app.example.com",
    ]);
  });

  it.runIf(isLong)("puts the database that it makes where the functions are", () => {
    const made = evaluated.get(WITH_ALL);
    const database = made?.resources.find(({ type }) => type.startsWith("upstash:"));
    expect(database).toMatchObject({
      inputs: { region: "global", primaryRegion: "eu-west-1", readRegions: [], eviction: false, tls: true },
      protect: true,
      retainOnDelete: true,
    });
  });

  it.runIf(isLong)("gives the functions that run graphs their keys and lifetimes, when they start", async () => {
    const made = evaluated.get(WITH_ALL) as Program;
    const worker = made.resources.find(({ name }) => name === "WorkerFunction") as Resource;
    expect(worker.inputs.environment.variables).toMatchObject({
      TENURE_MODEL: "openai:gpt-5-mini",
      TENURE_MODEL_KEY_NAME: "OPENAI_API_KEY",
    });
    const run = async (env: Record<string, string>) => {
      const started = new LambdaFunction(worker, made.bundleOf("Worker"), env, new TestClock());
      try {
        await started.invoke({ Records: [] }, async () => {});
        return started.instances[0]?.output;
      } finally {
        started.killAll();
      }
    };
    const lifetimes = '{"idleMs":900000,"touchEveryMs":60000}';
    expect(await run({})).toContain(`the key is ${MODEL_KEY}\n${lifetimes}true\n`);
    expect(await run({ TENURE_MODEL_KEY_NAME: "" })).toContain("the key is undefined\n");
  });

  it("has the types that SST's components want", async () => {
    const tsc = promisify(execFile)(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "infra"]);
    await expect(tsc.catch(({ stdout }) => Promise.reject(new Error(stdout)))).resolves.toBeTruthy();
  });

  // Mistakes that different checks see are made at once, since evaluating takes a while.
  const rounds = mistakes.reduce<(typeof mistakes)[]>((sets, mistake) => {
    const stage = mistake.stage ?? "production";
    const free = sets.find((set) =>
      set.every((one) => one.check !== mistake.check && (one.stage ?? "production") === stage),
    );
    if (free) free.push(mistake);
    else sets.push([mistake]);
    return sets;
  }, []);

  it.each(some(rounds))("is seen to have mistakes, %#", async (...made) => {
    const stage = made[0]?.stage === "staging" ? staging : production;
    const program = await evaluate({ stage: stage.name, changes: made.flatMap(({ changes }) => changes) });
    try {
      for (const { what, check } of made)
        await expect((async () => checks[check]?.(program, stage))(), what).rejects.toThrow();
    } finally {
      program.close();
    }
  });

  const { Pepper: _, ...withoutPepper } = secrets;
  const refused: [what: string, how: Partial<Evaluation>, message: RegExp][] = [
    ["a secret that is not set", { secrets: withoutPepper }, /Pepper/],
    ["no sender", { env: { TENURE_MAIL_SENDER: "" } }, /TENURE_MAIL_SENDER/],
    [
      "an identity that is not there",
      { env: { TENURE_MAIL_SENDER: "new@example.com" } },
      /has no identity new@example.com/,
    ],
    ["an unknown way to an identity", { env: { TENURE_MAIL_IDENTITY: "keep" } }, /use create or existing/],
    ["a model of nobody", { env: { TENURE_MODEL: "nobody:model" } }, /use one of openai/],
    ["a certificate without a domain", { env: { TENURE_DOMAIN_CERT: CERTIFICATE } }, /TENURE_DOMAIN is not/],
    [
      "a certificate of another region",
      { env: { ...domain, TENURE_DOMAIN_CERT: CERTIFICATE.replace("us-east-1", "eu-west-1") } },
      /TENURE_DOMAIN_CERT is of eu-west-1: CloudFront takes certificates of us-east-1 only/,
    ],
    ["no certificate", { env: { ...domain, TENURE_DOMAIN_CERT: "app.example.com" } }, /use the ARN of a certificate/],
    [
      "mail from a domain elsewhere that SST would have to confirm",
      { stage: "production", env: { ...domain, TENURE_DOMAIN_CERT: CERTIFICATE } },
      /TENURE_MAIL_IDENTITY=existing/,
    ],
    [
      "a region without Upstash",
      {
        env: { TENURE_UPSTASH: "1", UPSTASH_EMAIL: "a@example.com", UPSTASH_API_KEY: "k", AWS_REGION: "eu-north-1" },
        secrets: { Pepper: secrets.Pepper },
      },
      /Upstash has no database in eu-north-1: set TENURE_UPSTASH_REGION to one of us-east-1/,
    ],
    ["functions that are too small", { env: { TENURE_AGENT_MEMORY: "256" } }, /use a whole number from 512 to 10240/],
    ["a worker for too many", { env: { TENURE_WORKER_CONCURRENCY: "1001" } }, /use a whole number from 2 to 1000/],
    [
      "a lifetime that is none",
      { env: { TENURE_IDLE_TIMEOUT: "soon" } },
      /TENURE_IDLE_TIMEOUT must be from 10s to 90d/,
    ],
    ["keys for checkpoints that are not set", { env: { TENURE_ENCRYPTION: "1" } }, /CheckpointKeys/],
    ["a switch that is none", { env: { TENURE_TRACING: "yes" } }, /TENURE_TRACING=yes: use 1 or 0/],
  ];
  describe.runIf(isLong)("refuses, and says why,", () => {
    it.each(refused)("%s", async (_what, how, message) => {
      await expect(evaluate({ stage: "ada", ...how })).rejects.toThrow(message);
    });
  });

  it.runIf(isLong)("takes empty settings for none, and sets concurrency and memory when asked to", async () => {
    const empty = ["DOMAIN", "DOMAIN_CERT", "MAIL_IDENTITY", "MODEL", "UPSTASH", "UPSTASH_REGION", "TRACING"];
    const env = Object.fromEntries(empty.map((name) => [`TENURE_${name}`, ""]));
    const program = await evaluate({
      stage: "ada",
      env: { ...env, TENURE_AUTH_CONCURRENCY: "50", TENURE_WORKER_CONCURRENCY: "20", TENURE_AGENT_MEMORY: "512" },
    });
    const inputsOf = (name: RegExp) => program.resources.find((one) => name.test(one.name))?.inputs;
    expect(inputsOf(/^AuthFunction$/).reservedConcurrentExecutions).toBe(50);
    expect(inputsOf(/^ApiFunction$/).reservedConcurrentExecutions).toBe(undefined);
    expect([/^AuthFunction$/, /^ApiFunction$/, /^WorkerFunction$/].map((name) => inputsOf(name).memorySize)).toEqual([
      512, 512, 512,
    ]);
    expect(inputsOf(/EventSourceMapping$/).scalingConfig).toEqual({ maximumConcurrency: 20 });
    program.close();
  });

  it.runIf(isLong)("can be watched while it is developed", async () => {
    const dev = await evaluate({ stage: "ada", command: ["diff", "--dev"] });
    expect(dev.resources.filter(({ type }) => type.endsWith("dynamodb/table:Table"))).toHaveLength(1);
    expect(dev.resources.filter(({ type }) => type.endsWith("sesv2/emailIdentity:EmailIdentity"))).toEqual([]);
    for (const secret of Object.values(secrets))
      for (const { type, inputs } of dev.resources)
        if (type.endsWith("lambda/function:Function")) expect(JSON.stringify(inputs)).not.toContain(secret);
    dev.close();
  });

  it.runIf(isLong)("is removed whole when it is somebody's own, and not at all when it is production", async () => {
    expect(await remove("ada")).toMatchObject({ code: 0, destroyed: true });
    const { code, destroyed, output } = await remove("production");
    expect(output).toMatch(/protect/i);
    expect({ isRefused: code !== 0, destroyed }).toEqual({ isRefused: true, destroyed: false });
  });
});
