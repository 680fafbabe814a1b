/** What was measured of a logged model. */
import { number, type Spelled } from './format'

export interface RawMetric {
  key?: string
  value: Spelled
  step?: number
  dataset_name?: string
  dataset_digest?: string
  run_id?: string
}

export interface Measure {
  key: string
  /** Empty where that is not known. */
  dataset: string
  digest: string
  value: number
  step: number
  run: string
}

/** The last value of each metric on each dataset. Where something was measured on datasets, only that counts; the system's never does. */
export function measuredOf(metrics: readonly RawMetric[]): Measure[] {
  const last = new Map<string, Measure>()
  const known = metrics.some((metric) => metric.dataset_name)
  for (const metric of metrics) {
    const { key = '', dataset_name: dataset = '', dataset_digest: digest = '', step = 0, run_id: run = '' } = metric
    if (key.startsWith('system/') || (known && !dataset)) continue
    const id = `${key}\0${dataset}\0${digest}`
    const before = last.get(id)
    if (!before || before.step <= step) last.set(id, { key, dataset, digest, value: number(metric.value) ?? NaN, step, run })
  }
  return [...last.values()].sort((a, b) => a.key.localeCompare(b.key) || a.dataset.localeCompare(b.dataset) || a.digest.localeCompare(b.digest))
}

export interface Pivot {
  datasets: { name: string; digest: string }[]
  rows: { key: string; values: (Measure | undefined)[] }[]
}

/** A row a metric, a column a dataset. */
export function byDataset(measures: readonly Measure[]): Pivot {
  const datasets = new Map<string, { name: string; digest: string }>()
  for (const { dataset, digest } of measures) datasets.set(`${dataset}\0${digest}`, { name: dataset, digest })
  const columns = [...datasets.keys()].sort()
  const keys = [...new Set(measures.map((one) => one.key))]
  return {
    datasets: columns.flatMap((id) => datasets.get(id) ?? []),
    rows: keys.map((key) => ({ key, values: columns.map((id) => measures.find((one) => one.key === key && `${one.dataset}\0${one.digest}` === id)) })),
  }
}
