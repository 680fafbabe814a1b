/** Curves of the server's, asked for together by all panels that come into view, and kept. */
import { untrack } from 'svelte'
import { SvelteMap, SvelteSet } from 'svelte/reactivity'
import { call, type ApiError } from '../api/client'
import { connection } from '../api/connection.svelte'
import { curveOf, joined, refined, type Axis, type Curve, type Range } from '../lib/series'

export interface Wanted {
  runs: readonly { id: string; start?: number }[]
  axis: Axis
  /** The metric that is x. */
  x?: string
  zoom?: Range
}

/** Curves of one metric by run; null where a run has no points of it. */
interface Panel {
  /** What x is. */
  kind: string
  curves: ReadonlyMap<string, Curve | null>
  zoom?: string
  /** The same in the range that is zoomed into, for curves that are not whole. */
  parts: ReadonlyMap<string, Curve | null>
}

interface Ask {
  metrics: string[]
  runs: string[]
  range?: Range
}

const AXES = { step: 'step', time: 'timestamp', relative: 'relative_time', metric: 'step' } as const
const MOST_RUNS = 100
const MOST_CURVES = 1000
/** Of a URL: proxies take about 8 kB. */
const MOST_CHARACTERS = 6500
/** Milliseconds in which panels that come into view join one request. */
const TOGETHER = 20
/** Milliseconds between two looks at runs that go on. */
const PACE = 700

export class Curves {
  error = $state.raw<ApiError | undefined>()
  #panels = new SvelteMap<string, Panel>()
  #shown = new SvelteSet<string>()
  #stale = new Set<string>()
  #asked = new Set<string>()
  #abort = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  #last = 0

  constructor(private readonly wanted: () => Wanted) {
    let before = ''
    $effect(() => {
      const { runs, axis, x, zoom } = wanted()
      const kind = JSON.stringify([axis, x, zoom])
      void [runs.length, this.#shown.size]
      if (kind !== before) this.#forget()
      before = kind
      this.#soon(TOGETHER)
    })
    $effect(() => {
      if (connection.epoch > 0) untrack(() => this.refresh())
    })
    $effect(() => () => this.#forget())
  }

  /** The curves of a metric for the runs wanted, and what their x is; undefined until there are any. */
  of(metric: string): { axis: Axis; x?: string; curves: Curve[] } | undefined {
    const panel = this.#panels.get(metric)
    if (!panel) return undefined
    const { runs, zoom } = this.wanted()
    const [axis, x] = JSON.parse(panel.kind) as [Axis, string | undefined]
    const fits = zoom && panel.zoom === JSON.stringify(zoom)
    const curves = runs.flatMap(({ id }) => {
      const whole = panel.curves.get(id)
      const part = fits ? panel.parts.get(id) : undefined
      return !whole ? [] : part && zoom ? [refined(whole, part, zoom)] : [whole]
    })
    return { axis, x, curves }
  }

  /** It is known that none of the runs has a point of this metric. */
  lacks(metric: string): boolean {
    const panel = this.#panels.get(metric)
    const { runs, axis } = this.wanted()
    return panel !== undefined && axis !== 'metric' && runs.length > 0 && runs.every(({ id }) => panel.curves.get(id) === null)
  }

  /** Say that a metric is in view; what is returned says that it no longer is. */
  show(metric: string): () => void {
    untrack(() => this.#shown.add(metric))
    return () => void this.#shown.delete(metric)
  }

  /** Ask again for the points of runs that have new ones; of all runs if none are named. */
  refresh(runs?: readonly string[]): void {
    for (const [metric, panel] of this.#panels) {
      for (const run of runs ?? panel.curves.keys()) {
        this.#stale.add(name(metric, run))
        this.#stale.add(name(metric, run, true))
      }
    }
    this.#soon(Math.max(TOGETHER, this.#last + PACE - Date.now()))
  }

  #forget(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#abort.abort()
    this.#abort = new AbortController()
    this.#asked.clear()
  }

  #soon(delay: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#last = Date.now()
      for (const ask of this.#missing()) void this.#load(ask)
    }, delay)
  }

