/** Which way a metric is better, going by its name. */

const LOWER = /(^|[^a-z])(loss|err(or)?|mae|mse|rmse|mape|smape|rmsle|nll|perplexity|ppl|wer|cer|fid|kl|divergence|distance|latency|time|duration|seconds|ms|cost|regret|brier|fpr|fnr|ece|bce|gap|residual|energy|memory|size|deviance|hinge|entropy|log_?loss)([^a-z]|$)/

/** Whether a lower value is the better one: losses, errors, times. Everything else counts as higher is better. */
export function lowerIsBetter(key: string): boolean {
  return LOWER.test(key.toLowerCase().replace(/([a-z])([0-9])/g, '$1 $2'))
}
