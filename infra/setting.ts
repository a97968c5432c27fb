/** Settings of whoever deploys, from the environment. Empty is not set: a CI variable or a line `NAME=` has no other way to say so. */

export const setting = (name: string): string | undefined => process.env[name]?.trim() || undefined;

/** Reads a setting that is one of a few words; throws, with the list, at any other. */
export function choice<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
  const value = setting(name);
  const word = words.find((one) => one === value);
  if (value !== undefined && word === undefined) throw new Error(`${name}=${value}: use ${words.join(" or ")}.`);
  return word;
}

/** `1` for on, `0` or nothing for off. */
export const isOn = (name: string): boolean => choice(name, ["1", "0"]) === "1";

/** A whole number within bounds; throws, with the bounds, at anything else. */
export function wholeNumber(name: string, min: number, max: number): number | undefined {
  const value = setting(name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!Number.isInteger(number) || number < min || number > max)
    throw new Error(`${name}=${value}: use a whole number from ${min} to ${max}.`);
  return number;
}
