/**
 * In place of `@aws-sdk/credential-provider-node` in a function's bundle (infra/function.ts): Lambda gives a function its
 * credentials in the environment, and the other eight ways to get some are a tenth of what it would load.
 */
import { fromEnv } from "@aws-sdk/credential-provider-env";

export const defaultProvider = () => fromEnv();
