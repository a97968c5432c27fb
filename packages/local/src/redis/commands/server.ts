import { ErrorReply, OK, type Reply, Status } from "../reply.ts";
import { type Command, type Commands, read, write } from "./command.ts";

const flush: Command = write(-1, (db, [mode]) => {
  if (mode !== undefined && !["SYNC", "ASYNC"].includes(mode.toUpperCase())) throw new ErrorReply("ERR syntax error");
  for (const key of db.keys()) db.delete(key);
  return OK;
});

export const server: Commands = {
  PING: read(-1, (_db, args): Reply => {
    if (args.length > 1) throw new ErrorReply("ERR wrong number of arguments for 'ping' command");
    return args[0] ?? new Status("PONG");
  }),
  PUBLISH: read(3, (db, [channel = "", message = ""]) => db.publish(channel, message)),
  ECHO: read(2, (_db, [text = ""]) => text),
  TIME: read(1, (db) => [String(Math.floor(db.time / 1000)), String((db.time % 1000) * 1000)]),
  // The two facts that are true of this engine, of all that INFO can be asked for.
  INFO: read(-1, () => "maxmemory_policy:noeviction\r\naof_enabled:1\r\n"),
  FLUSHDB: flush,
  FLUSHALL: flush,
};
