/** Curves of charts: from what the server answers to what is drawn. */
import { number, type Spelled } from './format'

/** What x is: the step, the time in ms since the epoch, the time in ms since the run's start, or a metric's value. */
export type Axis = 'step' | 'time' | 'relative' | 'metric'

/** One metric of one run, as `metrics/charts` answers it: its points where they are few, else shares of the x axis. */
export interface Answer {
  run_id?: string
  metric_key?: string
  points?: { step: number[]; timestamp: number[]; value: Spelled[] } | null
  buckets?: {
    start: number[]
    end: number[]
    min: (Spelled | null)[]
    max: (Spelled | null)[]
    mean: (Spelled | null)[]
    first: Spelled[]
    last: Spelled[]
    count: number[]
    nans: number[]
  } | null
}

/** A value that no line can go through; it is shown at the edge of the chart. */
export interface Mark {
  x: number
  kind: 'NaN' | 'Infinity' | '-Infinity'
}

/** Samples of one metric of one run, a column each of their parts. */
export interface Curve {
  run: string
  /** Ascending, unless x is a metric. */
  x: number[]
  /** NaN where there is no finite value. */
  y: number[]
  /** The least and greatest finite value of what a sample stands for; equal to y for single points. */
  low: number[]
  high: number[]
  /** Points that a sample stands for. */
  count: number[]
  /** Whether no line comes to a sample from the one before: values are missing in between. */
  apart: boolean[]
  marks: Mark[]
  /** Where x is a metric: the steps of the samples. */
  step?: number[]
  /** Whether samples stand for several points. */
  summed: boolean
}

/**
 * The curve of an answer.
 *
 * @param start Of the run, which relative times count from; the first point's if it is not known.
 */
export function curveOf(answer: Answer, axis: Axis, start?: number): Curve {
  const curve = answer.buckets ? ofBuckets(answer.buckets) : ofPoints(answer.points, axis, start)
  curve.run = answer.run_id ?? ''
  if (axis !== 'time') separate(curve)
  return curve
}

function empty(): Curve {
  return { run: '', x: [], y: [], low: [], high: [], count: [], apart: [], marks: [], summed: false }
}

function push(curve: Curve, x: number, y: number, low: number, high: number, count: number): void {
  curve.x.push(x)
  curve.y.push(y)
  curve.low.push(low)
  curve.high.push(high)
  curve.count.push(count)
  curve.apart.push(false)
}

function ofPoints(points: Answer['points'], axis: Axis, start: number | undefined): Curve {
  const curve = empty()
  if (!points) return curve
  const begin = axis === 'relative' ? (start ?? points.timestamp[0] ?? 0) : 0
  points.value.forEach((spelled, i) => {
    const x = axis === 'time' || axis === 'relative' ? (points.timestamp[i] ?? 0) - begin : (points.step[i] ?? 0)
    const value = valueOf(spelled)
    const finite = Number.isFinite(value)
    if (!finite) curve.marks.push({ x, kind: kindOf(value) })
    const y = finite ? value : NaN
    push(curve, x, y, y, y, 1)
  })
  return curve
}

function ofBuckets(b: NonNullable<Answer['buckets']>): Curve {
  const curve = empty()
  curve.summed = true
  b.start.forEach((from, i) => {
    const x = (from + (b.end[i] ?? from)) / 2
    const min = valueOf(b.min[i])
    const max = valueOf(b.max[i])
    const ends = [valueOf(b.first[i]), valueOf(b.last[i])].filter(Number.isFinite)
    if (b.nans[i]) curve.marks.push({ x, kind: 'NaN' })
    if (max === Infinity) curve.marks.push({ x, kind: 'Infinity' })
    if (min === -Infinity) curve.marks.push({ x, kind: '-Infinity' })
    // With infinities in it a mean says nothing; what else is known of the finite values stands for them.
    const known = [...[min, max].filter(Number.isFinite), ...ends]
    const low = known.length ? Math.min(...known) : NaN
    const high = known.length ? Math.max(...known) : NaN
    const mean = Number.isFinite(min) && Number.isFinite(max) ? valueOf(b.mean[i]) : (ends.at(-1) ?? NaN)
    push(curve, x, mean, low, high, b.count[i] ?? 0)
  })
  return curve
}

