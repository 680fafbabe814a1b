/** Rows of the table of runs as far as they were loaded: pages around what is seen, or all where all are needed. */
import { call } from '../../api/client'
import type { Rpcs } from '../../api/types.gen'
import type { Cell, RowId } from '../../lib/runs'

export interface RunRow {
  row: RowId
  id: string
  experiment: string
  name: string
  status: string
  start: number | undefined
  end: number | undefined
  deleted: boolean
  user: string
  parent: string | undefined
  /** What was asked for, by the server's names of columns. */
  values: Readonly<Record<string, Cell>>
}

type Answer = Rpcs['POST ui/runs/rows']['response']

const MOST = 500
/** Milliseconds to wait while rows fly by. */
const PAUSE = 60

export class Rows {
  #rows = new Map<RowId, RunRow>()
  #byRun = new Map<string, RowId>()
  /** What is shown of these rows may be old, since so many requests were made. */
  #stale = new Map<RowId, number>()
  /** How many requests were made. */
  #asked = 0
  #version = $state(0)
  #wanted: { near: readonly RowId[]; far: readonly RowId[]; asks: readonly string[] } = { near: [], far: [], asks: [] }
  #busy = false
  #last = 0
  #failed: (error: unknown) => void

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  /** A row, if it was loaded; whoever reads it is told when it changes. */
  get(row: RowId | undefined): RunRow | undefined {
    void this.#version
    return row === undefined ? undefined : this.#rows.get(row)
  }

  ofRun(run: string): RunRow | undefined {
    void this.#version
    return this.#rows.get(this.#byRun.get(run) ?? '')
  }

  /**
   * What is seen now: what is missing of it is loaded, however often this is called.
   *
   * @param near Rows that are seen, and a few around them.
   * @param far More of them, which are loaded along with those.
   */
  see(near: readonly RowId[] | undefined, far: readonly RowId[] | undefined, asks: readonly string[]): void {
    this.#wanted = { near: near ?? this.#wanted.near, far: far ?? this.#wanted.far, asks }
    if (!this.#busy) void this.#work()
  }

  /** What of these runs is shown may be old. It stays until the new is there. */
  refresh(runs: readonly string[]): void {
    for (const run of runs) {
      const row = this.#byRun.get(run)
      if (row !== undefined) this.#stale.set(row, this.#asked)
    }
    this.see(undefined, undefined, this.#wanted.asks)
  }

  /** Shows a change at once; what it returns takes it back. */
  change(run: string, part: Partial<RunRow>): () => void {
    const row = this.#byRun.get(run)
    const old = row === undefined ? undefined : this.#rows.get(row)
    if (row === undefined || !old) return () => undefined
    this.#rows.set(row, { ...old, ...part })
    this.#version += 1
    return () => {
      this.#rows.set(row, old)
      this.#version += 1
    }
  }

  /** Loads all of some rows, `MOST` at a time; says how many are there. */
  async all(rows: readonly RowId[], asks: readonly string[], signal: AbortSignal, done: (count: number) => void): Promise<void> {
    const missing = rows.filter((row) => this.#lacks(row, asks).length > 0)
    for (let at = 0; at < missing.length && !signal.aborted; at += MOST) {
      done(rows.length - missing.length + at)
      await this.#load(missing.slice(at, at + MOST), asks, signal)
    }
    done(rows.length)
  }

  #lacks(row: RowId, asks: readonly string[]): readonly string[] {
    const known = this.#rows.get(row)
    if (!known || this.#stale.has(row)) return asks.length ? asks : ['']
    return asks.filter((ask) => !(ask in known.values))
  }

  async #work(): Promise<void> {
    this.#busy = true
    try {
      for (;;) {
        const { near, far, asks } = this.#wanted
        if (!near.some((row) => this.#lacks(row, asks).length > 0)) return
        const missing = far.filter((row) => this.#lacks(row, asks).length > 0).slice(0, MOST)
        const wait = this.#last + PAUSE - performance.now()
        if (wait > 0) {
          await new Promise((done) => setTimeout(done, wait))
          if (this.#wanted.near !== near) continue
        }
        const needed = new Set(missing.flatMap((row) => this.#lacks(row, asks)))
        await this.#load(missing, asks.filter((ask) => needed.has(ask)))
        this.#last = performance.now()
      }
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#busy = false
    }
  }

  async #load(rows: readonly RowId[], asks: readonly string[], signal?: AbortSignal): Promise<void> {
    const asked = ++this.#asked
    const answer = await call('POST ui/runs/rows', { rows: [...rows], columns: [...asks] }, signal)
    for (const [i, row] of rows.entries()) {
      // What has become old since it was asked for is not new by that.
      if ((this.#stale.get(row) ?? 0) < asked) this.#stale.delete(row)
      this.#put(row, answer, i, asks)
    }
    this.#version += 1
  }

  #put(row: RowId, { runs, columns }: Answer, i: number, asks: readonly string[]): void {
    const id = runs.run_id[i]
    const values: Record<string, Cell> = { ...this.#rows.get(row)?.values }
    for (const ask of asks) values[ask] = columns[ask]?.[i] ?? null
    this.#rows.set(row, {
      row,
      id: id ?? '',
      experiment: runs.experiment_id[i] ?? '',
      name: runs.name[i] ?? '',
      status: runs.status[i] ?? '',
      start: runs.start_time[i] ?? undefined,
      end: runs.end_time[i] ?? undefined,
      deleted: runs.lifecycle_stage[i] === 'deleted',
      user: runs.user[i] ?? '',
      parent: runs.parent[i] ?? undefined,
      values,
    })
    if (id) this.#byRun.set(id, row)
  }
}
