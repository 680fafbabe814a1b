/** Columns of the table of runs: which there are, which are shown first, and how links spell them. */
import { listOf, listText } from '../route'
import { keyText } from './filter'
import type { Spelled } from './format'
import { lowerIsBetter } from './goal'
import type { Column } from './table'

export interface MetricKey {
  key: string
  runs: number
  distinct: number
  min?: Spelled
  max?: Spelled
}

export interface TextKey {
  key: string
  runs: number
  distinct: number
  values?: string[]
  numeric: boolean
}

/** What `ui/runs/columns` answers. */
export interface Keys {
  runs: number
  metrics: MetricKey[]
  params: TextKey[]
  tags: TextKey[]
}

export const NO_KEYS: Keys = { runs: 0, metrics: [], params: [], tags: [] }

export const METRIC_KINDS = ['metrics', 'min', 'max', 'best', 'step'] as const
export type MetricKind = (typeof METRIC_KINDS)[number]
export type Kind = 'fact' | MetricKind | 'params' | 'tags'

/** How the kinds are called, beside a metric's name. */
export const KIND_WORDS: Readonly<Record<MetricKind, string>> = { metrics: 'last', min: 'min', max: 'max', best: 'best', step: 'step' }

/** A column as a link has it. */
export interface Spec {
  id: string
  pin?: boolean
  shade?: 'bar' | 'heat'
}

export interface RunColumn extends Column {
  kind: Kind
  /** Of the metric, param or tag; of a fact, its name. */
  key: string
}

interface Fact {
  id: string
  label: string
  width: number
  /** What orders by it, where the server can. */
  order?: string
  down?: boolean
  align?: 'end'
  rich?: boolean
  title?: string
  /** What to ask the server for, besides what it always says of a run. */
  asks?: string
}

const FACTS: readonly Fact[] = [
  { id: 'state', label: 'State', width: 56, order: 'status' },
  { id: 'name', label: 'Name', width: 270, order: 'run_name', rich: true },
  { id: 'created', label: 'Created', width: 100, order: 'start_time', down: true },
  { id: 'ended', label: 'Ended', width: 100, order: 'end_time', down: true },
  { id: 'duration', label: 'Duration', width: 92, down: true, align: 'end' },
  { id: 'user', label: 'User', width: 100, order: 'user_id' },
  { id: 'source', label: 'Source', width: 140, order: 'tags.`mlflow.source.name`', asks: 'tags.mlflow.source.name' },
  { id: 'commit', label: 'Commit', width: 90, order: 'tags.`mlflow.source.git.commit`', asks: 'tags.mlflow.source.git.commit', title: 'Git commit of the source' },
  { id: 'datasets', label: 'Datasets', width: 160, asks: 'datasets' },
  { id: 'models', label: 'Models', width: 76, align: 'end', asks: 'models', down: true, title: 'Logged models' },
  { id: 'children', label: 'Children', width: 80, align: 'end', asks: 'children', down: true, title: 'Runs right below it' },
  { id: 'experiment', label: 'Experiment', width: 160 },
  { id: 'id', label: 'Run id', width: 250, order: 'run_id' },
]

/** Columns of what every run has. */
export const FACT_COLUMNS: readonly { id: string; label: string }[] = FACTS

const FIRST_FACTS = ['state', 'name', 'created', 'duration']
const MOST_OF_A_KIND = 16
/** Values longer than this say little in a table: they are left for who asks. */
const LONG = 60

/** The columns to begin with: facts, then the metrics and params that differ. */
export function firstColumns(keys: Keys, several: boolean): Spec[] {
  const facts = several ? [...FIRST_FACTS, 'experiment'] : FIRST_FACTS
  const metrics = telling(keys.metrics.filter(({ key }) => !key.startsWith('system/')), keys.runs)
  const params = telling(keys.params.filter(({ values }) => !values?.some((value) => value.length > LONG)), keys.runs)
  return [
    ...facts.map((id) => ({ id, pin: id === 'name' || id === 'state' })),
    ...metrics.map(({ key }) => ({ id: `metrics.${key}` })),
    ...params.map(({ key }) => ({ id: `params.${key}` })),
  ]
}

/** Whether the runs differ in it. */
export function differs(key: { runs: number; distinct: number }, runs: number): boolean {
  return runs < 2 || key.distinct > 1
}

function telling<K extends { key: string; runs: number; distinct: number }>(keys: readonly K[], runs: number): K[] {
  const common = Math.max(1, Math.min(runs, ...[Math.ceil(runs / 50)]))
  return keys
    .filter((key) => differs(key, runs) && key.runs >= common)
    .map((key, i) => ({ key, i }))
    .sort((a, b) => coverage(b.key.runs, runs) - coverage(a.key.runs, runs) || a.i - b.i)
    .slice(0, MOST_OF_A_KIND)
    .map(({ key }) => key)
}

/** How common a key is, in a few steps, so that those of about the same sort by name. */
function coverage(some: number, all: number): number {
  return Math.round((4 * some) / Math.max(1, all))
}

