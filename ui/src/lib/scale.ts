/** Axes of values of runs: numbers, on a log scale where they ask for it, or categories. */
import { splits, tick } from './axis'

export type Cell = number | string | undefined

export interface Scale {
  kind: 'number' | 'category'
  log: boolean
  /** From 0, the lower end, to 1; undefined for what has no place. */
  at: (value: Cell) => number | undefined
  ticks: { at: number; text: string }[]
}

/** From so many times the least on, positive numbers are spread over a log scale. */
const SPREAD = 100

/** A text that is a number counts as one. */
export function numberOf(value: Cell): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (value === undefined || value.trim() === '') return undefined
  const found = Number(value)
  return Number.isFinite(found) ? found : undefined
}

export function isNumeric(values: readonly Cell[]): boolean {
  const known = values.filter((value) => value !== undefined && !(typeof value === 'number' && !Number.isFinite(value)))
  return known.length > 0 && known.every((value) => numberOf(value) !== undefined)
}

/**
 * @param log Whether the scale is logarithmic; undefined to decide by the values.
 */
export function scaleOf(values: readonly Cell[], about = 5, log?: boolean): Scale {
  return isNumeric(values) ? ofNumbers(values.flatMap((value) => numberOf(value) ?? []), about, log) : ofCategories(values)
}

function ofNumbers(numbers: readonly number[], about: number, wanted: boolean | undefined): Scale {
  let [min, max] = [Math.min(...numbers), Math.max(...numbers)]
  const distinct = [...new Set(numbers)].sort((a, b) => a - b)
  const log = min > 0 && (wanted ?? (max / min >= SPREAD || isGeometric(distinct)))
  if (min === max) [min, max] = log ? [min / 2, max * 2] : [min - (Math.abs(min) * 0.1 || 1), max + (Math.abs(max) * 0.1 || 1)]
  const place = log ? (n: number) => Math.log(n / min) / Math.log(max / min) : (n: number) => (n - min) / (max - min)
  const few = distinct.length > 1 && distinct.length <= about + 1 && distinct.every((n, i) => i === 0 || place(n) - place(distinct[i - 1] ?? n) > 0.5 / about)
  const marks = few ? distinct : log ? powers(min, max, about) : splits(min, max, about)
  return {
    kind: 'number',
    log,
    at: (value) => {
      const n = numberOf(value)
      return n === undefined || (log && n <= 0) ? undefined : place(n)
    },
    ticks: marks.map((n) => ({ at: place(n), text: tick(n) })),
  }
}

/** Such as 32, 64, 128: each about as many times the one before. */
function isGeometric(sorted: readonly number[]): boolean {
  const ratios = sorted.slice(1).map((n, i) => n / (sorted[i] ?? n))
  return ratios.length >= 2 && Math.min(...ratios) >= 1.5 && Math.max(...ratios) / Math.min(...ratios) < 1.6
}

/** Powers of ten between two numbers, and their multiples if there are too few; always at least the ends. */
function powers(min: number, max: number, about: number): number[] {
  for (const steps of [[1], [1, 3], [1, 2, 5]]) {
    const found: number[] = []
    for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
      for (const step of steps) {
        const n = Number((step * 10 ** power).toPrecision(3))
        if (n >= min * 0.999 && n <= max * 1.001) found.push(n)
      }
    }
    if (found.length >= 3) return found.filter((_, i) => i % Math.ceil(found.length / (about + 2)) === 0)
  }
  return [min, max]
}

const NATURAL = new Intl.Collator('en', { numeric: true })

function ofCategories(values: readonly Cell[]): Scale {
  const names = [...new Set(values.filter((value) => value !== undefined).map(String))].sort(NATURAL.compare)
  const place = new Map(names.map((name, i) => [name, names.length === 1 ? 0.5 : i / (names.length - 1)]))
  return {
    kind: 'category',
    log: false,
    at: (value) => (value === undefined ? undefined : place.get(String(value))),
    ticks: names.map((text) => ({ at: place.get(text) ?? 0, text })),
  }
}

export interface Box {
  min: number
  low: number
  median: number
  high: number
  max: number
  count: number
}

/** Quartiles of numbers; undefined of none. */
export function boxOf(numbers: readonly number[]): Box | undefined {
  const sorted = [...numbers].sort((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (min === undefined || max === undefined) return undefined
  const part = (share: number) => {
    const at = share * (sorted.length - 1)
    const [a, b] = [sorted[Math.floor(at)] ?? min, sorted[Math.ceil(at)] ?? max]
    return a + (b - a) * (at % 1)
  }
  return { min, low: part(0.25), median: part(0.5), high: part(0.75), max, count: sorted.length }
}

/** Colours from low to high, told apart by lightness, too; on light and on dark. */
const LIGHT = ['#3a1070', '#7a2a8e', '#bd3d78', '#dd6a3a', '#d39a00']
const DARK = ['#7468dd', '#b968c4', '#f2758a', '#ffa36b', '#ffe27a']

/** @param share From 0 to 1. */
export function ramp(share: number, dark: boolean): string {
  const stops = dark ? DARK : LIGHT
  const at = Math.max(0, Math.min(1, share)) * (stops.length - 1)
  const [a = '', b = ''] = [stops[Math.floor(at)], stops[Math.ceil(at)]]
  const mixed = [1, 3, 5].map((i) => {
    const [from, to] = [parseInt(a.slice(i, i + 2), 16), parseInt(b.slice(i, i + 2), 16)]
    return Math.round(from + (to - from) * (at % 1)).toString(16).padStart(2, '0')
  })
  return `#${mixed.join('')}`
}
