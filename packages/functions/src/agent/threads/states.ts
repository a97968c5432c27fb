/** A thread's state, now and before, and changes to it by hand. */
import { TenureError } from "@tenure/core/errors";
import type { Thread } from "@tenure/core/thread";
import { Hono } from "hono";
import { z } from "zod";
import type { Identity } from "../../http/identity.ts";
import { errorJson, stringify } from "../../http/json.ts";
import { operation } from "../../http/operation.ts";
import { yesOrNo } from "../../http/schemas.ts";
import type { SessionEnv } from "../../http/session/session.ts";
import type { AgentDeps } from "../deps.ts";
import { jsonList } from "../json-list.ts";
import { checkSelect, selected } from "../paths.ts";
import { refuseAbsent } from "../runs/fork.ts";
import { checkpointIn, checkpointRequest, record } from "../runs/request.ts";
import { damagedStateJson, emptyState, FIELDS, interruptsOf, json, type StateSnapshot, stateJson } from "../wire.ts";
import { ThreadAccess } from "./access.ts";
import { historyOf } from "./history.ts";
import { asInvalid, changeState } from "./status.ts";

const tag = "threads";
const select = z
  .union([z.string(), z.array(z.string())])
  .nullish()
  .transform((value) => (value ? [value].flat() : undefined));
const stateQuery = z.object({ subgraphs: yesOrNo, select });
const checkpointBody = z.object({ checkpoint: checkpointRequest.nullish(), subgraphs: yesOrNo, select });
const updateBody = z.object({
  values: z.unknown().optional(),
  as_node: z.string().nullish(),
  checkpoint_id: z.string().nullish(),
  checkpoint: checkpointRequest.nullish(),
});
/** Parts of a config that do not tell one checkpoint of a thread from another. */
const place = {
  thread_id: z.string().nullish(),
  checkpoint_ns: z.string().nullish(),
  checkpoint_map: record.nullish(),
};
const before = z.union([
  z.string(),
  z.object({ checkpoint_id: z.string(), ...place }),
  z.object({
    configurable: z.looseObject({ checkpoint_id: z.string(), ...place }),
    tags: z.array(z.string()).nullish(),
    metadata: record.nullish(),
    recursion_limit: z.number().nullish(),
  }),
]);
const historyBody = z.object({
  limit: z.number().int().min(0).max(1000).nullish(),
  before: before.nullish(),
  metadata: record.nullish(),
  checkpoint: checkpointRequest.nullish(),
  select,
});
const historyQuery = z.object({
  limit: z.coerce.number().int().min(0).max(1000).nullish(),
  before: z.string().nullish(),
});
type HistoryRequest = z.infer<typeof historyBody>;

