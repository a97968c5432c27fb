/**
 * Damage of stored records. A list goes on past a record that cannot be read, and shows what is left of it in its place:
 * each field is read by itself, and the record's `damage` says which were lost and what its owner can do.
 */
export interface Damage {
  /** Names the record, and the fields that cannot be read. */
  what: string;
  /** Tells its owner what to do, in a sentence or two. */
  advice: string;
}

export type Json = Record<string, unknown>;

/** The furthest instant that JavaScript's dates have, in milliseconds from the epoch. */
const MAX_INSTANT = 8.64e15;

/** Reads the fields of one stored record; each that is not as it was written is noted, and its fallback stands for it. */
export class Fields {
  private readonly stored: Readonly<Json>;
  private readonly lost: string[] = [];

  constructor(stored: Readonly<Json>) {
    this.stored = stored;
  }

  text(name: string, fallback = ""): string {
    const value = this.stored[name];
    return typeof value === "string" ? value : this.lose(name, fallback);
  }

  oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    const value = values.find((one) => one === this.stored[name]);
    return value ?? this.lose(name, fallback);
  }

  count(name: string, fallback = 0): number {
    const value = this.stored[name];
    return Number.isSafeInteger(value) ? (value as number) : this.lose(name, fallback);
  }

  /** Epoch milliseconds. */
  instant(name: string, fallback = 0): number {
    const value = this.stored[name];
    const isInstant = typeof value === "number" && Math.abs(value) <= MAX_INSTANT;
    return isInstant ? value : this.lose(name, Math.abs(fallback) <= MAX_INSTANT ? fallback : 0);
  }

  /** A field that holds JSON, if it is of the right shape. */
  json<T>(name: string, isRight: (value: unknown) => boolean, fallback: T): T {
    const value = this.stored[name];
    const parsed = typeof value === "string" ? parse(value) : undefined;
    return parsed !== undefined && isRight(parsed) ? (parsed as T) : this.lose(name, fallback);
  }

  lose<T>(name: string, fallback: T): T {
    this.lost.push(name);
    return fallback;
  }

  /** The damage of a record; nothing when it is whole. */
  damage(record: string, advice: string): { damage?: Damage | undefined } {
    return this.lost.length > 0 ? { damage: { what: `${record} (${this.lost.join(", ")})`, advice } } : {};
  }
}

/** Undefined when it is no JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
