/**
 * The development loop: the site behind Vite's proxy, in Chromium, with hot reload. The short form has the local stack behind
 * the proxy; the long form has what `sst dev` would start, with the simulated functions behind the router's own code.
 */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { connectDynamo, ensureTable } from "@tenure/core/dynamo";
import { startLocalDynamo } from "@tenure/local/dynamodb/server";
import type { RedisEngine } from "@tenure/local/redis/engine";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launch } from "../browser/launch.ts";
import { codeOf as codeInMailbox, openChat, say } from "../browser/site.ts";
import { isLong } from "../support/runner/size.ts";
import { copySite, edit, type SiteServer, startSiteServer } from "../support/service/site-server.ts";
import { startTestStack, type TestStack } from "../support/service/stack.ts";
import { credentials } from "../support/stores/dynamo.ts";
import { chromiumPath, isSstInstalled } from "../support/stores/found.ts";
import { freePort } from "../support/stores/port.ts";
import { behindGateway, redisEngines } from "../support/stores/redis.ts";
import { type Cloud, startCloud } from "./cloud.ts";
import { live } from "./live.ts";
import { evaluate, type Program, secrets } from "./program.ts";
import { viewerRequest } from "./router.ts";
import { Services } from "./services.ts";

const REDIS_DATABASE = 13;

/** As a person does it; `codeOf` is where that person looks for the code. */
async function logIn(page: Page, url: string, email: string, codeOf: () => Promise<string>): Promise<void> {
  await page.goto(url);
  await page.getByLabel("E-mail").fill(email);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByLabel("The six-digit code").waitFor();
  await page.getByLabel("The six-digit code").fill(await codeOf());
  await page.getByText(`You are logged in as ${email}.`).waitFor();
}

/** The answer to a page that asks for a code. */
async function statusOfCode(page: Page, url: string): Promise<number> {
  await page.goto(url);
  await page.getByLabel("E-mail").fill("refused@example.com");
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().endsWith("/api/auth/code")),
    page.getByRole("button", { name: "Send me a code" }).click(),
  ]);
  return answer.status();
}

/** A change of the style shows in the page as it stands; one of the code loads the page anew, and the session stays. */
async function expectHotReload(page: Page, site: SiteServer): Promise<void> {
  const brand = page.locator(".brand");
  await page.evaluate(() => Object.assign(globalThis, { isTheSamePage: true }));
  const isSame = () => page.evaluate(() => "isTheSamePage" in globalThis);
  /** A server that serves may not watch a file yet: it is saved again after a while, as one does who sees no change. */
  const change = async (file: string, [from, to]: [string, string], look: () => Promise<unknown>, shown: unknown) => {
    site.edit(file, from, to);
    let looks = 0;
    await expect
      .poll(() => {
        looks += 1;
        if (looks % 100 === 0) site.save(file);
        return look();
      })
      .toEqual(shown);
  };
  const outlined: [string, string] = [":root", ".brand { outline: 3px solid rgb(1, 2, 3); }\n:root"];
  const outline = () => brand.evaluate((one) => getComputedStyle(one).outlineColor);
  await change("src/style/base.css", outlined, outline, "rgb(1, 2, 3)");
  expect(await isSame()).toBe(true);
  const worded: [string, string] = ["You are logged in as", "You have just been changed,"];
  await change("src/home/home.ts", worded, () => page.getByText("You have just been changed,").count(), 1);
  expect(await isSame()).toBe(false);
}

