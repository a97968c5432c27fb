/** The program's command line: its commands, what each takes, and the help. A mistake is one line, and exit code 2. */
import { parseArgs } from "node:util";

/** A command line that cannot be understood, or that was not confirmed. */
export class UsageError extends Error {}

export interface Command {
  /** The call: `npm run thread -- <id>`. */
  call: string;
  does: string;
  /** Names of flags that it takes, and what they do. */
  flags?: Record<string, string>;
  /** Names of what has to follow it; the last one may come again where it ends in `…`. */
  takes?: string[];
  run(given: Given): Promise<void> | void;
}

export interface Given {
  flags: Set<string>;
  words: string[];
}

/** The command of a command line, with what it was given; undefined where the help was asked for, and has been printed. */
export function readCommand(
  args: string[],
  commands: Record<string, Command>,
  print: (line: string) => void,
): { command: Command; given: Given } | undefined {
  const isNamed = args[0] !== undefined && !args[0].startsWith("-");
  const [name = "start", ...rest] = isNamed ? args : ["start", ...args];
  if (name === "help" || (!isNamed && isHelp(rest))) {
    for (const line of overview(commands)) print(line);
    return undefined;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command)
    throw new UsageError(`there is no command ${name}: there are ${Object.keys(commands).join(", ")}, and --help`);
  if (isHelp(rest)) {
    for (const line of usage(command)) print(line);
    return undefined;
  }
  const { flags = {}, takes = [] } = command;
  const options = Object.fromEntries(Object.keys(flags).map((flag) => [flag.slice(2), { type: "boolean" as const }]));
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: rest, options, allowPositionals: true });
  } catch (error) {
    const [, unknown = (error as Error).message] = /'([^']+)'/.exec((error as Error).message) ?? [];
    throw new UsageError(`${command.call} does not take ${unknown}: see --help`);
  }
  const { values, positionals: words } = parsed;
  const missing = takes[words.length];
  if (missing) throw new UsageError(`name ${missing.replace(/ …$/, "")}: ${command.call}`);
  const extra = takes.at(-1)?.endsWith("…") ? undefined : words[takes.length];
  if (extra !== undefined) throw new UsageError(`${command.call} does not take ${extra}: see --help`);
  return { command, given: { flags: new Set(Object.keys(values).map((flag) => `--${flag}`)), words } };
}

const isHelp = (args: string[]): boolean => args.includes("--help") || args.includes("-h");

function overview(commands: Record<string, Command>): string[] {
  const width = Math.max(...Object.values(commands).map(({ call }) => call.length));
  return [
    "Tenure on this machine. Settings are environment variables: docs/settings.md.",
    "",
    ...Object.values(commands).map(({ call, does }) => `  ${call.padEnd(width)}  ${does}`),
    "",
    "Each says more with --help after it: npm run reset -- --help",
  ];
}

function usage({ call, does, flags = {} }: Command): string[] {
  const width = Math.max(0, ...Object.keys(flags).map(({ length }) => length));
  return [call, `  ${does}`, ...Object.entries(flags).map(([flag, what]) => `  ${flag.padEnd(width)}  ${what}`)];
}
