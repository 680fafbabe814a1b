/** What versions of a model were measured with: the metrics and params of their runs and logged models, as columns. */

/** One value of a metric of a version. */
export interface Value {
  key: string
  /** The dataset that it was measured on, if that is known. */
  dataset: string
  digest: string
  value: number
  step: number
  /** Whether it is the logged model's or the run's. */
  of: 'model' | 'run'
}

export interface Measured {
  version: string
  /** By the ids of columns. */
  values: ReadonlyMap<string, Value>
  params: ReadonlyMap<string, string>
}

export interface RawMetric {
  key?: string
  value: number | 'NaN' | 'Infinity' | '-Infinity'
  step?: number
  dataset_name?: string
  dataset_digest?: string
}

export interface RawPair {
  key?: string
  value?: string
}

export interface Logged {
  metrics?: readonly RawMetric[]
  params?: readonly RawPair[]
}

/**
 * What a version was measured with. Metrics of its logged model stand in the place of its run's; where they were
 * measured on several datasets, each is a column of its own.
 */
export function measured(version: string, run: Logged | undefined, model: Logged | undefined): Measured {
  const values = new Map<string, Value>()
  const own = new Set(model?.metrics?.map((m) => m.key))
  for (const metric of run?.metrics ?? []) if (!own.has(metric.key)) take(values, metric, 'run')
  for (const metric of model?.metrics ?? []) take(values, metric, 'model')
  const params = new Map<string, string>()
  for (const { key = '', value = '' } of [...(run?.params ?? []), ...(model?.params ?? [])]) params.set(key, value)
  return { version, values, params }
}

function take(values: Map<string, Value>, metric: RawMetric, of: 'model' | 'run'): void {
  const key = metric.key ?? ''
  if (key.startsWith('system/')) return // says something of the machine, not of the model
  const dataset = metric.dataset_name ?? ''
  const id = columnId(key, dataset)
  const step = metric.step ?? 0
  const before = values.get(id)
  if (before && before.step > step) return
  values.set(id, { key, dataset, digest: metric.dataset_digest ?? '', value: Number(metric.value), step, of })
}

export function columnId(key: string, dataset: string): string {
  return dataset ? `${key} on ${dataset}` : key
}

export interface Column {
  id: string
  key: string
  dataset: string
  /** Whether the values are not all the same: what is missing differs too. */
  differs: boolean
  /** Whether the dataset's content was not the same for all: then values should not be compared. */
  mixed: boolean
}

/** Every metric that one of the versions has: by name, then by dataset. */
export function metricColumns(all: readonly Measured[]): Column[] {
  const found = new Map<string, Value[]>()
  for (const { values } of all) {
    for (const [id, value] of values) {
      const list = found.get(id)
      if (list) list.push(value)
      else found.set(id, [value])
    }
  }
  const columns = [...found].map(([id, list]) => {
    const [first] = list
    return {
      id,
      key: first?.key ?? id,
      dataset: first?.dataset ?? '',
      differs: list.length < all.length || new Set(list.map((v) => String(v.value))).size > 1,
      mixed: new Set(list.map((v) => v.digest)).size > 1,
    }
  })
  return columns.sort((a, b) => a.key.localeCompare(b.key) || a.dataset.localeCompare(b.dataset))
}

export interface ParamColumn {
  id: string
  differs: boolean
}

export function paramColumns(all: readonly Measured[]): ParamColumn[] {
  const keys = [...new Set(all.flatMap(({ params }) => [...params.keys()]))].sort()
  return keys.map((id) => ({ id, differs: new Set(all.map(({ params }) => params.get(id))).size > 1 }))
}

/**
 * The metric to show for a version where there is room for one: the one that the experiment names; else one that was
 * measured on a dataset, of test data if there is a choice; else the one that most runs of the experiment have.
 */
export function mainValue(values: ReadonlyMap<string, Value>, named: string | undefined, usual: string | undefined): Value | undefined {
  const all = [...values.values()]
  const of = (key: string | undefined) => all.filter((v) => key !== undefined && v.key === key)
  const some = [of(named), all.filter((v) => v.dataset !== ''), of(usual), all].find((list) => list.length > 0) ?? []
  return some.find((v) => /test|eval|valid/i.test(v.dataset)) ?? some[0]
}

/** The best values of a column; none where all are the same, or only one is there. */
export function best(all: readonly Measured[], id: string, lower: boolean): ReadonlySet<string> {
  const values = all.flatMap(({ version, values: of }) => {
    const value = of.get(id)?.value
    return value === undefined || Number.isNaN(value) ? [] : [{ version, value }]
  })
  const numbers = values.map(({ value }) => value)
  const top = lower ? Math.min(...numbers) : Math.max(...numbers)
  if (values.length < 2 || numbers.every((value) => value === top)) return new Set()
  return new Set(values.filter(({ value }) => value === top).map(({ version }) => version))
}

/** How far a value is from a baseline: "+2.2%", "−0.5%"; the difference itself where the baseline is 0. Empty if there is none. */
export function away(value: number | undefined, base: number | undefined): string {
  if (value === undefined || base === undefined || !Number.isFinite(value) || !Number.isFinite(base) || value === base) return ''
  const by = base === 0 ? value : ((value - base) / Math.abs(base)) * 100
  const size = Math.abs(by)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2
  const text = size >= 1e4 ? size.toExponential(1) : size < 0.005 ? Number(size.toPrecision(1)).toString() : size.toFixed(digits).replace(/\.0*$|(\.\d*?)0+$/, '$1')
  return `${by < 0 ? '−' : '+'}${text || '0'}${base === 0 ? '' : '%'}`
}
