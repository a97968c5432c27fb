/** A stage that a program is for, and what the checks look for in the program. */
import { expect } from "vitest";
import type { Program, Resource } from "../program.ts";

export interface Stage {
  name: string;
  isProduction: boolean;
  isShared: boolean;
  /** The SES identity, and whether this stage makes it. */
  identity: string;
  isOwner: boolean;
  /** The site's domain. */
  domain?: string;
  /** No entry is made for it. */
  isDnsElsewhere?: boolean;
  /** The values that no configuration may show. */
  secrets: string[];
  /** The one provider whose package is wanted. */
  provider?: string;
}

/** Throws when what it is named for does not hold. */
export type Checks = Record<string, (program: Program, stage: Stage) => void | Promise<void>>;

export const FUNCTIONS = ["Auth", "Api", "Worker"] as const;

/** By the end of the type's name. */
export const all = ({ resources }: Program, type: string): Resource[] =>
  resources.filter((one) => one.type.endsWith(type));

export function only(program: Program, type: string, name?: string): Resource {
  const found = all(program, type).filter((one) => name === undefined || one.name === name);
  expect(found, `${type} ${name ?? ""}`).toHaveLength(1);
  return found[0] as Resource;
}

export const functionOf = (program: Program, name: string): Resource =>
  only(program, "lambda/function:Function", `${name}Function`);
