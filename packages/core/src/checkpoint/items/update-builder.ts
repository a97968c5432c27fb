/** Updates of one item, put together with a name for each attribute and each value. */
import type { Chunked } from "./chunks.ts";

export class UpdateBuilder {
  readonly names: Record<string, string> = {};
  readonly values: Record<string, unknown> = {};
  private readonly sets: string[] = [];
  private readonly removes: string[] = [];
  private readonly conditions: string[] = [];

  constructor(values: Map<string, unknown>) {
    for (const [attribute, value] of values) this.set(attribute, value);
  }

  get expression(): string {
    return `SET ${this.sets.join(", ")}${this.removes.length > 0 ? ` REMOVE ${this.removes.join(", ")}` : ""}`;
  }

  /** Undefined when the update is made whatever the item is. */
  get condition(): string | undefined {
    return this.conditions.length > 0 ? this.conditions.join(" AND ") : undefined;
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
  whereIs(attribute: string, value: Chunked | undefined): void {
    const name = this.name(attribute);
    if (value === undefined) this.conditions.push(`attribute_not_exists(${name})`);
    else if (value instanceof Uint8Array) this.conditions.push(`${name} = ${this.value(value)}`);
    else this.conditions.push(`${name}.${this.name("id")} = ${this.value(value.id)}`);
  }

  /** The update is made only while the attribute is no higher than this number, or not there; then it is set to it. */
  raise(attribute: string, number: number): void {
    const [name, value] = [this.name(attribute), this.value(number)];
    this.sets.push(`${name} = ${value}`);
    this.conditions.push(`(attribute_not_exists(${name}) OR ${name} <= ${value})`);
  }

  /** The update is made only while the attribute is a list that has this text at that index. */
  whereAt(attribute: string, index: number, text: string): void {
    this.conditions.push(`${this.name(attribute)}[${index}] = ${this.value(text)}`);
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