export function stateRoutes(deps: AgentDeps): Hono<SessionEnv<Identity>> {
  const access = new ThreadAccess(deps);

  async function show(
    thread: Thread,
    checkpoint: Checkpoint,
    options: { subgraphs: boolean; select: string[] | undefined },
  ) {
    checkSelect(options.select, FIELDS.state, "a state");
    const state = await access.state(thread, checkpoint, { subgraphs: options.subgraphs });
    const { checkpoint_id: checkpointId } = checkpoint;
    // An empty state would say that the thread was so once.
    if (checkpointId && state?.createdAt === undefined)
      throw new TenureError({ tag: "checkpoint-not-found", checkpointId });
    return shown(state, state ? stateJson(state) : emptyState, options.select);
  }

  /** The selected fields of a state, and its damage, which is told whatever is selected. */
  function shown(state: StateSnapshot | undefined, whole: Record<string, unknown>, select: string[] | undefined) {
    if (!select?.length) return whole;
    const { error } = whole;
    return {
      ...selected({ ...whole, interrupts: interruptsOf(state) }, select),
      ...(error !== undefined && { error }),
    };
  }

  async function* history(thread: Thread, asked: HistoryRequest): AsyncGenerator<string> {
    const graph = await access.graphOf(thread);
    if (!graph) return;
    const from = beforeId(asked.before);
    const options = {
      limit: asked.limit ?? 10,
      ...(from && { before: { configurable: { checkpoint_id: from } } }),
      ...(asked.metadata && { filter: asked.metadata }),
    };
    const config = access.configOf(thread, named(thread, asked.checkpoint));
    for await (const state of historyOf({ graph, saver: deps.checkpointer }, config, options)) {
      const isDamaged = "error" in state;
      const whole = isDamaged ? damagedStateJson(state.config, state.error) : stateJson(state);
      yield stringify(shown(isDamaged ? undefined : state, whole, asked.select));
    }
  }

  const broken = (thread: Thread) => (error: unknown) => {
    const { message } = errorJson(error);
    deps.report(JSON.stringify({ level: "error", event: "history-broken", thread: thread.id, error: message }));
  };

  return new Hono<SessionEnv<Identity>>()
    .get(
      "/:id/state",
      operation({ tag, summary: "Read the state", query: stateQuery, answers: { 200: "The state" } }),
      async (c) => {
        const thread = await access.own(c.req.param("id"), c.var.session.data.userId);
        return json(c, await show(thread, {}, c.var.query));
      },
    )

    .get(
      "/:id/state/:checkpoint",
      operation({ tag, summary: "Read the state at a checkpoint", query: stateQuery, answers: { 200: "The state" } }),
      async (c) => {
        const thread = await access.own(c.req.param("id"), c.var.session.data.userId);
        return json(c, await show(thread, { checkpoint_id: c.req.param("checkpoint") }, c.var.query));
      },
    )

    .post(
      "/:id/state/checkpoint",
      operation({
        tag,
        summary: "Read the state at a checkpoint",
        body: checkpointBody,
        answers: { 200: "The state" },
      }),
      async (c) => {
        const thread = await access.own(c.req.param("id"), c.var.session.data.userId);
        return json(c, await show(thread, named(thread, c.var.body.checkpoint), c.var.body));
      },
    )

    .post(
      "/:id/state",
      operation({ tag, summary: "Change the state", body: updateBody, answers: { 200: "The new checkpoint" } }),
      async (c) => {
        const thread = await access.own(c.req.param("id"), c.var.session.data.userId);
        const graph = await access.graphOf(thread);
        if (!graph)
          throw new TenureError({
            tag: "invalid-input",
            issues: ["The thread has no graph: run one, or set metadata.graph_id"],
          });
        if (thread.inflight.length > 0) throw new TenureError({ tag: "state-locked", threadId: thread.id });
        const { values, as_node, checkpoint, checkpoint_id } = c.var.body;
        const from = { ...named(thread, checkpoint), ...(checkpoint_id && { checkpoint_id }) };
        const metadata = { graph_id: thread.metadata.graph_id, thread_id: thread.id };
        const put = await changeState(deps, access, thread, async (held) => {
          const config = access.configOf(held, from);
          await refuseAbsent(deps.checkpointer, config);
          return graph
            .updateState({ ...config, metadata }, (values ?? null) as never, as_node ?? undefined)
            .catch(asInvalid);
        });
        const { thread_id, checkpoint_ns = "", checkpoint_id: id } = put.configurable ?? {};
        return c.json({ checkpoint: { thread_id, checkpoint_ns, checkpoint_id: id } });
      },
    )

    .get(
      "/:id/history",
      operation({ tag, summary: "Read earlier states", query: historyQuery, answers: { 200: "States" } }),
      async (c) => {
        const thread = await access.own(c.req.param("id"), c.var.session.data.userId);
        return jsonList(c, history(thread, { ...c.var.query, select: undefined }), broken(thread));
      },
    )

    .post(
      "/:id/history",
      operation({ tag, summary: "Read earlier states", body: historyBody, answers: { 200: "States" } }),
      async (c) => {
        const thread = await access.own(c.req.param("id"), c.var.session.data.userId);
        checkSelect(c.var.body.select, FIELDS.state, "a state");
        return jsonList(c, history(thread, c.var.body), broken(thread));
      },
    );
}

/** The parts of a checkpoint that name it. */
interface Checkpoint {
  checkpoint_id?: string | undefined;
  checkpoint_ns?: string | undefined;
  checkpoint_map?: Record<string, unknown> | undefined;
}

/** The parts of the checkpoint that a request names. */
function named(thread: Thread, checkpoint: z.infer<typeof checkpointRequest> | null | undefined): Checkpoint {
  const { checkpoint_id, checkpoint_ns, checkpoint_map } = checkpointIn(thread.id, checkpoint) ?? {};
  return {
    ...(checkpoint_id && { checkpoint_id }),
    ...(checkpoint_ns && { checkpoint_ns }),
    ...(checkpoint_map && { checkpoint_map }),
  };
}

function beforeId(asked: z.infer<typeof before> | null | undefined): string | undefined {
  if (!asked) return undefined;
  if (typeof asked === "string") return asked;
  return "configurable" in asked ? asked.configurable.checkpoint_id : asked.checkpoint_id;
}