describe.skipIf(!chromiumPath)("the development server of the site", () => {
  let browser: Browser;
  let stack: TestStack;
  const contexts: BrowserContext[] = [];
  const close: (() => unknown)[] = [];
  beforeAll(async () => {
    [browser, stack] = await Promise.all([launch(), startTestStack()]);
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    for (const undo of close.splice(0).reverse()) await undo();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });
  const open = async () => {
    const context = await browser.newContext();
    contexts.push(context);
    return context.newPage();
  };
  const start = async (env: Record<string, string>, change?: [file: string, from: string, to: string]) => {
    const { folder, remove } = copySite();
    close.push(remove);
    const command = `npx vite --port ${await freePort()} --strictPort`;
    if (change) edit(join(folder, change[0]), change[1], change[2]);
    const site = await startSiteServer(folder, command, env);
    close.push(() => site.close());
    return site;
  };

  it("has the local stack behind it, and shows what has been changed", async () => {
    const site = await start({ TENURE_API_URL: stack.url });
    const page = await open();
    await logIn(page, site.url, "vite@example.com", () => codeInMailbox(stack, "vite@example.com"));
    await expectHotReload(page, site);
  });

  it("would be found without its proxy, and with one that changes the host", async () => {
    const withoutProxy = await start({ TENURE_API_URL: stack.url }, ["vite.config.ts", `, proxy: { "/api": api }`, ""]);
    const page = await open();
    await page.goto(withoutProxy.url);
    await page.getByRole("heading", { name: "Tenure does not answer" }).waitFor();
    const changed: [string, string, string] = ["vite.config.ts", "!isLoopback(target)", "true"];
    expect(await statusOfCode(await open(), (await start({ TENURE_API_URL: stack.url }, changed)).url)).toBe(403);
  });

  it("says what to start when there is no API", async () => {
    const site = await start({ TENURE_API_URL: `http://localhost:${await freePort()}` });
    const answer = await fetch(`${site.url}/api/ok`);
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({
      detail: expect.stringMatching(/^No API at http:.*is sst dev running/),
    });
  });
});

