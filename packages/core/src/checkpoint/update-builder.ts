/** Puts an update of one item together, with a name for each attribute and each value. */
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

  /** The update is made only while the attribute has this value; undefined stands for none. */
  whereIs(attribute: string, value: unknown): void {
    const name = this.name(attribute);
    this.condition = value === undefined ? `attribute_not_exists(${name})` : `${name} = ${this.value(value)}`;
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