/** `cols` of a link; undefined for the columns to begin with. */
export function columnsFrom(text: string | undefined): Spec[] | undefined {
  if (!text) return undefined
  const found = listOf(text).map((part): Spec => {
    let id = part
    const spec: Spec = { id }
    for (let cut = /;(pin|bar|heat)$/.exec(id); cut; cut = /;(pin|bar|heat)$/.exec(id)) {
      if (cut[1] === 'pin') spec.pin = true
      else spec.shade = cut[1] as 'bar' | 'heat'
      id = id.slice(0, cut.index)
    }
    return { ...spec, id }
  })
  const unique = found.filter((spec, i) => spec.id !== '' && found.findIndex((one) => one.id === spec.id) === i)
  return unique.length ? unique : undefined
}

export function columnsText(specs: readonly Spec[]): string {
  return listText(specs.map(({ id, pin, shade }) => `${id}${pin ? ';pin' : ''}${shade ? `;${shade}` : ''}`))
}

/** What a column id stands for. */
export function parsed(id: string): { kind: Kind; key: string } {
  const dot = id.indexOf('.')
  const prefix = dot < 0 ? '' : id.slice(0, dot)
  const kind = ([...METRIC_KINDS, 'params', 'tags'] as const).find((one) => one === prefix)
  return kind ? { kind, key: id.slice(dot + 1) } : { kind: 'fact', key: id }
}

/** The column of a spec; undefined if there is no such column. */
export function columnOf({ id, pin, shade }: Spec, keys: Keys, widths: Readonly<Record<string, number>>): RunColumn | undefined {
  const { kind, key } = parsed(id)
  const width = widths[id]
  if (kind === 'fact') {
    const fact = FACTS.find((one) => one.id === key)
    if (!fact) return undefined
    const { label, title, align, down, rich } = fact
    return { id, kind, key, label, title, align, down, rich, width: width ?? fact.width, sortable: id !== 'datasets', pinned: pin }
  }
  const numeric = kind !== 'params' && kind !== 'tags'
  const known = numeric ? undefined : keys[kind].find((one) => one.key === key)
  const align = numeric || known?.numeric ? ('end' as const) : undefined
  const note = numeric && kind !== 'metrics' ? KIND_WORDS[kind] : undefined
  const title = `${key}: ${numeric ? `metric, ${KIND_WORDS[kind]} ${kind === 'step' ? 'logged' : 'value'}` : kind === 'params' ? 'param' : 'tag'}`
  return {
    id, kind, key, label: key, note, title, align, shade, pinned: pin, sortable: true, down: numeric,
    width: width ?? fitting(key, note !== undefined, known),
  }
}

/** Wide enough for the name, and for the values as far as they are known. */
function fitting(key: string, noted: boolean, known: TextKey | undefined): number {
  const longest = Math.max(6, ...(known?.values ?? []).map((value) => value.length))
  const letters = Math.max(Math.min(key.length, 26) + (noted ? 5 : 0) + 3, Math.min(longest, 30) + 2)
  return Math.max(98, Math.min(240, Math.round(letters * 6.9 + 24)))
}

/** What to ask the server for, to show a column. */
export function asked({ kind, key }: { kind: Kind; key: string }): string | undefined {
  if (kind === 'fact') return FACTS.find((one) => one.id === key)?.asks
  if (kind === 'best') return `${lowerIsBetter(key) ? 'min' : 'max'}.${key}`
  return `${kind}.${key}`
}

/** What orders runs by a column on the server; undefined where it cannot. */
export function ordering({ kind, key }: { kind: Kind; key: string }, down: boolean): string | undefined {
  const direction = down ? 'DESC' : 'ASC'
  if (kind === 'fact') {
    const order = FACTS.find((one) => one.id === key)?.order
    if (!order) return undefined
    return `${order.startsWith('tags.') ? order : `attributes.${order}`} ${direction}`
  }
  if (kind !== 'metrics' && kind !== 'params' && kind !== 'tags') return undefined
  return `${keyText(kind, key)} ${direction}`
}

/** Keys by what is before their first slash or dot; those that are alone stay without a group. */
export function grouped<K extends { key: string }>(keys: readonly K[]): { name: string; keys: K[] }[] {
  const groups = new Map<string, K[]>()
  for (const one of keys) {
    const name = /^[^/.]+(?=[/.])/.exec(one.key)?.[0] ?? ''
    const group = groups.get(name)
    if (group) group.push(one)
    else groups.set(name, [one])
  }
  const alone = [...groups].flatMap(([name, list]) => (name === '' || list.length === 1 ? list : []))
  const rest = [...groups].filter(([name, list]) => name !== '' && list.length > 1).map(([name, list]) => ({ name, keys: list }))
  const byKey = (a: K, b: K) => (a.key < b.key ? -1 : 1)
  return [...(alone.length ? [{ name: '', keys: alone.sort(byKey) }] : []), ...rest]
}
