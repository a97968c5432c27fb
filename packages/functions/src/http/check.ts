/**
 * Checks of plain records of text, for the function that serves logins: Zod would be a third of what it loads. They have the verbs
 * of a Zod schema that core and `parse` use, so that either can be given. A field that is not named is left out.
 *
 * @example
 * const request = fields({ email: text({ max: 320 }) });
 * request.parse({ email: "ada@example.com", more: 1 }); // { email: "ada@example.com" }
 */

export interface Issue {
  path: PropertyKey[];
  message: string;
}

export type Checked<T> = { success: true; data: T } | { success: false; error: { issues: Issue[] } };

export interface Check<T> {
  safeParse(value: unknown): Checked<T>;
  /** As `safeParse`; throws an error that says what is wrong where. */
  parse(value: unknown): T;
}

/** The value that a check answers with. */
export type Of<C extends Check<unknown>> = ReturnType<C["parse"]>;

type Shape = Record<string, Check<unknown>>;

function checkOf<T>(safeParse: (value: unknown) => Checked<T>): Check<T> {
  return {
    safeParse,
    parse(value) {
      const checked = safeParse(value);
      if (checked.success) return checked.data;
      throw new Error(checked.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
    },
  };
}

const failed = (message: string, path: PropertyKey[] = []): Checked<never> => ({
  success: false,
  error: { issues: [{ path, message }] },
});

/** A text; `min` and `max` are numbers of UTF-16 units. */
export const text = ({ min = 0, max = Number.POSITIVE_INFINITY }: { min?: number; max?: number } = {}): Check<string> =>
  checkOf((value) => {
    if (typeof value !== "string") return failed(value === undefined ? "is missing" : "is not a text");
    if (value.length < min) return failed(min === 1 ? "is empty" : `has less than ${min} characters`);
    return value.length > max ? failed(`has more than ${max} characters`) : { success: true, data: value };
  });

/** This one value and no other. */
export const exactly = <T extends string | number | boolean>(wanted: T): Check<T> =>
  checkOf((value) => (value === wanted ? { success: true, data: wanted } : failed(`is not ${String(wanted)}`)));

/** Nothing, or what `check` takes. */
export const optional = <T>(check: Check<T>): Check<T | undefined> =>
  checkOf<T | undefined>((value) =>
    value === undefined ? { success: true, data: undefined } : check.safeParse(value),
  );

/** The answer of the first check that takes the value; the problems are those of the last one. */
export const either = <A, B>(first: Check<A>, second: Check<B>): Check<A | B> =>
  checkOf<A | B>((value) => {
    const found = first.safeParse(value);
    return found.success ? found : second.safeParse(value);
  });

/** The value as `change` makes it of what `check` takes; `change` answers undefined for what is refused, in the words of `problem`. */
export const changed = <T, U>(check: Check<T>, change: (value: T) => U | undefined, problem: string): Check<U> =>
  checkOf((value) => {
    const found = check.safeParse(value);
    if (!found.success) return found;
    const data = change(found.data);
    return data === undefined ? failed(problem) : { success: true, data };
  });

/** A record with these fields, each as its check takes it. */
export function fields<S extends Shape>(shape: S): Check<{ [Name in keyof S]: Of<S[Name]> }> {
  return checkOf((value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return failed("is not an object");
    const issues: Issue[] = [];
    const data: [string, unknown][] = [];
    for (const [name, check] of Object.entries(shape)) {
      const own: unknown = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
      const found = check.safeParse(own);
      if (!found.success)
        issues.push(...found.error.issues.map(({ path, message }) => ({ path: [name, ...path], message })));
      else if (found.data !== undefined) data.push([name, found.data]);
    }
    if (issues.length > 0) return { success: false, error: { issues } };
    return { success: true, data: Object.fromEntries(data) as { [Name in keyof S]: Of<S[Name]> } };
  });
}
