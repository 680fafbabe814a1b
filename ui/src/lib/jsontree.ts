/** Nested data as a tree. */

/** Members of an object or array, in order; undefined of a value without any. */
export function members(value: unknown): [string, unknown][] | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return Array.isArray(value) ? value.map((item, i) => [String(i), item]) : Object.entries(value)
}

/** What stands for it while it is closed: `{3}`, `[12]`. */
export function summary(value: unknown): string {
  if (Array.isArray(value)) return value.length ? `[${value.length}]` : '[]'
  const n = Object.keys(value as object).length
  return n ? `{${n}}` : '{}'
}

/** The parts of it in whose keys or values a text occurs; undefined if there is none. Arrays keep the places of their items. */
export function only(value: unknown, wanted: string): unknown {
  if (wanted === '') return value
  const lower = wanted.toLowerCase()
  return pruned(value, lower)
}

function pruned(value: unknown, lower: string): unknown {
  const inner = members(value)
  if (!inner) return String(value).toLowerCase().includes(lower) ? value : undefined
  const kept = Object.create(null) as Record<string, unknown>
  let some = false
  for (const [key, item] of inner) {
    const found = !Array.isArray(value) && key.toLowerCase().includes(lower) ? item : pruned(item, lower)
    if (found === undefined) continue
    kept[key] = found
    some = true
  }
  return some ? kept : undefined
}

/** How many levels can be open while there are not too many lines; at least one. */
export function levelsFor(value: unknown, most = 60): number {
  let level = [value]
  let lines = 0
  for (let depth = 0; depth < 100; depth++) {
    level = level.flatMap((one) => members(one)?.map(([, item]) => item) ?? [])
    if (level.length === 0) return Math.max(1, depth)
    lines += level.length
    if (lines > most) return Math.max(1, depth)
  }
  return 100
}

export type Sort = 'string' | 'number' | 'boolean' | 'null'

export function sortOf(value: unknown): Sort {
  if (value === null || value === undefined) return 'null'
  return typeof value === 'number' || typeof value === 'boolean' ? (typeof value as Sort) : 'string'
}