/** A value; what MLflow's stores keep for infinities, the largest doubles, is infinite again. */
function valueOf(spelled: Spelled | null | undefined): number {
  const value = number(spelled) ?? NaN
  return Math.abs(value) === Number.MAX_VALUE ? value * 2 : value
}

function kindOf(value: number): Mark['kind'] {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity'
}

/** How much wider than both its neighbours a space between samples is where something is missing. */
const GAP = 10
/** A space that is a smaller share of the whole range is left closed: nobody would see it. */
const VISIBLE = 0.02

/** Note where steps are missing. */
function separate(curve: Curve): void {
  const { x, apart } = curve
  const n = x.length
  if (n < 4) return
  const range = (x[n - 1] ?? 0) - (x[0] ?? 0)
  const usual = usualSpace(x)
  for (let i = 1; i < n; i++) {
    const here = at(x, i) - at(x, i - 1)
    if (here < range * VISIBLE) continue
    const before = i > 1 ? at(x, i - 1) - at(x, i - 2) : usual
    const after = i < n - 1 ? at(x, i + 1) - at(x, i) : usual
    apart[i] = here > GAP * Math.max(before, after, usual)
  }
}

/** The median of the spaces between samples that are not at one place. */
function usualSpace(x: readonly number[]): number {
  const spaces: number[] = []
  for (let i = 1; i < x.length; i++) {
    const space = at(x, i) - at(x, i - 1)
    if (space > 0) spaces.push(space)
  }
  spaces.sort((a, b) => a - b)
  return spaces[spaces.length >> 1] ?? 1
}

/**
 * The moving mean of a curve's y: exponential, without a bias at its beginning, and with a memory that fades
 * with the distance in x, so that missing or dense samples do not change how smooth it is.
 *
 * @param amount From 0, which changes nothing, to less than 1.
 */
export function smoothed(curve: Curve, amount: number): number[] {
  if (amount <= 0) return curve.y
  const along = curve.step ?? curve.x
  const unit = usualSpace(along)
  let sum = 0
  let weight = 0
  let last = NaN
  return curve.y.map((y, i) => {
    if (!Number.isFinite(y)) return NaN
    const here = at(along, i)
    // Several values at one place count like one each.
    const distance = Number.isNaN(last) ? 0 : Math.max(here - last, 0) / unit
    const keep = amount ** (distance > 0 ? distance : 1)
    sum = sum * keep + y
    weight = weight * keep + 1
    last = here
    return sum / weight
  })
}

/** The curve of one metric over another of the same run: y of both at the same steps, in the order of steps. */
export function joined(x: Curve, y: Curve): Curve {
  const curve = empty()
  curve.run = y.run
  curve.summed = x.summed || y.summed
  curve.step = []
  let i = 0
  y.x.forEach((step, j) => {
    while (i + 1 < x.x.length && at(x.x, i + 1) <= step) i += 1
    const where = x.y[i]
    if (x.x[i] !== step || where === undefined || !Number.isFinite(where)) return
    push(curve, where, at(y.y, j), at(y.low, j), at(y.high, j), at(y.count, j))
    curve.step?.push(step)
    if (!Number.isFinite(at(y.y, j))) curve.marks.push({ x: where, kind: y.marks.find((m) => m.x === step)?.kind ?? 'NaN' })
  })
  return curve
}

/** A curve whose samples between two x are replaced by finer ones of the same metric. */
export function refined(whole: Curve, part: Curve, [from, to]: Range): Curve {
  const curve = empty()
  curve.run = whole.run
  curve.summed = part.summed || whole.summed
  const add = (c: Curve, wanted: (x: number) => boolean) => {
    c.x.forEach((x, i) => {
      if (!wanted(x)) return
      push(curve, x, at(c.y, i), at(c.low, i), at(c.high, i), at(c.count, i))
      curve.apart[curve.apart.length - 1] = c.apart[i] ?? false
    })
    curve.marks.push(...c.marks.filter((mark) => wanted(mark.x)))
  }
  add(whole, (x) => x < from)
  add(part, (x) => x >= from && x <= to)
  add(whole, (x) => x > to)
  return curve
}

export type Range = [number, number]

