/** Panels that show values of several runs: which there are, as a link has them, and which there should be at first. */
import { isSystem, keyMetrics } from './run'
import { isNumeric } from './scale'

export type PanelKind = 'parallel' | 'scatter' | 'bars' | 'box'

export interface PanelSpec {
  kind: PanelKind
  /** `params.lr`, `metrics.acc`: axes of a parallel plot; x and y of a scatter; the value of bars; the value and the group of boxes. */
  columns: string[]
}

export interface ColumnInfo {
  /** `params.lr`, `metrics.acc`, `tags.kind`. */
  name: string
  runs: number
  distinct: number
  numeric: boolean
}

export const KINDS: readonly { kind: PanelKind; word: string }[] = [
  { kind: 'parallel', word: 'Parallel coordinates' },
  { kind: 'scatter', word: 'Scatter' },
  { kind: 'bars', word: 'Bars' },
  { kind: 'box', word: 'Box plot' },
]

/** `scatter:params.lr,metrics.acc;bars:metrics.acc` */
export function panelsFrom(text: string): PanelSpec[] {
  return text.split(';').flatMap((part) => {
    const [kind, columns = ''] = part.split(':')
    const known = KINDS.find((one) => one.kind === kind)
    return known ? [{ kind: known.kind, columns: columns.split(',').filter((name) => name !== '').map(decoded) }] : []
  })
}

export function panelsText(panels: readonly PanelSpec[]): string {
  return panels.map(({ kind, columns }) => `${kind}:${columns.map((name) => name.replace(/[,;:%]/g, encodeURIComponent)).join(',')}`).join(';')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Without its kind: `lr` of `params.lr`. */
export function plainName(column: string): string {
  return column.slice(column.indexOf('.') + 1)
}

const MOST_AXES = 7
const MOST_CATEGORIES = 24

/** What tells runs apart: params with several values, but no names and numbers that each run has its own of. */
export function varying(columns: readonly ColumnInfo[], runs: number): ColumnInfo[] {
  return columns.filter(
    ({ name, distinct, numeric, runs: having }) =>
      name.startsWith('params.') && distinct > 1 && having * 2 >= runs && (numeric || distinct <= MOST_CATEGORIES) && !(distinct === runs && runs > 5 && /(^|[._])(seed|id|index|name|run)$/.test(name)),
  )
}

/** The metric that most of the runs have. */
export function mainMetric(columns: readonly ColumnInfo[]): string | undefined {
  const metrics = columns.filter(({ name }) => name.startsWith('metrics.') && !isSystem(plainName(name)))
  const most = Math.max(...metrics.map((column) => column.runs))
  const [key] = keyMetrics(metrics.filter((column) => column.runs === most).map((column) => plainName(column.name)), undefined)
  return key === undefined ? undefined : `metrics.${key}`
}

/** A parallel plot where runs are a sweep: several of them, with params that vary, and something that came of it. */
export function firstPanels(columns: readonly ColumnInfo[], runs: number): PanelSpec[] {
  const axes = varying(columns, runs).slice(0, MOST_AXES).map((column) => column.name)
  const metric = mainMetric(columns)
  return runs >= 3 && axes.length >= 2 && metric ? [{ kind: 'parallel', columns: [...axes, metric] }] : []
}

/** The panels that a link has; without any word of them, the first ones. */
export function shownPanels(text: string | undefined, columns: readonly ColumnInfo[], runs: number): PanelSpec[] {
  return text === undefined ? firstPanels(columns, runs) : panelsFrom(text)
}

/** A new panel, with what is likely wanted. */
export function newPanel(kind: PanelKind, columns: readonly ColumnInfo[], runs: number): PanelSpec {
  const metrics = columns.filter(({ name }) => name.startsWith('metrics.')).map((column) => column.name)
  const metric = mainMetric(columns) ?? metrics[0] ?? columns[0]?.name ?? ''
  const params = varying(columns, runs).map((column) => column.name)
  const second = params[0] ?? metrics.find((name) => name !== metric) ?? metric
  switch (kind) {
    case 'parallel':
      return { kind, columns: [...params.slice(0, MOST_AXES), metric] }
    case 'scatter':
      return { kind, columns: [second, metric] }
    case 'bars':
      return { kind, columns: [metric] }
    case 'box':
      return { kind, columns: [metric, columns.filter((c) => params.includes(c.name)).sort((a, b) => a.distinct - b.distinct)[0]?.name ?? second] }
  }
}

/** What a run has under its columns: numbers for metrics, texts for params and tags. */
export interface Valued {
  metrics: ReadonlyMap<string, { value: number }>
  params: readonly { key: string; value: string }[]
  tags: readonly { key: string; value: string }[]
}

/** The columns of runs that are at hand, and their values. */
export function valuesOf(runs: readonly Valued[]): { columns: ColumnInfo[]; of: (column: string) => (number | string | undefined)[] } {
  const found = new Map<string, (number | string | undefined)[]>()
  runs.forEach((run, i) => {
    const put = (name: string, value: number | string) => {
      const list = found.get(name) ?? new Array<number | string | undefined>(runs.length).fill(undefined)
      list[i] = value
      found.set(name, list)
    }
    for (const { key, value } of run.params) put(`params.${key}`, value)
    for (const [key, { value }] of run.metrics) put(`metrics.${key}`, value)
    for (const { key, value } of run.tags) if (!key.startsWith('mlflow.')) put(`tags.${key}`, value)
  })
  const columns = [...found].map(([name, values]) => {
    const known = values.filter((value) => value !== undefined)
    return { name, runs: known.length, distinct: new Set(known).size, numeric: isNumeric(values) }
  })
  const nothing = new Array<undefined>(runs.length).fill(undefined)
  return { columns: columns.sort((a, b) => NATURAL.compare(a.name, b.name)), of: (column) => found.get(column) ?? nothing }
}

const NATURAL = new Intl.Collator('en', { numeric: true })
