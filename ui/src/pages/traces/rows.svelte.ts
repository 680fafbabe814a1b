/** Rows of the table of traces as far as they were loaded. */
import { call } from '../../api/client'
import type { Rpcs } from '../../api/types.gen'
import { know } from '../../state/trace-order'

type Answer = Rpcs['POST ui/traces/rows']['response']
export type RowId = Rpcs['POST ui/traces/find']['response']['rows'][number]

export interface TraceRow {
  id: string
  experiment: string
  name: string
  state: string
  time: number | undefined
  duration: number | undefined
  tokens: number | undefined
  cost: number | undefined
  session: string
  user: string
  run: string
  request: string
  response: string
  tags: Readonly<Record<string, string>>
  assessments: Answer['assessments'][number]
}

const MOST = 200
/** Milliseconds to wait while rows fly by. */
const PAUSE = 60

export class Rows {
  #rows = new Map<RowId, TraceRow>()
  /** What is shown of these rows may be old, since so many requests were made. */
  #stale = new Map<RowId, number>()
  /** How many requests were made. */
  #asked = 0
  #version = $state(0)
  #wanted: { near: readonly RowId[]; far: readonly RowId[] } = { near: [], far: [] }
  #busy = false
  #last = 0
  #failed: (error: unknown) => void

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  /** A row, if it was loaded; whoever reads it is told when it changes. */
  get(row: RowId | undefined): TraceRow | undefined {
    void this.#version
    return row === undefined ? undefined : this.#rows.get(row)
  }

  /** All that were loaded. */
  known(): TraceRow[] {
    return [...this.#rows.values()]
  }

  /**
   * What is seen now: what is missing of it is loaded, however often this is called.
   *
   * @param near Rows that are seen, and a few around them.
   * @param far More of them, which are loaded along with those.
   */
  see(near: readonly RowId[], far: readonly RowId[]): void {
    this.#wanted = { near, far }
    if (!this.#busy) void this.#work()
  }

  /** All of these, loaded. */
  async all(rows: readonly RowId[]): Promise<TraceRow[]> {
    const missing = rows.filter((row) => !this.#rows.has(row))
    for (let at = 0; at < missing.length; at += 500) await this.#load(missing.slice(at, at + 500))
    return rows.flatMap((row) => this.#rows.get(row) ?? [])
  }

  /** What is shown may be old. It stays until the new is there. */
  refresh(): void {
    this.#stale = new Map([...this.#rows.keys()].map((row) => [row, this.#asked]))
    this.see(this.#wanted.near, this.#wanted.far)
  }

  #lacks(row: RowId): boolean {
    return !this.#rows.has(row) || this.#stale.has(row)
  }

  async #work(): Promise<void> {
    this.#busy = true
    try {
      for (;;) {
        const { near, far } = this.#wanted
        if (!near.some((row) => this.#lacks(row))) return
        const wait = this.#last + PAUSE - performance.now()
        if (wait > 0) {
          await new Promise((done) => setTimeout(done, wait))
          if (this.#wanted.near !== near) continue
        }
        await this.#load(far.filter((row) => this.#lacks(row)).slice(0, MOST))
        this.#last = performance.now()
      }
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#busy = false
    }
  }

  async #load(rows: readonly RowId[]): Promise<void> {
    const asked = ++this.#asked
    const answer = await call('POST ui/traces/rows', { rows: [...rows] })
    for (const [i, row] of rows.entries()) {
      // What has become old since it was asked for is not new by that.
      if ((this.#stale.get(row) ?? 0) < asked) this.#stale.delete(row)
      const made = rowFrom(answer, i)
      this.#rows.set(row, made)
      if (made.id) know(row, { id: made.id, experiment: made.experiment })
    }
    this.#version += 1
  }
}

function rowFrom(said: Answer, i: number): TraceRow {
  return {
    id: said.trace_id[i] ?? '',
    experiment: said.experiment_id[i] ?? '',
    name: said.name[i] ?? '',
    state: said.state[i] ?? '',
    time: said.time[i] ?? undefined,
    duration: said.duration[i] ?? undefined,
    tokens: said.tokens[i] ?? undefined,
    cost: said.cost[i] === null ? undefined : Number(said.cost[i]),
    session: said.session[i] ?? '',
    user: said.user[i] ?? '',
    run: said.run_id[i] ?? '',
    request: said.request[i] ?? '',
    response: said.response[i] ?? '',
    tags: said.tags[i] ?? {},
    assessments: said.assessments[i] ?? [],
  }
}
