/** What a table of traces shows: the link's state, what was found for it, the rows, and what is chosen. */
import { call } from '../../api/client'
import { resource } from '../../api/resource.svelte'
import { deleteTraces, setTraceTag } from '../../api/traces'
import { isUnfinished, TRACES } from '../../lib/filter'
import { plural } from '../../lib/format'
import { sortFrom, sortText } from '../../lib/runs'
import type { Sort } from '../../lib/table'
import { columnsOf, columnsText, filterOf, latencies, linesOf, narrowed, orderBy, quantile, rangeFrom, rangeText, volume, type Range, type Scope } from '../../lib/traces'
import { listOf, listText } from '../../route'
import { kept } from '../../state/kept.svelte'
import type { Changes } from '../../state/live.svelte'
import { place, setQuery } from '../../state/place.svelte'
import { toast } from '../../state/toasts.svelte'
import { keepOrder } from '../../state/trace-order'
import { Rows, type RowId, type TraceRow } from './rows.svelte'

const NONE: readonly RowId[] = []
/** Deletions and tags in one go. */
const MOST_CHOSEN = 1000

/** To be made while a component is made. */
export class TracesPage {
  #scope: () => Scope
  rows = new Rows((error) => toast(said(error), { bad: true }))
  widths = kept<Record<string, number>>('trace-widths', {})