  #kind(): string {
    const { axis, x } = this.wanted()
    return JSON.stringify([axis, x])
  }

  /** What is to be asked for now, in as few requests as can be. */
  #missing(): Ask[] {
    const { runs, axis, zoom } = this.wanted()
    const kind = this.#kind()
    const asks = new Map<string, Ask>()
    const add = (metric: string, missing: string[], range?: Range) => {
      if (missing.length === 0) return
      const key = JSON.stringify([range, missing])
      const known = asks.get(key)
      if (known) known.metrics.push(metric)
      else asks.set(key, { metrics: [metric], runs: missing, range })
    }
    for (const metric of this.#shown) {
      const panel = this.#panels.get(metric)
      const known = panel?.kind === kind ? panel : undefined
      const needed = (run: string, have: boolean, part: boolean) => {
        const one = name(metric, run, part)
        return !(have && !this.#stale.has(one)) && !this.#asked.has(one)
      }
      const ids = runs.map((run) => run.id)
      add(metric, ids.filter((run) => needed(run, known?.curves.has(run) ?? false, false)))
      if (!zoom || axis === 'metric' || !known) continue
      const parts = known.zoom === JSON.stringify(zoom) ? known.parts : undefined
      const coarse = ids.filter((run) => known.curves.get(run)?.summed)
      add(metric, coarse.filter((run) => needed(run, parts?.has(run) ?? false, true)), whole(zoom))
    }
    return [...asks.values()].flatMap((ask) => this.#split(ask))
  }

  #split({ metrics, runs, range }: Ask): Ask[] {
    const extra = this.wanted().x === undefined ? 0 : 1
    const found: Ask[] = []
    for (let i = 0; i < runs.length; i += MOST_RUNS) {
      const some = runs.slice(i, i + MOST_RUNS)
      let ask: Ask | undefined
      let length = 0
      for (const metric of metrics) {
        const characters = encodeURIComponent(metric).length + 13
        const full = ask && (length + characters > MOST_CHARACTERS || (ask.metrics.length + 1 + extra) * some.length > MOST_CURVES)
        if (!ask || full) {
          found.push((ask = { metrics: [], runs: some, range }))
          length = some.length * 41
        }
        ask.metrics.push(metric)
        length += characters
      }
    }
    return found
  }

  async #load(ask: Ask): Promise<void> {
    const { axis, x, runs: all, zoom } = this.wanted()
    const kind = this.#kind()
    const { signal } = this.#abort
    const asked = ask.metrics.flatMap((metric) => ask.runs.map((run) => name(metric, run, ask.range !== undefined)))
    for (const one of asked) {
      this.#stale.delete(one)
      this.#asked.add(one)
    }
    try {
      const { charts = [] } = await call('GET 3.0/mlflow/metrics/charts', {
        run_ids: ask.runs,
        metric_keys: x === undefined ? ask.metrics : [...new Set([x, ...ask.metrics])],
        axis: AXES[axis],
        start: ask.range?.[0],
        end: ask.range?.[1],
        buckets: shares(ask.runs.length),
        // Curves of two metrics are joined where their shares are the same.
        own_ranges: x === undefined,
      }, signal)
      const starts = new Map(all.map((run) => [run.id, run.start]))
      const found = new Map(charts.map((chart) => [name(chart.metric_key ?? '', chart.run_id ?? ''), curveOf(chart, axis, starts.get(chart.run_id ?? ''))]))
      if (signal.aborted) return
      for (const metric of ask.metrics) this.#merge(metric, ask, kind, zoom, (run) => pick(found, metric, x, run))
      this.error = undefined
    } catch (error) {
      if (signal.aborted) return
      this.error = error as ApiError
      return
    } finally {
      if (!signal.aborted) for (const one of asked) this.#asked.delete(one)
    }
    this.#soon(TOGETHER) // a part of what came may be wanted finer, or have changed in between
  }

  #merge(metric: string, ask: Ask, kind: string, zoom: Range | undefined, curve: (run: string) => Curve | null): void {
    const before = this.#panels.get(metric)
    const old: Panel = before?.kind === kind ? before : { kind, curves: new Map(), parts: new Map() }
    const found = ask.runs.map((run) => [run, curve(run)] as const)
    if (!ask.range) {
      this.#panels.set(metric, { ...old, curves: new Map([...old.curves, ...found]) })
      return
    }
    const text = JSON.stringify(zoom)
    const parts = old.zoom === text ? old.parts : []
    this.#panels.set(metric, { ...old, zoom: text, parts: new Map([...parts, ...found]) })
  }
}

function name(metric: string, run: string, part = false): string {
  return `${run}${part ? '+' : ' '}${metric}`
}

/** Into how many shares the axis is cut: the more lines there are, the fewer can be told apart. */
function shares(runs: number): number {
  return runs <= 5 ? 500 : runs <= 25 ? 320 : 160
}

function whole([from, to]: Range): Range {
  return [Math.floor(from), Math.ceil(to)]
}

function pick(found: ReadonlyMap<string, Curve>, metric: string, x: string | undefined, run: string): Curve | null {
  const y = found.get(name(metric, run))
  if (!y || x === undefined) return y ?? null
  const along = found.get(name(x, run))
  return along ? joined(along, y) : null
}
