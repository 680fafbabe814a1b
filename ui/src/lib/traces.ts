/** The table of traces: its columns, conditions and sessions, and the histograms above it. */
import { both, isFilter, TRACES, valueText } from './filter'
import type { Column, Sort } from './table'

export type TraceColumn = Column & {
  /** What the server orders by. */
  order?: string
}

const FACTS: readonly TraceColumn[] = [
  { id: 'name', label: 'Name', width: 190, pinned: true, rich: true, sortable: true, order: 'name' },
  { id: 'time', label: 'Time', width: 92, sortable: true, down: true, order: 'timestamp_ms' },
  { id: 'request', label: 'Input', width: 250 },
  { id: 'response', label: 'Output', width: 250 },
  { id: 'duration', label: 'Latency', width: 92, align: 'end', sortable: true, down: true, shade: 'bar', order: 'execution_time_ms' },
  { id: 'tokens', label: 'Tokens', width: 78, align: 'end' },
  { id: 'cost', label: 'Cost', width: 90, align: 'end' },
  { id: 'assessments', label: 'Assessments', width: 220, rich: true },
  { id: 'session', label: 'Session', width: 120, sortable: true, order: 'metadata.`mlflow.trace.session`' },
  { id: 'user', label: 'User', width: 100, sortable: true, order: 'metadata.`mlflow.trace.user`' },
  { id: 'tags', label: 'Tags', width: 170 },
  { id: 'run', label: 'Run', width: 90 },
  { id: 'id', label: 'Trace id', width: 290 },
]

const FIRST = ['name', 'time', 'request', 'response', 'duration', 'tokens', 'cost', 'assessments', 'session', 'user', 'tags']

/** All columns that there are, and whether each is shown. */
export function choices(chosen: string | undefined): { column: TraceColumn; shown: boolean }[] {
  const shown = new Set(shownOf(chosen))
  return FACTS.map((column) => ({ column, shown: shown.has(column.id) }))
}

function shownOf(chosen: string | undefined): readonly string[] {
  const given = (chosen ?? '').split(',').filter((id) => FACTS.some((one) => one.id === id))
  return given.length ? ['name', ...given.filter((id) => id !== 'name')] : FIRST
}

/** The columns that are shown, in order. */
export function columnsOf(chosen: string | undefined, widths: Readonly<Record<string, number>>): TraceColumn[] {
  return shownOf(chosen).flatMap((id) => FACTS.filter((one) => one.id === id)).map((column) => ({ ...column, width: widths[column.id] ?? column.width }))
}

/** What the link says of the columns; undefined for the usual ones. */
export function columnsText(ids: readonly string[]): string | undefined {
  const text = ids.join(',')
  return text === FIRST.join(',') ? undefined : text
}

/** The server's order. Nothing is said for the newest first. */
export function orderBy(sort: Sort): string[] {
  return sort.flatMap(({ id, down }) => {
    const order = FACTS.find((one) => one.id === id)?.order
    return order ? [`${order} ${down ? 'DESC' : 'ASC'}`] : []
  })
}

/** A part of something: from one number to another. */
export interface Range {
  from: number
  to: number
}

/** `100..900`, as the link has it. */
export function rangeFrom(text: string | undefined): Range | undefined {
  const found = /^(\d+)\.\.(\d+)$/.exec(text ?? '')
  const [from, to] = [Number(found?.[1]), Number(found?.[2])]
  return found && to > from ? { from, to } : undefined
}

export const rangeText = (range: Range | undefined): string | undefined => range && `${Math.round(range.from)}..${Math.round(range.to)}`

/** Where traces are looked for. */
export interface Scope {
  experiment: string
  run?: string
  model?: string
  session?: string
}

/** What is searched for, but for what is picked in the histograms. Words are looked for in all that spans say. */
export function filterOf(text: string, states: readonly string[], scope: Scope): string | undefined {
  const words = text.trim()
  return both(
    isFilter(words, TRACES) ? words : words === '' ? undefined : `trace.text ILIKE ${valueText(`%${words}%`)}`,
    states.length ? `status IN (${states.map((state) => valueText(state)).join(', ')})` : undefined,
    scope.run === undefined ? undefined : `run_id = ${valueText(scope.run)}`,
    scope.model === undefined ? undefined : `metadata.\`mlflow.modelId\` = ${valueText(scope.model)}`,
    scope.session === undefined ? undefined : `metadata.\`mlflow.trace.session\` = ${valueText(scope.session)}`,
  )
}

