/** Runs in a table: as a tree, in groups, in order. Pure: what is shown follows from what was found. */
import { listOf, listText } from '../route'
import { STATES } from './filter'
import { number, short } from './format'
import type { Sort } from './table'

export type RowId = number | string

/** What `ui/runs/find` answers. */
export interface Found {
  total: number
  rows: RowId[]
  depth?: number[]
  context?: number[]
}

export const NOTHING: Found = { total: 0, rows: [] }

/** Which rows of a tree are open: those named, those that a search opened, or all; a minus closes one. */
export interface Opened {
  all: boolean
  open: ReadonlySet<string>
  closed: ReadonlySet<string>
}

export function openedFrom(text: string | undefined): Opened {
  const parts = listOf(text)
  return {
    all: parts.includes('all'),
    open: new Set(parts.filter((part) => part !== 'all' && !part.startsWith('-'))),
    closed: new Set(parts.filter((part) => part.startsWith('-')).map((part) => part.slice(1))),
  }
}

export function openedText({ all, open, closed }: Opened): string {
  return listText([...(all ? ['all'] : []), ...(all ? [] : open), ...[...closed].map((id) => `-${id}`)])
}

/** Opens a row that was closed, or closes one that was open. */
export function toggled(opened: Opened, id: RowId, isOpen: boolean): Opened {
  const open = new Set(opened.open)
  const closed = new Set(opened.closed)
  if (isOpen) {
    open.delete(String(id))
    closed.add(String(id))
  } else {
    closed.delete(String(id))
    open.add(String(id))
  }
  return { all: opened.all, open, closed }
}

/** A row of the table: a run, or a group of runs. */
export interface Line {
  /** Its place in `Found.rows`; of a group, -1. */
  at: number
  depth: number
  /** Whether rows are below it, and whether they are shown. */
  expanded?: boolean
  /** It is there for those below it. */
  context?: boolean
  group?: Group
}

/** The rows that are shown of what was found. `searched`: matches are shown below ancestors, which are open. */
export function linesOf(found: Found, opened: Opened, searched: boolean): Line[] {
  const { rows, depth } = found
  if (!depth) return rows.map((_, at) => ({ at, depth: 0 }))
  const context = new Set(found.context)
  const lines: Line[] = []
  let closedAt = Infinity
  for (let at = 0; at < rows.length; at++) {
    const deep = depth[at] ?? 0
    if (deep > closedAt) continue
    closedAt = Infinity
    const line: Line = { at, depth: deep }
    if (context.has(at)) line.context = true
    if ((depth[at + 1] ?? 0) > deep) {
      line.expanded = isOpen(opened, rows[at] ?? '', searched)
      if (!line.expanded) closedAt = deep
    }
    lines.push(line)
  }
  return lines
}

export function isOpen(opened: Opened, id: RowId, searched: boolean): boolean {
  const name = String(id)
  return opened.open.has(name) || ((opened.all || searched) && !opened.closed.has(name))
}

/** Places of all that is below a place. */
export function below({ rows, depth }: Found, at: number): number[] {
  const found: number[] = []
  if (!depth) return found
  for (let i = at + 1; i < rows.length && (depth[i] ?? 0) > (depth[at] ?? 0); i++) found.push(i)
  return found
}

/** The place of the row above, or -1. */
export function above({ depth }: Found, at: number): number {
  const deep = depth?.[at] ?? 0
  for (let i = at - 1; deep > 0 && i >= 0; i--) if ((depth?.[i] ?? 0) < deep) return i
  return -1
}

export type Cell = number | string | readonly string[] | null | undefined

/** Orders values: numbers by size, texts by letters, nothing last whatever the direction. */
export function compare(a: Cell, b: Cell, down: boolean): number {
  const left = ranked(a)
  const right = ranked(b)
  if (left === undefined || right === undefined) return (left === undefined ? 1 : 0) - (right === undefined ? 1 : 0)
  const both = typeof left === 'number' && typeof right === 'number'
  const order = both ? left - right : String(left).localeCompare(String(right), undefined, { numeric: true })
  return down ? -order : order
}

function ranked(value: Cell): number | string | undefined {
  if (value === null || value === undefined || value === '' || value === 'NaN') return undefined
  if (typeof value === 'number') return Number.isNaN(value) ? undefined : value
  if (value === 'Infinity') return Infinity
  if (value === '-Infinity') return -Infinity
  return typeof value === 'string' ? value : value.join(', ')
}

/** Found rows in another order; in a tree, those below one row among themselves. */
export function reordered(found: Found, sort: Sort, valueOf: (at: number, id: string) => Cell): Found {
  const order = (a: number, b: number) => {
    for (const { id, down } of sort) {
      const found = compare(valueOf(a, id), valueOf(b, id), down)
      if (found) return found
    }
    return a - b
  }
  const { rows, depth } = found
  const places: number[] = []
  const children = childrenOf(found)
  const walk = (parent: number) => {
    for (const at of (children.get(parent) ?? []).sort(order)) {
      places.push(at)
      walk(at)
    }
  }
  walk(-1)
  const context = new Set(found.context)
  return {
    total: found.total,
    rows: places.map((at) => rows[at] ?? ''),
    depth: depth && places.map((at) => depth[at] ?? 0),
    context: found.context && places.flatMap((at, i) => (context.has(at) ? [i] : [])),
  }
}

