/** What differs from stage to stage, in one place. A stage is production, staging, or one of somebody's own. */
export const isProduction = $app.stage === "production";
/** Staging is as production is, but for what makes it hard to remove. */
export const isShared = isProduction || $app.stage === "staging";

/** `TENURE_DOMAIN=app.example.com`: production is there, staging at staging.app.example.com. */
const given = process.env.TENURE_DOMAIN;
export const domain = given && isShared ? (isProduction ? given : `${$app.stage}.${given}`) : undefined;

export const logRetention = isProduction ? "6 months" : isShared ? "1 month" : "1 week";
/** X-Ray: `TENURE_TRACING=1`. */
export const isTraced = Boolean(process.env.TENURE_TRACING);