/** The same with the ranges that were picked; the upper end of a time is the beginning of the next bar. */
export function narrowed(filter: string | undefined, time: Range | undefined, latency: Range | undefined): string | undefined {
  return both(
    filter,
    time && `timestamp_ms >= ${time.from} AND timestamp_ms < ${time.to}`,
    latency && `execution_time_ms > ${latency.from} AND execution_time_ms <= ${latency.to}`,
  )
}

/** A line of the table: a trace, or a session with the place of its first trace. */
export interface Line {
  at: number
  session?: { name: string; traces: number; open: boolean }
}

export function linesOf(rows: number, sessions: readonly { name: string; traces: number }[] | undefined, toggled: ReadonlySet<string>): Line[] {
  if (!sessions) return Array.from({ length: rows }, (_, at) => ({ at }))
  const lines: Line[] = []
  let at = 0
  for (const { name, traces } of sessions) {
    const open = toggled.has(name)
    if (at < rows) lines.push({ at, session: { name, traces, open } })
    if (open) for (let i = at; i < Math.min(rows, at + traces); i++) lines.push({ at: i })
    at += traces
  }
  return lines
}

/** As the server counts: traces by when they began and how long they took. */
export interface Histogram {
  total: number
  start: number
  step: number
  bars: number
  durations: readonly number[]
  /** [bar, group of durations or -1, traces, those with errors] */
  cells: readonly (readonly number[])[]
}

export interface Bar extends Range {
  count: number
  errors: number
}

/** Bars of time, of the traces within a range of latency. */
export function volume(found: Histogram, latency: Range | undefined): Bar[] {
  const bars = Array.from({ length: found.bars }, (_, i): Bar => ({ from: found.start + i * found.step, to: found.start + (i + 1) * found.step, count: 0, errors: 0 }))
  for (const [bar = 0, group = -1, count = 0, errors = 0] of found.cells) {
    const one = bars[bar]
    if (!one || !isWithin(group, latency, found.durations)) continue
    one.count += count
    one.errors += errors
  }
  return bars
}

/** A histogram of latency has so many bars at least, or a single one would fill it. */
const LEAST = 6

/** Bars of latency, of the traces within a range of time; from the first that has any to the last, and some more where those are few. */
export function latencies(found: Histogram, time: Range | undefined): Bar[] {
  const ends = [...found.durations, (found.durations.at(-1) ?? 1) * 10]
  const bars = ends.map((to, i): Bar => ({ from: i ? (ends[i - 1] ?? 0) : 0, to, count: 0, errors: 0 }))
  const all = ends.map(() => 0)
  for (const [bar = 0, group = -1, count = 0, errors = 0] of found.cells) {
    const one = bars[group]
    if (!one) continue
    all[group] = (all[group] ?? 0) + count
    const begin = found.start + bar * found.step
    if (time && (begin < time.from || begin >= time.to)) continue
    one.count += count
    one.errors += errors
  }
  const first = all.findIndex((count) => count > 0)
  if (first < 0) return []
  const end = all.length - [...all].reverse().findIndex((count) => count > 0)
  const from = Math.max(0, Math.min(first, first - Math.ceil((LEAST - (end - first)) / 2)))
  return bars.slice(from, Math.max(end, from + LEAST))
}

function isWithin(group: number, range: Range | undefined, durations: readonly number[]): boolean {
  if (!range) return true
  if (group < 0) return false
  const from = group ? (durations[group - 1] ?? 0) : 0
  return from >= range.from && (durations[group] ?? from * 10) <= range.to
}

/** How long a share of the traces took at most, roughly: the upper end of the group that it is in; undefined of none. */
export function quantile(bars: readonly Bar[], share: number): number | undefined {
  const total = bars.reduce((sum, bar) => sum + bar.count, 0)
  let seen = 0
  for (const bar of bars) {
    seen += bar.count
    if (total > 0 && seen >= share * total) return bar.to
  }
  return undefined
}
