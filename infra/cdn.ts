/** CloudFront's caching of errors: none, since one user's error would be everybody's. See docs/decisions/012-front-door.md. */

/**
 * The statuses that CloudFront keeps for ten seconds when nothing is said of them, whatever `Cache-Control` says. Source:
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
 */
const statuses = [400, 403, 404, 405, 414, 500, 501, 502, 503, 504];

export const customErrorResponses = statuses.map((errorCode) => ({ errorCode, errorCachingMinTtl: 0 }));
