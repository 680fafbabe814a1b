/** Runs beside one another: what they have, a row each, and what of it differs. */
import { lowerIsBetter } from './goal'
import { leaves } from './params'
import { isSystem, type Run } from './run'

export interface TextRow {
  key: string
  /** A value for each run; undefined where it has none. */
  values: (string | undefined)[]
  differs: boolean
  /** Whether a value is another than the baseline's or, without one, than that of most runs. */
  odd: boolean[]
}

export interface NumberRow {
  key: string
  values: (number | undefined)[]
  differs: boolean
  /** Whether a value is the best of all. Nothing is, if all are the same. */
  best: boolean[]
  /** How far a value is from the baseline's, as a share of it; undefined where that says nothing. */
  change: (number | undefined)[]
  lower: boolean
}

/** Params of runs by single values: nested settings are taken apart. */
export function paramRows(runs: readonly Run[], baseline?: number): TextRow[] {
  return textRows(runs.map((run) => leaves(run.params)), baseline)
}

/** Tags, without MLflow's own. */
export function tagRows(runs: readonly Run[], baseline?: number): TextRow[] {
  const shown = (run: Run) => run.tags.filter((tag) => !tag.key.startsWith('mlflow.')).map((tag): [string, string] => [tag.key, tag.value])
  return textRows(runs.map((run) => new Map(shown(run))), baseline)
}

/** Digests of datasets, by what they were used for and their names. */
export function datasetRows(runs: readonly Run[], baseline?: number): TextRow[] {
  return textRows(
    runs.map((run) => {
      const found = new Map<string, string>()
      for (const { name, digest, context } of run.datasets) {
        const key = context ? `${name} (${context})` : name
        found.set(key, found.has(key) ? `${found.get(key)}, ${digest}` : digest)
      }
      return found
    }),
    baseline,
  )
}

function textRows(columns: readonly ReadonlyMap<string, string>[], baseline?: number): TextRow[] {
  return keysOf(columns).map((key) => {
    const values = columns.map((column) => column.get(key))
    const usual = baseline === undefined ? mostFrequent(values) : { value: values[baseline] }
    return { key, values, differs: values.some((value) => value !== values[0]), odd: values.map((value) => usual !== undefined && value !== usual.value) }
  })
}

function keysOf(columns: readonly ReadonlyMap<string, unknown>[]): string[] {
  return [...new Set(columns.flatMap((column) => [...column.keys()]))].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

/** The value of more than half; undefined if there is none. */
function mostFrequent<T>(values: readonly T[]): { value: T } | undefined {
  const counts = new Map<T, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const [first] = [...counts].sort((a, b) => b[1] - a[1])
  return first && first[1] * 2 > values.length ? { value: first[0] } : undefined
}

/**
 * Last values of metrics, those of the system last.
 *
 * @param lower Which way a metric is better: what is known of it, else by its name.
 */
export function metricRows(runs: readonly Run[], baseline?: number, lower: (key: string) => boolean = lowerIsBetter): NumberRow[] {
  const keys = keysOf(runs.map((run) => run.metrics)).sort((a, b) => Number(isSystem(a)) - Number(isSystem(b)))
  return keys.map((key) => {
    const values = runs.map((run) => run.metrics.get(key)?.value)
    const known = values.filter((value): value is number => value !== undefined && !Number.isNaN(value))
    const down = lower(key)
    const best = down ? Math.min(...known) : Math.max(...known)
    const base = baseline === undefined ? undefined : values[baseline]
    const differs = values.some((value) => !Object.is(value, values[0]))
    const alike = known.every((value) => value === known[0])
    return {
      key,
      values,
      differs,
      best: values.map((value) => !alike && !isSystem(key) && value === best),
      change: values.map((value, i) => (i === baseline ? undefined : changeOf(value, base))),
      lower: down,
    }
  })
}

function changeOf(value: number | undefined, base: number | undefined): number | undefined {
  if (value === undefined || base === undefined || base === 0) return undefined
  const change = (value - base) / Math.abs(base)
  return Number.isFinite(change) ? change : undefined
}

/** A change as a text: +3.2%, −40%, ×12. */
export function changeText(change: number): string {
  const size = Math.abs(change)
  if (size < 0.0005) return size === 0 ? '=' : change > 0 ? '+0%' : '−0%'
  if (change > 9) return `×${Number((change + 1).toPrecision(2))}`
  const percent = size * 100
  return `${change > 0 ? '+' : '−'}${percent < 10 ? percent.toFixed(1) : Math.round(percent)}%`
}

/** Metrics that at least two of the runs have, then the others; those of the system last. */
export function chartedMetrics(runs: readonly Run[]): string[] {
  const counts = new Map<string, number>()
  for (const run of runs) for (const key of run.metrics.keys()) counts.set(key, (counts.get(key) ?? 0) + 1)
  const weight = (key: string) => (isSystem(key) ? 2 : runs.length > 1 && counts.get(key) === 1 ? 1 : 0)
  return [...counts.keys()].sort((a, b) => weight(a) - weight(b) || a.localeCompare(b, 'en', { numeric: true }))
}