/** The least and greatest x of all curves; undefined if there are no samples. */
export function rangeOfX(curves: readonly Curve[], log = false): Range | undefined {
  const range: Range = [Infinity, -Infinity]
  for (const { x } of curves) {
    for (const value of x) {
      if (!Number.isFinite(value) || (log && value <= 0)) continue
      if (value < range[0]) range[0] = value
      if (value > range[1]) range[1] = value
    }
  }
  return range[0] <= range[1] ? range : undefined
}

/** The least and greatest value that curves show between two x, whatever stands out. */
export function rangeOfY(curves: readonly Curve[], within?: Range, log = false): Range | undefined {
  const range: Range = [Infinity, -Infinity]
  for (const { x, low, high } of curves) {
    for (let i = 0; i < x.length; i++) {
      if (within && (at(x, i) < within[0] || at(x, i) > within[1])) continue
      const least = at(low, i)
      const most = at(high, i)
      if (least < range[0] && !(log && least <= 0)) range[0] = least
      if (most > range[1] && !(log && most <= 0)) range[1] = most
      if (log && least <= 0 && most > 0 && most < range[0]) range[0] = most
    }
  }
  return range[0] <= range[1] ? range : undefined
}

/** A range with room at its ends; around a single value, too. */
export function roomy([low, high]: Range, log: boolean, share = 0.06): Range {
  if (log) {
    const room = Math.max((high / low) ** share, low === high ? 2 : 1.02)
    return [low / room, high * room]
  }
  if (low === high) {
    const room = Math.abs(low) * 0.1 || 1
    return [low - room, high + room]
  }
  const room = (high - low) * share
  return [low - room, high + room]
}

/** The sample that is next to an x; -1 if there is none. Ascending x only. */
export function nearest(xs: readonly number[], x: number): number {
  let from = 0
  let to = xs.length - 1
  if (to < 0) return -1
  while (to - from > 1) {
    const middle = (from + to) >> 1
    if (at(xs, middle) <= x) from = middle
    else to = middle
  }
  return Math.abs(at(xs, to) - x) < Math.abs(at(xs, from) - x) ? to : from
}

/** What a table tells of a curve. */
export interface Summary {
  points: number
  low?: { y: number; x: number }
  high?: { y: number; x: number }
  last?: number
  marks: number
}

export function summaryOf(curve: Curve): Summary {
  const found: Summary = { points: 0, marks: curve.marks.length }
  curve.x.forEach((x, i) => {
    found.points += at(curve.count, i)
    const [low, high, y] = [at(curve.low, i), at(curve.high, i), at(curve.y, i)]
    if (Number.isFinite(low) && low < (found.low?.y ?? Infinity)) found.low = { y: low, x }
    if (Number.isFinite(high) && high > (found.high?.y ?? -Infinity)) found.high = { y: high, x }
    if (Number.isFinite(y)) found.last = y
  })
  return found
}

/** Curves as CSV: a line for each sample. */
export function csv(curves: readonly Curve[], nameOf: (run: string) => string, xName: string, yName: string): string {
  const head = ['run', 'run_id', xName, yName, 'min', 'max', 'points']
  const lines = [head.map(cell).join(',')]
  for (const c of curves) {
    c.x.forEach((x, i) => {
      lines.push([cell(nameOf(c.run)), c.run, x, at(c.y, i), at(c.low, i), at(c.high, i), at(c.count, i)].join(','))
    })
  }
  return `${lines.join('\n')}\n`
}

/** A cell of CSV. What a spreadsheet would take for a formula is made text. */
export function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** `zoom=100..900` as a range. */
export function rangeFrom(text: string | undefined): Range | undefined {
  const [from, to, ...rest] = (text ?? '').split('..').map((part) => (part === '' ? NaN : Number(part)))
  if (from === undefined || to === undefined || rest.length || !(from < to)) return undefined
  return Number.isFinite(from) && Number.isFinite(to) ? [from, to] : undefined
}

/** The opposite of `rangeFrom`, with as many digits as the range's width asks for. */
export function rangeText([from, to]: Range): string {
  const digits = Math.max(0, Math.min(15, 2 - Math.floor(Math.log10(to - from))))
  const text = (value: number) => String(Number(value.toFixed(digits)))
  return `${text(from)}..${text(to)}`
}

function at(list: readonly number[], i: number): number {
  return list[i] ?? NaN
}
