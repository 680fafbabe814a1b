/** What the page of runs shows: the link's state, what was found for it, the rows, and what is chosen. */
import { untrack } from 'svelte'
import { call } from '../../api/client'
import { resource } from '../../api/resource.svelte'
import { asked, columnOf, columnsFrom, columnsText, differs, firstColumns, METRIC_KINDS, NO_KEYS, ordering, parsed, type RunColumn, type Spec } from '../../lib/columns'
import { both, isFilter, isUnfinished } from '../../lib/filter'
import { short } from '../../lib/format'
import { lowerIsBetter } from '../../lib/goal'
import { below, chipFilters, groupLines, groupsOf, linesOf, NOTHING, openedFrom, openedText, reordered, sortFrom, sortText, stats, toggled, type Found, type Line, type Stats } from '../../lib/runs'
import type { Sort } from '../../lib/table'
import { listOf, listText } from '../../route'
import type { Changes } from '../../state/live.svelte'
import { kept } from '../../state/kept.svelte'
import { place, setQuery } from '../../state/place.svelte'
import { toast } from '../../state/toasts.svelte'
import type { ChartRun } from '../../parts/Chart.svelte'
import { apart, runColour } from '../../lib/colour'
import { theme } from '../../state/theme.svelte'
import { COLOUR } from './tags'
import { Rows, type RunRow } from './rows.svelte'
import { valueOf } from './values'

/** Runs in charts before anybody says which. */
const CHARTED = 20
/** Runs whose ids are kept in the link. */
const IN_LINK = 60

const isMetric = (column: Pick<RunColumn, 'kind'>) => METRIC_KINDS.some((kind) => kind === column.kind)

/** To be made while the page's component is made. */
export class RunsPage {
  #experiments: () => readonly string[]
  rows = new Rows((error) => toast(error instanceof Error ? error.message : String(error), { bad: true }))
  widths = kept<Record<string, number>>('run-widths', {})

  experiments = $derived.by(() => this.#experiments())
  q = $derived(place.query.q ?? '')
  sort = $derived(sortFrom(place.query.sort))
  group = $derived(place.query.group)
  /** Side by side: who asks for it, or orders by a metric. In a tree the best run may be below one that is not. */
  flat = $derived(place.query.flat === '1' || (place.query.flat !== '0' && !place.query.children && this.sort.some(({ id }) => isMetric(parsed(id)))))
  aggregate = $derived(place.query.children === 'best' || place.query.children === 'mean' ? place.query.children : undefined)
  states = $derived(listOf(place.query.state))
  since = $derived(place.query.since)
  dataset = $derived(place.query.dataset)
  stage = $derived(place.query.stage === 'deleted' ? ('DELETED_ONLY' as const) : place.query.stage === 'all' ? ('ALL' as const) : ('ACTIVE_ONLY' as const))
  view = $derived(place.query.view === 't' || place.query.view === 'v' ? place.query.view : 'b')
  differing = $derived(place.query.diff === '1')
  opened = $derived(openedFrom(place.query.open))
  /** Something is searched for, so that not all runs are there. */
  searched = $derived(this.q !== '' || this.states.length > 0 || !!this.since || !!this.dataset)
  #chips = $derived(chipFilters({ states: this.states, since: this.since, dataset: this.dataset }, Date.now()))
  #search = $derived({
    experiment_ids: [...this.experiments],
    filter: both(isFilter(this.q) ? this.q : undefined, ...this.#chips),
    text: this.q !== '' && !isFilter(this.q) ? this.q : undefined,
    run_view_type: this.stage,
  })
  #orders = $derived(this.sort.map(({ id, down }) => ordering(parsed(id), down)))
  /** The server cannot order by all that is asked for: it is done here, when all rows are there. */
  #sortedHere = $derived(this.#orders.includes(undefined))
  tree = $derived(!this.flat && this.group === undefined)