  scope = $derived.by(() => this.#scope())
  q = $derived(place.query.q ?? '')
  states = $derived(listOf(place.query.state))
  sort = $derived(sortFrom(place.query.sort))
  time = $derived(rangeFrom(place.query.time))
  latency = $derived(rangeFrom(place.query.latency))
  grouped = $derived(place.query.group === 'session' && this.scope.session === undefined)
  columns = $derived(columnsOf(place.query.cols, this.widths.value))
  #base = $derived(filterOf(this.q, this.states, this.scope))
  filter = $derived(narrowed(this.#base, this.time, this.latency))
  searched = $derived(this.q !== '' || this.states.length > 0 || !!this.time || !!this.latency)

  find = resource(
    () => ({ experiment_ids: [this.scope.experiment], filter: this.filter, order_by: this.grouped ? [] : this.#orders, by_session: this.grouped || undefined, watch: true }),
    (request, signal) => call('POST ui/traces/find', request, signal),
  )
  histogram = resource(
    () => ({ experiment_ids: [this.scope.experiment], filter: this.#base }),
    (request, signal) => call('POST ui/traces/histogram', request, signal),
  )
  #orders = $derived(this.sort.length ? orderBy(this.sort) : this.scope.session === undefined ? [] : ['timestamp_ms ASC'])

  found = $derived<readonly RowId[]>(this.find.data?.rows ?? NONE)
  opened = $derived(new Set(listOf(place.query.open)))
  lines = $derived(linesOf(this.found.length, this.grouped ? (this.find.data?.sessions ?? []) : undefined, this.opened))
  volume = $derived(this.histogram.data ? volume(this.histogram.data, this.latency) : [])
  latencies = $derived(this.histogram.data ? latencies(this.histogram.data, this.time) : [])
  /** As long as this, a bar of latency is full. */
  slow = $derived(quantile(this.latencies, 0.99) ?? 1)

  active = $state(-1)
  first = $state(0)
  chosen = $state.raw<ReadonlySet<RowId>>(new Set())

  constructor(scope: () => Scope) {
    this.#scope = scope
    $effect(() => {
      if (this.find.data) keepOrder(this.scope.experiment, this.found)
    })
    $effect(() => {
      void this.find.data
      const there = new Set(this.found)
      if ([...this.chosen].some((row) => !there.has(row))) this.chosen = new Set([...this.chosen].filter((row) => there.has(row)))
    })
  }

  rowAt(i: number): TraceRow | undefined {
    return this.rows.get(this.found[this.lines[i]?.at ?? -1])
  }

  search(text: string, replace: boolean) {
    if (replace && isUnfinished(text, TRACES)) return
    if (text !== this.q) setQuery({ q: text }, replace)
  }

  sortBy(sort: Sort) {
    setQuery({ sort: sortText(sort) })
  }

  show(ids: readonly string[]) {
    setQuery({ cols: columnsText(ids) }, true)
  }

  pickTime(range: Range | undefined) {
    setQuery({ time: rangeText(range) })
  }

  pickLatency(range: Range | undefined) {
    setQuery({ latency: rangeText(range) })
  }

  group(on: boolean) {
    setQuery({ group: on ? 'session' : undefined, open: undefined })
  }

  fold(i: number) {
    const session = this.lines[i]?.session
    if (!session) return
    const next = new Set(this.opened)
    if (session.open) next.delete(session.name)
    else next.add(session.name)
    setQuery({ open: listText([...next]) || undefined }, true)
  }

  /** Rows that a line stands for. */
  #rowsOf(i: number): RowId[] {
    const line = this.lines[i]
    if (!line) return []
    return this.found.slice(line.at, line.at + (line.session?.traces ?? 1))
  }

  isChosen(i: number): boolean {
    const rows = this.#rowsOf(i)
    return rows.length > 0 && rows.every((row) => this.chosen.has(row))
  }

  pick(from: number, to: number, add: boolean) {
    const rows: RowId[] = []
    for (let i = from; i <= to; i++) rows.push(...this.#rowsOf(i))
    const next = new Set(this.chosen)
    const drop = !add && rows.every((row) => next.has(row))
    for (const row of rows) if (drop) next.delete(row)
    else next.add(row)
    this.chosen = next
  }

  selection = $derived<'none' | 'some' | 'all'>(this.chosen.size === 0 ? 'none' : this.chosen.size >= this.found.length ? 'all' : 'some')

  pickAll() {
    this.chosen = this.selection === 'all' ? new Set() : new Set(this.found)
  }

  async #chosenRows(): Promise<TraceRow[]> {
    if (this.chosen.size > MOST_CHOSEN) throw new Error(`${plural(this.chosen.size, 'trace')} are selected; at most ${MOST_CHOSEN} are changed at once.`)
    return this.rows.all([...this.chosen])
  }

  async ids(): Promise<string[]> {
    return (await this.#chosenRows()).map((row) => row.id)
  }

  /** Deletes the chosen traces, for good. */
  async remove(): Promise<void> {
    try {
      const rows = await this.#chosenRows()
      for (let at = 0; at < rows.length; at += 100) await deleteTraces(this.scope.experiment, rows.slice(at, at + 100).map((row) => row.id))
      toast(`${plural(rows.length, 'trace')} deleted.`)
      this.chosen = new Set()
    } catch (error) {
      toast(said(error), { bad: true })
    }
    this.reload()
  }

  async tag(key: string, value: string): Promise<void> {
    try {
      const rows = await this.#chosenRows()
      for (let at = 0; at < rows.length; at += 6) await Promise.all(rows.slice(at, at + 6).map((row) => setTraceTag(row.id, key, value)))
      toast(`Tag ${key} is set on ${plural(rows.length, 'trace')}.`)
    } catch (error) {
      toast(said(error), { bad: true })
    }
    this.rows.refresh()
  }

  /** Traces that came since the table was read, and are not in it. */
  fresh = $state(0)
  atTop = true

  /** For what is told of changes: those since then are not in what was found. */
  cursor = $derived(this.find.data?.cursor ?? (this.find.error && ''))

  /** What the server says has changed. New traces come in by themselves only where nothing moves under the reader's eyes. */
  take({ traces = 0 }: Changes) {
    if (traces === 0) return
    if (this.atTop && this.chosen.size === 0) this.#again()
    else this.fresh += traces
  }

  #timer: ReturnType<typeof setTimeout> | undefined
  #read = 0
  /** At most every other second. */
  #again() {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#read = Date.now()
      this.reload()
    }, Math.max(0, this.#read + 2000 - Date.now()))
  }

  reload() {
    this.fresh = 0
    this.rows.refresh()
    this.find.reload()
    this.histogram.reload()
  }
}

const said = (error: unknown) => (error instanceof Error ? error.message : String(error))
