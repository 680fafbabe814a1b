/** What is done with chosen runs. */
import { call, ROOT, urlOf } from '../../api/client'
import { pythonOf } from '../../lib/runs'
import { toast } from '../../state/toasts.svelte'
import type { RunsPage } from './page.svelte'
import { COLOUR } from './tags'

/** Requests at a time. */
const ABREAST = 6
/** Ids that an address has room for. */
export const MOST_IN_ADDRESS = 1000

/** Does something for each, some at a time. Says how many failed, and why. */
async function each(ids: readonly string[], doing: (id: string) => Promise<unknown>): Promise<string[]> {
  const left = [...ids]
  const done: string[] = []
  const failed: string[] = []
  const work = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) {
      try {
        await doing(id)
        done.push(id)
      } catch (error) {
        failed.push(error instanceof Error ? error.message : String(error))
      }
    }
  }
  await Promise.all(Array.from({ length: ABREAST }, work))
  if (failed.length) toast(failed.length === 1 ? (failed[0] ?? '') : `${failed.length} failed: ${failed[0]}`, { bad: true })
  return done
}

const runs = (n: number) => (n === 1 ? '1 run' : `${n} runs`)

export async function remove(page: RunsPage, ids: readonly string[]): Promise<void> {
  const done = await each(ids, (run_id) => call('POST 2.0/mlflow/runs/delete', { run_id }))
  page.reload(done)
  if (done.length) toast(`${runs(done.length)} deleted.`, { undo: () => void restore(page, done) })
}

export async function restore(page: RunsPage, ids: readonly string[]): Promise<void> {
  const done = await each(ids, (run_id) => call('POST 2.0/mlflow/runs/restore', { run_id }))
  page.reload(done)
  if (done.length) toast(`${runs(done.length)} restored.`)
}

export async function tag(page: RunsPage, ids: readonly string[], key: string, value: string): Promise<void> {
  const done = await each(ids, (run_id) => call('POST 2.0/mlflow/runs/set-tag', { run_id, key, value }))
  page.reload(done)
  if (done.length && key !== COLOUR) toast(`Tag ${key} is set on ${runs(done.length)}.`)
}

/** A run in the colour picked. Undefined for the one that goes with its id. */
export async function paint(page: RunsPage, ids: readonly string[], colour: string | undefined): Promise<void> {
  if (colour) return tag(page, ids, COLOUR, colour)
  const painted = ids.filter((id) => page.rows.ofRun(id)?.values[`tags.${COLOUR}`])
  page.reload(await each(painted, (run_id) => call('POST 2.0/mlflow/runs/delete-tag', { run_id, key: COLOUR })))
}

/** Where the table's runs, or some of them, are as a file. */
export function exportUrl(page: RunsPage, format: 'csv' | 'jsonl' | 'parquet', ids: readonly string[]): string {
  if (ids.length) return urlOf('ajax-api/3.0/mlflow/runs/export', { run_ids: ids, format })
  return urlOf('ajax-api/3.0/mlflow/runs/export', {
    experiment_ids: page.experiments, filter: page.filter, run_view_type: page.stage, format,
  })
}

export function python(ids: readonly string[]): string {
  return pythonOf(ids, ROOT.replace(/\/$/, ''))
}