describe.skipIf(!isLong || !chromiumPath || !isSstInstalled)("sst dev", () => {
  let browser: Browser;
  let dev: Program;
  let built: Program;
  let port: number;
  let services: Services;
  let cloud: Cloud;
  let startFunctions: (env?: Record<string, string>) => Promise<Cloud>;
  const close: (() => unknown)[] = [];
  beforeAll(async () => {
    port = await freePort();
    browser = await launch();
    close.push(() => browser.close());
    const [engine] = await Promise.all(
      redisEngines(REDIS_DATABASE)
        .slice(-1)
        .map((one) => one.open()),
    );
    const redis = await behindGateway(engine as RedisEngine);
    close.push(() => redis.close());
    services = await Services.start();
    close.push(() => services.close());
    const shared = {
      stage: "ada",
      secrets: { ...secrets, UpstashRedisRestUrl: redis.url, UpstashRedisRestToken: redis.token },
      env: { TENURE_SST_QUEUES: services.url },
    };
    dev = await evaluate({
      ...shared,
      command: ["diff", "--dev"],
      env: { ...shared.env, TENURE_MAIL_SENDER: "" },
      changes: [{ file: "infra/web.ts", from: "DEV_PORT = 5173", to: `DEV_PORT = ${port}` }],
    });
    close.push(() => dev.close());
    built = await evaluate(shared);
    close.push(() => built.close());
    const dynamo = await startLocalDynamo();
    close.push(() => dynamo.close());
    await createTable(dev, dynamo.url);
    const functions = live(dev, built);
    startFunctions = async (env = {}) => {
      const started = await startCloud(functions, services, { AWS_ENDPOINT_URL_DYNAMODB: dynamo.url, ...env });
      close.push(() => started.close());
      return started;
    };
    cloud = await startFunctions();
  });
  afterAll(async () => {
    for (const undo of close.reverse()) await undo();
  });

  const web = () => dev.resources.find(({ type, name }) => type === "sst:aws:StaticSite" && name === "Web")?.outputs;
  const routerUrl = () => {
    const { name } = dev.resources.find(({ type }) => type.endsWith("distribution:Distribution")) ?? {};
    expect(name).toBeDefined();
    return dev.resources.find(({ type, name: its }) => type === "sst:aws:Router" && its === "Router")?.outputs._hint;
  };
  /** The command that `sst dev` runs for the site, where the router's address leads to the simulated one. */
  const startSite = (env: Record<string, string> = {}) => {
    const { command, directory, environment } = web()._dev;
    expect(environment).toEqual({ TENURE_API_URL: routerUrl() });
    return startSiteServer(join(dev.folder, directory), command, { TENURE_API_URL: cloud.url, ...env });
  };
  /** In the terminal: the log of the function that serves logins. */
  const codeInTerminal = async (email: string) => {
    const output = () => cloud.functions.Auth.instances.map((one) => one.output).join("");
    const found = () => new RegExp(`^code for ${email}: (\\d{6})$`, "m").exec(output())?.[1];
    await expect.poll(found).toBeDefined();
    return found() as string;
  };

  it("tells the functions where the site is, and gives them nothing to send mail by", () => {
    for (const name of ["Auth", "Api", "Worker"]) {
      const inputs = dev.resources.find((one) => one.name === `${name}Function`)?.inputs;
      expect(inputs.environment.variables.TENURE_ORIGIN).toBe(`http://localhost:${port}`);
      // The stand-in only hands events on.
      expect(inputs.memorySize).toBe(256);
    }
    expect(dev.resources.filter(({ type }) => /sesv2/i.test(type))).toEqual([]);
  });

  it("sends whoever comes to the router's own address to the site, with nothing for a placeholder", async () => {
    const route = viewerRequest(dev);
    for (const uri of ["/", "/index.html", "/apikeys"])
      expect(await route({ uri })).toMatchObject({
        statusCode: 302,
        headers: { location: { value: `http://localhost:${port}${uri}` } },
        origin: undefined,
      });
    for (const uri of ["/api", "/api/ok", "/api/auth/session"])
      expect((await route({ uri })).origin?.domainName).toMatch(/lambda-url/);
  });

  it("is a loop: login by the code in the terminal, a run, and what has been changed is seen", async () => {
    const site = await startSite();
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      await logIn(page, site.url, "ada@example.com", () => codeInTerminal("ada@example.com"));
      await expectHotReload(page, site);
      await openChat(page);
      await say(page, "What is 6 * 7?");
      await page.getByText("42. I am Tenure's offline agent").waitFor();
    } finally {
      await context.close();
      await site.close();
    }
  });

  it("knows the types of what is linked, in the package that uses them", async () => {
    const source = `import { Resource } from "sst";
      export const texts: string[] = [Resource.Table.name, Resource.Pepper.value, Resource.RunQueue.url];
      // @ts-expect-error: there is no such resource.
      export const none = Resource.Nothing;\n`;
    const functions = join(built.folder, "packages/functions");
    writeFileSync(join(functions, "src/uses-resources.ts"), source);
    // The package's own files and options, of which declarations do not come out where packages are installed elsewhere.
    const unbuilt = { composite: false, declaration: false, declarationMap: false, noEmit: true, rootDir: "../.." };
    const config = {
      extends: "./tsconfig.json",
      compilerOptions: { ...unbuilt, customConditions: ["@tenure/source"] },
      references: [],
    };
    writeFileSync(join(functions, "tsconfig.unbuilt.json"), JSON.stringify(config));
    const tsc = [join(built.folder, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.unbuilt.json"];
    const compiled = promisify(execFile)(process.execPath, tsc, { cwd: functions });
    await compiled.catch(({ stdout }) => Promise.reject(new Error(stdout)));
  });

  it("would be found with the router for the site's origin", async () => {
    const mistaken = await startFunctions({ TENURE_ORIGIN: routerUrl() });
    const site = await startSite({ TENURE_API_URL: mistaken.url });
    const page = await browser.newPage();
    try {
      expect(await statusOfCode(page, site.url)).toBe(403);
    } finally {
      await page.close();
      await site.close();
    }
  });
});

/** The table that the program declares, on an empty DynamoDB. */
async function createTable({ resources }: Program, endpoint: string): Promise<void> {
  const name = resources.find(({ type }) => type.endsWith("dynamodb/table:Table"))?.inputs.name as string;
  const client = connectDynamo({ endpoint, region: "us-east-1", credentials });
  await ensureTable(client, name);
  client.destroy();
}
