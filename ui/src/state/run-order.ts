/** The order of runs in the list that one came from, for going to the one before and after. */
import { call } from '../api/client'

type RowId = number | string

export interface Known {
  run: string
  experiment: string
}

const MOST = 500

let kept: { experiments: readonly string[]; rows: readonly RowId[] } | undefined
const runs = new Map<RowId, Known>()

/** For the page with the list: this is what it shows. */
export function keepOrder(experiments: readonly string[], rows: readonly RowId[]): void {
  kept = { experiments: [...experiments], rows }
}

/** The run before or after a run, in the list that was shown last or else newest first; undefined if there is none. */
export async function neighbour(experiment: string, run: string, by: -1 | 1): Promise<Known | undefined> {
  if (!kept?.experiments.includes(experiment)) await cold(experiment)
  let at = await placeOf(run)
  if (at < 0) {
    await cold(experiment)
    at = await placeOf(run)
  }
  const row = at < 0 ? undefined : kept?.rows[at + by]
  if (row === undefined) return undefined
  await know([row])
  return runs.get(row)
}

async function cold(experiment: string): Promise<void> {
  const { rows } = await call('POST ui/runs/find', { experiment_ids: [experiment], tree: true, max_results: 20_000 })
  kept = { experiments: [experiment], rows }
}

async function placeOf(run: string): Promise<number> {
  const rows = kept?.rows ?? []
  for (let from = 0; from < rows.length; from += MOST) {
    const some = rows.slice(from, from + MOST)
    await know(some)
    const found = some.findIndex((row) => runs.get(row)?.run === run)
    if (found >= 0) return from + found
  }
  return -1
}

async function know(rows: readonly RowId[]): Promise<void> {
  const missing = rows.filter((row) => !runs.has(row))
  if (missing.length === 0) return
  const answer = await call('POST ui/runs/rows', { rows: missing, columns: [] })
  for (const [i, row] of missing.entries()) {
    const run = answer.runs.run_id[i]
    if (run) runs.set(row, { run, experiment: answer.runs.experiment_id[i] ?? '' })
  }
}
