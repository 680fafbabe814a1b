/** The order of traces in the list that one came from, for going to the one before and after. */
import { call } from '../api/client'

type RowId = number | string

export interface Known {
  id: string
  experiment: string
}

const MOST = 500
/** Further than this from the newest, a trace whose list is not known has no neighbours. */
const FAR = 10_000

let kept: { experiment: string; rows: readonly RowId[] } | undefined
const traces = new Map<RowId, Known>()

/** For the page with the list: this is what it shows. */
export function keepOrder(experiment: string, rows: readonly RowId[]): void {
  kept = { experiment, rows }
}

/** For the page with the list: these rows are these traces. */
export function know(row: RowId, trace: Known): void {
  traces.set(row, trace)
}

/** The trace before or after a trace, in the list that was shown last or else newest first; undefined if there is none. */
export async function neighbour(experiment: string, trace: string, by: -1 | 1): Promise<Known | undefined> {
  let at = kept?.experiment === experiment ? await placeOf(trace) : -1
  if (at < 0) {
    const { rows } = await call('POST ui/traces/find', { experiment_ids: [experiment] })
    kept = { experiment, rows }
    at = await placeOf(trace)
  }
  const row = at < 0 ? undefined : kept?.rows[at + by]
  if (row === undefined) return undefined
  await load([row])
  return traces.get(row)
}

async function placeOf(trace: string): Promise<number> {
  const rows = kept?.rows ?? []
  const known = rows.findIndex((row) => traces.get(row)?.id === trace)
  if (known >= 0) return known
  for (let from = 0; from < Math.min(FAR, rows.length); from += MOST) {
    const some = rows.slice(from, from + MOST)
    await load(some)
    const found = some.findIndex((row) => traces.get(row)?.id === trace)
    if (found >= 0) return from + found
  }
  return -1
}

async function load(rows: readonly RowId[]): Promise<void> {
  const missing = rows.filter((row) => !traces.has(row))
  if (missing.length === 0) return
  const answer = await call('POST ui/traces/rows', { rows: missing })
  for (const [i, row] of missing.entries()) {
    const id = answer.trace_id[i]
    if (id) traces.set(row, { id, experiment: answer.experiment_id[i] ?? '' })
  }
}
