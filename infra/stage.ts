/** The differences between stages, in one place. A stage is production, staging, or a developer's own. */
import { isOn } from "./setting";

export const isProduction = $app.stage === "production";
/** Staging is as production is, but for what makes it hard to remove. */
export const isShared = isProduction || $app.stage === "staging";

export const logRetention = isProduction ? "6 months" : isShared ? "1 month" : "1 week";
/** X-Ray: `TENURE_TRACING=1`. */
export const isTraced = isOn("TENURE_TRACING");