  find = resource(
    () => ({ ...this.#search, order_by: this.#sortedHere ? [] : this.#orders.filter((one) => one !== undefined), tree: this.tree, watch: true }),
    (request, signal) => call('POST ui/runs/find', request, signal),
  )
  keysOf = resource(
    () => ({ experiment_ids: [...this.experiments], run_view_type: this.stage, ...(this.differing ? { filter: this.#search.filter, text: this.#search.text } : {}) }),
    (request, signal) => call('POST ui/runs/columns', request, signal),
  )
  /** How many runs there are without the search. */
  everything = resource(
    () => (this.searched ? { experiment_ids: [...this.experiments], run_view_type: this.stage, max_results: 1 } : undefined),
    (request, signal) => call('POST ui/runs/find', request, signal),
  )

  keys = $derived(this.keysOf.data ?? NO_KEYS)
  specs = $derived.by((): Spec[] => {
    const chosen = columnsFrom(place.query.cols) ?? firstColumns(this.keys, this.experiments.length > 1)
    if (!this.differing) return chosen
    return chosen.filter(({ id }) => {
      const { kind, key } = parsed(id)
      if (kind === 'fact') return true
      const known = kind === 'params' || kind === 'tags' ? this.keys[kind] : this.keys.metrics
      const one = known.find((each) => each.key === key)
      return one === undefined ? false : differs(one, this.keys.runs)
    })
  })
  columns = $derived(this.specs.map((spec) => columnOf(spec, this.keys, this.widths.value)).filter((column): column is RunColumn => column !== undefined))
  /** Ranges of metrics, for shades. */
  ranges = $derived(new Map(this.keys.metrics.map(({ key, min, max }) => [key, { min: Number(min ?? 0), max: Number(max ?? 0) }])))

  /** What is needed of all rows, beyond those seen; undefined if nothing is. */
  #needs = $derived.by((): string[] | undefined => {
    const grouped = this.group !== undefined
    if (!grouped && !this.#sortedHere && !(this.aggregate && this.nested)) return undefined
    const found = new Set<string>()
    if (this.group !== undefined) found.add(this.group)
    if (this.#sortedHere) for (const { id } of this.sort) found.add(asked(parsed(id)) ?? '')
    if (grouped || this.aggregate) for (const column of this.columns) if (isMetric(column) || (grouped && column.kind === 'params')) found.add(asked(column) ?? '')
    found.delete('')
    return [...found].sort()
  })
  #needed = $derived(JSON.stringify(this.#needs))
  /** How many of all rows are there; undefined where not all are needed. */
  progress = $state<number>()
  /** For what all rows are there. */
  #whole = $state.raw<{ found?: Found; needed?: string }>({})
  #isWhole = $derived(this.#whole.found === this.find.data && this.#whole.needed === this.#needed)

  /** What was found, in order. */
  found = $derived.by((): Found => {
    const found = this.find.data ?? NOTHING
    if (!this.#sortedHere || this.group !== undefined || !this.#isWhole) return found
    return untrack(() => reordered(found, this.sort, (at, id) => {
      const row = this.rows.get(found.rows[at])
      return row && valueOf(row, parsed(id))
    }))
  })
  groups = $derived.by(() => {
    const { group } = this
    if (group === undefined) return undefined
    const { found } = this
    return this.#isWhole ? untrack(() => groupsOf(found, (at) => this.rows.get(found.rows[at])?.values[group])) : []
  })
  lines = $derived.by((): Line[] => (this.groups ? groupLines(this.groups, this.opened) : linesOf(this.found, this.opened, this.searched)))
  nested = $derived(this.found.depth?.some((deep) => deep > 0) ?? false)

  active = $state(-1)
  /** The first line that is seen. */
  first = $state(0)
  atTop = true
  chosen = $state.raw<ReadonlySet<string>>(new Set(listOf(place.query.runs)))
  /** What the link said of them when they were last read from it or written to it. */
  #linked = place.query.runs
  /** Runs that were made since the table was read, and are not in it. */
  fresh = $state(0)
  filter = $derived(this.#search.filter)
  /** Words that are searched for, which an export cannot do. */
  words = $derived(this.#search.text)

  /** The runs in the charts: those chosen, else the first lines; but for those that were switched off, and with those switched on. */
  charted = $derived.by((): ReadonlySet<string> => {
    const base = this.chosen.size ? [...this.chosen].slice(0, CHARTED) : this.#firstRuns
    const off = new Set(listOf(place.query.off))
    return new Set([...base.filter((id) => !off.has(id)), ...listOf(place.query.on)])
  })
  /** Numbers of their colours: no two in the charts have the same, as long as there are enough. */
  #colours = $derived(apart([...this.charted]))
  #firstRuns = $derived(this.shownRuns(0, CHARTED).map((row) => row.id))
  #chartText = $derived(JSON.stringify([...this.charted].map((id): ChartRun => {
    const row = this.rows.ofRun(id)
    return { id, name: row?.name || id.slice(0, 8), colour: this.colourOf(id, row), start: row?.start }
  })))
  /** The same array as long as nothing in it changes. */
  chartRuns = $derived(JSON.parse(this.#chartText) as ChartRun[])
  /** Metrics in the order of their columns, then the others. */
  chartMetrics = $derived.by(() => {
    const first = this.columns.flatMap((column) => (isMetric(column) ? [column.key] : []))
    return [...new Set([...first, ...this.keys.metrics.map(({ key }) => key).filter((key) => !key.startsWith('system/'))])]
  })

  constructor(experiments: () => readonly string[]) {
    this.#experiments = experiments
    $effect(() => {
      // Back and forward.
      const { runs } = place.query
      if (place.route.page !== 'runs' || runs === this.#linked) return
      this.#linked = runs
      this.chosen = new Set(listOf(runs))
    })
    $effect(() => {
      const needed = this.#needed
      const found = this.find.data
      const needs = untrack(() => this.#needs)
      if (!needs || !found) {
        this.progress = undefined
        return
      }
      const abort = new AbortController()
      this.progress = 0
      this.rows
        .all(found.rows, needs, abort.signal, (count) => (this.progress = count))
        .then(() => {
          if (abort.signal.aborted) return
          this.progress = undefined
          this.#whole = { found, needed }
        })
        .catch((error: unknown) => {
          if (!abort.signal.aborted) toast(error instanceof Error ? error.message : String(error), { bad: true })
        })
      return () => abort.abort()
    })
  }

  rowAt(i: number): RunRow | undefined {
    const line = this.lines[i]
    return line && line.at >= 0 ? this.rows.get(this.found.rows[line.at]) : undefined
  }

  /** Loads the runs that charts begin with, where no table asks for rows. */
  seeCharted(): void {
    const rows = this.lines.slice(0, CHARTED).flatMap(({ at }) => this.found.rows[at] ?? [])
    untrack(() => this.rows.see(rows, rows, [`tags.${COLOUR}`]))
  }

  /** A run's colour, in the charts and beside its name; `row`: what is known of it. */
  colourOf(id: string, row: RunRow | undefined): string {
    return runColour(id, row?.values[`tags.${COLOUR}`], theme.dark, this.#colours.get(id))
  }

  /** Runs of the lines, as far as they are known. */
  shownRuns(first: number, count: number): RunRow[] {
    const found: RunRow[] = []
    for (let i = first; i < this.lines.length && found.length < count; i++) {
      const row = this.rowAt(i)
      if (row && !this.lines[i]?.context) found.push(row)
    }
    return found
  }

  search(text: string, replace: boolean) {
    if (replace && isUnfinished(text)) return
    if (text !== this.q) setQuery({ q: text }, replace)
  }

  sortBy(sort: Sort) {
    setQuery({ sort: sortText(sort) })
  }

  toggle(line: Line, name: string) {
    if (line.expanded === undefined) return
    setQuery({ open: openedText(toggled(this.opened, name, line.expanded)) }, true)
  }

  groupBy(id: string | undefined) {
    setQuery({ group: id, flat: undefined, open: undefined })
  }

  show(specs: readonly Spec[], replace = false) {
    const first = columnsText(firstColumns(this.keys, this.experiments.length > 1))
    const text = columnsText(specs)
    setQuery({ cols: text === first ? undefined : text }, replace)
  }

  /** Shows a run in the charts, or hides it. */
  chart(id: string, on: boolean) {
    const base = this.chosen.size ? this.chosen.has(id) : this.#firstRuns.includes(id)
    const without = (name: 'on' | 'off') => listOf(place.query[name]).filter((one) => one !== id)
    setQuery({
      on: listText(on && !base ? [...without('on'), id] : without('on')),
      off: listText(!on && base ? [...without('off'), id] : without('off')),
    }, true)
  }

  /** What is asked of all rows, whichever columns are seen. */
  alwaysAsks = $derived(this.aggregate ? this.columns.flatMap((column) => (isMetric(column) ? (asked(column) ?? []) : [])) : [])

  #summaries = new WeakMap<Line, Map<string, Stats | undefined>>()
  #summarised: unknown

  /** The numbers of a column in the runs of a group, or below a run. */
  summary(i: number, column: RunColumn): Stats | undefined {
    const line = this.lines[i]
    if (!line || !(isMetric(column) || (column.kind === 'params' && line.group))) return undefined
    if (this.#summarised !== this.#whole) {
      this.#summaries = new WeakMap()
      this.#summarised = this.#whole
    }
    let known = this.#summaries.get(line)
    if (!known) this.#summaries.set(line, (known = new Map()))
    if (known.has(column.id)) return known.get(column.id)
    const ask = asked(column) ?? ''
    const places = line.group?.places ?? below(this.found, line.at)
    const made = untrack(() => stats(places.map((at) => this.rows.get(this.found.rows[at])?.values[ask])))
    known.set(column.id, made)
    return made
  }

  bestOrMean(found: Stats, column: RunColumn): string {
    if (this.aggregate === 'mean') return short(found.mean, 4)
    return short(lowerIsBetter(column.key) ? found.min : found.max)
  }

  rangeOf(column: RunColumn): { min: number; max: number } | undefined {
    if (isMetric(column) && column.kind !== 'step') return this.ranges.get(column.key)
    const values = column.kind === 'params' ? this.keys.params.find((one) => one.key === column.key)?.values?.map(Number) : undefined
    return values && { min: Math.min(...values), max: Math.max(...values) }
  }

  selection = $derived.by((): 'none' | 'some' | 'all' => {
    if (this.chosen.size === 0) return 'none'
    return this.chosen.size >= this.found.total ? 'all' : 'some'
  })

  isChosen(line: Line): boolean {
    const runs = (line.group?.places ?? []).map((at) => this.rows.get(this.found.rows[at])?.id)
    return runs.length > 0 && runs.every((id) => id !== undefined && this.chosen.has(id))
  }

  /** Chooses lines, or no longer if all of them are. A group stands for its runs. */
  async pick(lines: readonly Line[], add: boolean) {
    const places = lines.flatMap((line) => line.group?.places ?? (line.at >= 0 ? [line.at] : []))
    const ids = await this.#idsOf(places)
    const next = new Set(this.chosen)
    const drop = !add && ids.every((id) => next.has(id))
    for (const id of ids) if (drop) next.delete(id)
    else next.add(id)
    this.choose(next)
  }

  async pickAll() {
    if (this.selection === 'all') return this.choose([])
    const context = new Set(this.found.context)
    this.choose(await this.#idsOf([...this.found.rows.keys()].filter((at) => !context.has(at))))
  }

  /** Runs below those chosen that are not chosen yet. */
  belowChosen = $derived.by((): number[] => {
    if (!this.nested || this.chosen.size === 0 || this.chosen.size > 500) return []
    const found: number[] = []
    for (let at = 0; at < this.found.rows.length; at++) {
      if ((this.found.depth?.[at + 1] ?? 0) <= (this.found.depth?.[at] ?? 0)) continue
      const id = this.rows.get(this.found.rows[at])?.id
      if (id === undefined || !this.chosen.has(id)) continue
      for (const under of below(this.found, at)) if (!this.chosen.has(this.rows.get(this.found.rows[under])?.id ?? '')) found.push(under)
    }
    return [...new Set(found)]
  })

  async pickBelow() {
    this.choose([...this.chosen, ...(await this.#idsOf(this.belowChosen))])
  }

  async #idsOf(places: readonly number[]): Promise<string[]> {
    const rows = places.flatMap((at) => this.found.rows[at] ?? [])
    await this.rows.all(rows, [], new AbortController().signal, () => undefined)
    return rows.flatMap((row) => this.rows.get(row)?.id || [])
  }

  /** Some runs changed: they are read again, and so is what was found. */
  reload(runs: readonly string[]) {
    this.rows.refresh(runs)
    this.find.reload()
    this.everything.reload()
    this.keysOf.reload()
  }

  /** For what is told of changes: those since then are not in what was found. */
  cursor = $derived(this.find.data?.cursor ?? (this.find.error && ''))

  /** What the server says has changed. */
  take(changes: Changes) {
    if (changes.runs.length || changes.points.length) this.rows.refresh([...changes.runs, ...changes.points])
    if (changes.new === 0) return
    if (this.atTop) this.#again()
    else this.fresh += changes.new
  }

  /** Reads anew what was found, with the runs that were made since. */
  showFresh() {
    this.#again()
  }

  #timer: ReturnType<typeof setTimeout> | undefined
  #read = 0
  /** At most once a second. */
  #again() {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#read = Date.now()
      this.fresh = 0
      this.find.reload()
      this.everything.reload()
      if (this.keys.runs < 200) this.keysOf.reload()
    }, Math.max(0, this.#read + 1000 - Date.now()))
  }

  choose(ids: Iterable<string>) {
    this.chosen = new Set(ids)
    const list = [...this.chosen]
    this.#linked = (list.length <= IN_LINK && listText(list)) || undefined
    setQuery({ runs: this.#linked }, true)
  }
}
