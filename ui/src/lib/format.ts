/** How values are written. */

/** A number as the server spells it: JSON has no NaN. */
export type Spelled = number | 'NaN' | 'Infinity' | '-Infinity'

export function number(value: Spelled | null | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value)
}

/** Five significant digits, as short as can be: 0.91, 12345, 1.2346e-7. */
export function short(value: number | undefined, digits = 5): string {
  if (value === undefined) return ''
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞'
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (Number.isInteger(value) && size < 1e9) return String(value)
  if (size >= 1e-4 && size < 1e9) return String(Number(value.toPrecision(digits)))
  return Number(value.toPrecision(digits)).toExponential().replace('e+', 'e')
}

/** All digits. */
export function full(value: number | undefined): string {
  return value === undefined ? '' : String(value)
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A length of time in milliseconds: 420ms, 3.2s, 4m 12s, 2h 5m, 3d 4h. */
export function duration(ms: number | undefined): string {
  if (ms === undefined || ms < 0) return ''
  if (ms < 1000) return `${Math.round(ms)}ms`
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)}s`
  if (ms < MINUTE) return `${Math.floor(ms / 1000)}s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m ${Math.floor((ms % MINUTE) / 1000)}s`
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h ${Math.floor((ms % HOUR) / MINUTE)}m`
  return `${Math.floor(ms / DAY)}d ${Math.floor((ms % DAY) / HOUR)}h`
}

/** How long ago, roughly: just now, 5m ago, 3h ago, 12d ago; a date beyond a month. */
export function ago(time: number | undefined, now: number): string {
  if (!time) return ''
  const past = now - time
  if (past < MINUTE) return past < -MINUTE ? date(time) : 'just now'
  if (past < HOUR) return `${Math.floor(past / MINUTE)}m ago`
  if (past < DAY) return `${Math.floor(past / HOUR)}h ago`
  if (past < 31 * DAY) return `${Math.floor(past / DAY)}d ago`
  return date(time)
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const ZONED = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })

export function date(time: number | undefined): string {
  return time ? DATE.format(time) : ''
}

/** Date and time, local. */
export function moment(time: number | undefined): string {
  return time ? MOMENT.format(time) : ''
}

/** Date and time with the zone, for hovering. */
export function zoned(time: number | undefined): string {
  return time ? ZONED.format(time) : ''
}

/** Bytes: 512 B, 4.2 kB, 1.3 GB. */
export function size(bytes: number | undefined): string {
  if (bytes === undefined) return ''
  if (bytes < 1000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes / 1000
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

const COUNT = new Intl.NumberFormat('en-US')

/** A count with separators: 10,000. */
export function count(n: number): string {
  return COUNT.format(n)
}

/** "1 run", "3 runs". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}