/** Places by that of the row above; -1 for those at the top. */
function childrenOf({ rows, depth }: Found): Map<number, number[]> {
  const children = new Map<number, number[]>()
  const path: number[] = []
  for (let at = 0; at < rows.length; at++) {
    path.length = Math.min(path.length, depth?.[at] ?? 0)
    const parent = path.at(-1) ?? -1
    const list = children.get(parent)
    if (list) list.push(at)
    else children.set(parent, [at])
    path.push(at)
  }
  return children
}

export interface Stats {
  n: number
  mean: number
  sd: number
  min: number
  max: number
}

/** Of the finite numbers among the values; undefined if there are none. */
export function stats(values: readonly Cell[]): Stats | undefined {
  let n = 0
  let mean = 0
  let squares = 0
  let min = Infinity
  let max = -Infinity
  for (const value of values) {
    const one = numeric(value)
    if (one === undefined || !Number.isFinite(one)) continue
    n += 1
    const off = one - mean
    mean += off / n
    squares += off * (one - mean)
    min = Math.min(min, one)
    max = Math.max(max, one)
  }
  return n ? { n, mean, sd: n > 1 ? Math.sqrt(squares / (n - 1)) : 0, min, max } : undefined
}

/** A value as a number, if it is one. */
export function numeric(value: Cell): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const read = number(value as 'NaN')
  return read !== undefined && (!Number.isNaN(read) || value === 'NaN') ? read : undefined
}

/** "0.91 ± 0.02" */
export function meanText({ mean, sd, n }: Stats): string {
  return n > 1 ? `${short(mean, 4)} ± ${short(sd, 2)}` : short(mean, 4)
}

export function statsTitle({ mean, sd, min, max, n }: Stats): string {
  return `mean ${short(mean)}, sd ${short(sd)}, min ${short(min)}, max ${short(max)}, n ${n}`
}

export interface Group {
  /** What its runs have in common; null for those that have no such thing. */
  value: string | null
  /** Their places in what was found. */
  places: number[]
}

/** Runs that have the same value, the largest groups first; those without one last. */
export function groupsOf(found: Found, valueOf: (at: number) => Cell): Group[] {
  const context = new Set(found.context)
  const groups = new Map<string | null, Group>()
  for (let at = 0; at < found.rows.length; at++) {
    if (context.has(at)) continue
    const cell = valueOf(at)
    const value = cell === null || cell === undefined ? null : String(cell)
    const group = groups.get(value)
    if (group) group.places.push(at)
    else groups.set(value, { value, places: [at] })
  }
  return [...groups.values()].sort((a, b) => compare(a.value, b.value, false))
}

/** Groups, and the runs of those that are open. */
export function groupLines(groups: readonly Group[], opened: Opened): Line[] {
  return groups.flatMap((group) => {
    const open = isOpen(opened, groupId(group), false)
    const head: Line = { at: -1, depth: 0, expanded: open, group }
    return open ? [head, ...group.places.map((at) => ({ at, depth: 1 }))] : [head]
  })
}

export function groupId(group: Group): string {
  return group.value === null ? '~' : `~${group.value}`
}

/** `sort` of a link: `-metrics.acc,name`. */
export function sortFrom(text: string | undefined): Sort {
  return listOf(text).map((part) => (part.startsWith('-') ? { id: part.slice(1), down: true } : { id: part, down: false }))
}

export function sortText(sort: Sort): string {
  return listText(sort.map(({ id, down }) => (down ? '-' : '') + id))
}

export const SINCE = ['1h', '24h', '7d', '30d'] as const
export type Since = (typeof SINCE)[number]
const HOURS: Readonly<Record<Since, number>> = { '1h': 1, '24h': 24, '7d': 168, '30d': 720 }
export const SINCE_WORDS: Readonly<Record<Since, string>> = { '1h': 'Last hour', '24h': 'Last 24 hours', '7d': 'Last 7 days', '30d': 'Last 30 days' }

/** The chips beside the filter box, as conditions. */
export function chipFilters(chips: { states: readonly string[]; since?: string; dataset?: string }, now: number): string[] {
  const parts: string[] = []
  if (chips.states.length === 1) parts.push(`status = '${chips.states[0]}'`)
  // Filters know no alternatives, and no lists of states.
  else if (chips.states.length) for (const state of STATES) if (!chips.states.includes(state)) parts.push(`status != '${state}'`)
  const hours = HOURS[chips.since as Since]
  // To the minute, so that the same question is not asked anew all the time.
  if (hours) parts.push(`start_time > ${(Math.floor(now / 60_000) - 60 * hours) * 60_000}`)
  if (chips.dataset) parts.push(`dataset.name = ${chips.dataset.includes("'") ? `"${chips.dataset}"` : `'${chips.dataset}'`}`)
  return parts
}

/** Python that loads runs by their ids. */
export function pythonOf(ids: readonly string[], server: string): string {
  const list = ids.map((id) => `    "${id}",\n`).join('')
  return `import mlflow\n\nmlflow.set_tracking_uri("${server}")\nrun_ids = [\n${list}]\nruns = [mlflow.get_run(run_id) for run_id in run_ids]\n`
}
