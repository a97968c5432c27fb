/**
 * The real `sst` on our sst.config.ts, for each stage, and the same with mistakes in it, which have to be seen. The short form
 * has one stage and one set of mistakes.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isSstInstalled } from "../engines/found.ts";
import { isLong } from "../support/size.ts";
import { checks, type Stage } from "./checks.ts";
import { type Change, evaluate, type Program, secrets } from "./program.ts";

const production: Stage = { name: "production", isProduction: true, isShared: true };
const stages: Stage[] = [
  production,
  { name: "staging", isProduction: false, isShared: true },
  { name: "ada", isProduction: false, isShared: false },
];

describe.skipIf(!isSstInstalled)("sst.config.ts", () => {
  describe.each(isLong ? stages : [production])("for the stage $name", (stage) => {
    let program: Program;
    beforeAll(async () => {
      program = await evaluate({ stage: stage.name });
    });
    afterAll(() => program?.close());

    it.each(Object.entries(checks))("%s", async (_name, check) => {
      await check(program, stage);
    });
  });

  it("has the types that SST's components want", async () => {
    const tsc = promisify(execFile)(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "infra"]);
    await expect(tsc.catch(({ stdout }) => Promise.reject(new Error(stdout)))).resolves.toBeTruthy();
  });

  const mistakes: [what: string, change: Change, check: keyof typeof checks][] = [
    [
      "no TTL",
      { file: "infra/storage.ts", from: "  ttl: ttlAttribute,\n", to: "" },
      "the table is the one of core, with its TTL and its index",
    ],
    [
      "no index",
      { file: "infra/storage.ts", from: 'projection: "all"', to: 'projection: "keys-only"' },
      "the table is the one of core, with its TTL and its index",
    ],
    [
      "no deletion protection",
      { file: "infra/storage.ts", from: "deletionProtection: isProduction", to: "deletionProtection: false" },
      "what production keeps is protected, and other stages leave nothing",
    ],
    [
      "nothing retained",
      { file: "sst.config.ts", from: '"retain"', to: '"remove"' },
      "what production keeps is protected, and other stages leave nothing",
    ],
    [
      "a role for the whole account",
      { file: "infra/function.ts", from: "if (!$dev) ", to: "if ($dev) " },
      "a function's role is for Lambda alone",
    ],
    [
      "SST's own link to the table",
      {
        file: "infra/permission.ts",
        from: "sst.Linkable.wrap(sst.aws.Dynamo",
        to: "(() => {})(sst.aws.Dynamo as never",
      },
      "a function may do what it does, and no more",
    ],
    [
      "no link to the queue",
      { file: "infra/api.ts", from: "link: [table, queue, pepper", to: "link: [table, pepper" },
      "a function may do what it does, and no more",
    ],
    [
      "another prefix",
      { file: "infra/api.ts", from: 'router.route("/api",', to: 'router.route("/v1",' },
      "the site and the API are one origin, and each path leads where it is served",
    ],
    [
      "an address that clients may claim",
      { file: "infra/edge.ts", from: "event.viewer.ip", to: 'event.request.headers["x-forwarded-for"]?.value' },
      "a request says where it comes from, whatever its client says",
    ],
    [
      "answers that are not streamed",
      { file: "infra/api.ts", from: "  streaming: true,\n", to: "" },
      "answers are streamed",
    ],
    [
      "a bundle with a library too many",
      {
        file: "packages/functions/src/lambda/auth.ts",
        from: 'import { Hono } from "hono";',
        to: 'import { Hono } from "hono";\nimport * as langgraph from "@langchain/langgraph";\nObject.assign(globalThis, { langgraph });',
      },
      "bundles are small, and hold no provider that is not used",
    ],
  ];

  // Those that different checks see are made at once, since evaluating takes a while.
  const rounds = mistakes.reduce<(typeof mistakes)[]>((sets, mistake) => {
    const free = sets.find((set) => set.every(([, , check]) => check !== mistake[2]));
    if (free) free.push(mistake);
    else sets.push([mistake]);
    return sets;
  }, []);

  it.each(isLong ? rounds : rounds.slice(0, 1))("is seen to have mistakes, %#", async (...made) => {
    const program = await evaluate({ stage: production.name, changes: made.map(([, change]) => change) });
    try {
      for (const [what, , name] of made)
        await expect((async () => checks[name]?.(program, production))(), what).rejects.toThrow();
    } finally {
      program.close();
    }
  });

  it.runIf(isLong)("names a secret that is not set, and a sender that is missing", async () => {
    const { Pepper: _, ...others } = secrets;
    await expect(evaluate({ stage: "ada", secrets: others })).rejects.toThrow(/Pepper/);
    await expect(evaluate({ stage: "ada", env: { TENURE_MAIL_SENDER: "" } })).rejects.toThrow(/TENURE_MAIL_SENDER/);
    await expect(evaluate({ stage: "ada", env: { TENURE_MODEL: "nobody:model" } })).rejects.toThrow(
      /use one of openai/,
    );
  });

  it.runIf(isLong)("can be watched while it is developed, and takes a model and a domain", async () => {
    const dev = await evaluate({ stage: "ada", command: ["diff", "--dev"] });
    expect(dev.resources.filter(({ type }) => type.endsWith("dynamodb/table:Table"))).toHaveLength(1);
    dev.close();
    const env = { TENURE_MODEL: "openai:gpt-5-mini" };
    const withModel = await evaluate({ stage: "ada", env, secrets: { ...secrets, ModelApiKey: "key-of-the-model" } });
    const worker = withModel.resources.find(({ name }) => name === "WorkerFunction");
    expect(worker?.inputs.environment.variables).toMatchObject({
      TENURE_MODEL: "openai:gpt-5-mini",
      OPENAI_API_KEY: "key-of-the-model",
    });
    withModel.close();
  });
});
