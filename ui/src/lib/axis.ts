/** How the axes of charts are divided and labelled. */
import { duration, moment, short } from './format'
import type { Axis } from './series'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Round lengths of time in milliseconds, for an axis of times since a start. */
export const LENGTHS: number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map((n) => n * DAY),
]

/** The round distance, 1, 2 or 5 of a power of ten, that is `least` or a little more. */
export function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return power * ([1, 2, 5].find((n) => n * power >= least * 0.999) ?? 10)
}

/** Round numbers between two, at most so many. */
export function splits(min: number, max: number, most: number): number[] {
  const step = roundStep((max / most - min / most) || 1) // not (max - min) / most, which may be infinite
  const found: number[] = []
  for (let n = Math.ceil(min / step); n * step <= max && found.length <= most + 1; n++) {
    // Without the dust of binary fractions, such as 0.30000000000000004.
    found.push(Number((n * step).toPrecision(12)))
  }
  return found
}

/** Round lengths of time between two, in milliseconds, at most so many. */
export function lengthSplits(min: number, max: number, most: number): number[] {
  const least = (max - min) / most
  const step = least < 1 ? undefined : LENGTHS.find((length) => length >= least * 0.999)
  if (step === undefined) return splits(min, max, most)
  const first = Math.ceil(min / step)
  return Array.from({ length: Math.max(0, Math.floor(max / step) - first + 1) }, (_, i) => (first + i) * step)
}

/** A number beside an axis: 0.25, 1200, 20k, 1.5M, 1e-7. */
export function tick(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e4 && size < 1e12) {
    const [by, unit] = size >= 1e9 ? [1e9, 'G'] : size >= 1e6 ? [1e6, 'M'] : [1e3, 'k']
    const scaled = value / by
    if (Math.abs(scaled - Number(scaled.toPrecision(5))) <= Math.abs(scaled) * 1e-9) return `${Number(scaled.toPrecision(5))}${unit}`
  }
  return short(Number(value.toPrecision(10)), 6)
}

/** Labels of an axis of times since a start: each with the units that its neighbours ask for. */
export function lengthTick(ms: number): string {
  if (ms === 0) return '0'
  const size = Math.abs(ms)
  const text =
    size >= DAY ? parts(size, [[DAY, 'd'], [HOUR, 'h']])
    : size >= HOUR ? parts(size, [[HOUR, 'h'], [MINUTE, 'm']])
    : size >= MINUTE ? parts(size, [[MINUTE, 'm'], [SECOND, 's']])
    : size >= SECOND ? `${Number((size / SECOND).toFixed(3))}s`
    : `${Number(size.toFixed(3))}ms`
  return ms < 0 ? `−${text}` : text
}

function parts(ms: number, [[big, bigUnit], [small, smallUnit]]: [[number, string], [number, string]]): string {
  const rest = Math.round((ms % big) / small)
  return rest === 0 ? `${Math.floor(ms / big)}${bigUnit}` : `${Math.floor(ms / big)}${bigUnit} ${rest}${smallUnit}`
}

const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const EXACT = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const DATE = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const YEAR = new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric' })

/** Labels of an axis of times: what they have in common, the day or the year, stands below the first that has it. */
export function timeTicks(splits: readonly number[]): string[] {
  const space = (splits[1] ?? 0) - (splits[0] ?? 0)
  let above = ''
  return splits.map((ms) => {
    const [upper, lower] =
      space >= 28 * DAY ? [YEAR.format(ms), '']
      : space >= DAY ? [DATE.format(ms), String(new Date(ms).getFullYear())]
      : [(space >= MINUTE ? TIME : EXACT).format(ms), DATE.format(ms)]
    const text = lower && lower !== above ? `${upper}\n${lower}` : upper
    above = lower
    return text
  })
}

/** An x as a tooltip and a table write it. */
export function xText(x: number, axis: Axis, metric = ''): string {
  switch (axis) {
    case 'step':
      return `Step ${Math.round(x).toLocaleString('en-US')}`
    case 'time':
      return moment(x)
    case 'relative':
      return `After ${duration(x) || lengthTick(x)}`
    case 'metric':
      return `${metric} ${short(x)}`
  }
}
