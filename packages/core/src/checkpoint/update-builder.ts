/** Updates of one item, put together with a name for each attribute and each value. */
import type { Blob } from "./blobs.ts";

export class UpdateBuilder {
  condition?: string;
  readonly names: Record<string, string> = {};
  readonly values: Record<string, unknown> = {};
  private readonly sets: string[] = [];
  private readonly removes: string[] = [];

  constructor(values: Map<string, unknown>) {
    for (const [attribute, value] of values) this.set(attribute, value);
  }

  get expression(): string {
    return `SET ${this.sets.join(", ")}${this.removes.length > 0 ? ` REMOVE ${this.removes.join(", ")}` : ""}`;
  }

  set(attribute: string, value: unknown): void {
    this.sets.push(`${this.name(attribute)} = ${this.value(value)}`);
  }

  setOnce(attribute: string, value: unknown): void {
    const name = this.name(attribute);
    this.sets.push(`${name} = if_not_exists(${name}, ${this.value(value)})`);
  }

  remove(attribute: string): void {
    this.removes.push(this.name(attribute));
  }

  /** The update is made only while the attribute has this value; undefined stands for none. To dynalite no two maps are equal. */
  whereIs(attribute: string, value: Blob | undefined): void {
    const name = this.name(attribute);
    if (value === undefined) this.condition = `attribute_not_exists(${name})`;
    else if (value instanceof Uint8Array) this.condition = `${name} = ${this.value(value)}`;
    else this.condition = `${name}.${this.name("id")} = ${this.value(value.id)}`;
  }

  private name(attribute: string): string {
    const name = `#${Object.keys(this.names).length}`;
    this.names[name] = attribute;
    return name;
  }

  private value(value: unknown): string {
    const name = `:${Object.keys(this.values).length}`;
    this.values[name] = value;
    return name;
  }
}
