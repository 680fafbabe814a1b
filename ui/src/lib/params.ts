/** Params: nested settings, and how those of one run differ from those of others. */

export interface Pair {
  key: string
  value: string
}

export type Value = null | boolean | number | string | Value[] | { [key: string]: Value }

/** The object or array that a text is as JSON; undefined if it is none. */
export function nestedValue(text: string): Value | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    const value = JSON.parse(text) as Value
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** Params as one object: keys with dots, where several share a beginning, and values that are JSON become levels of it. */
export function nested(params: readonly Pair[]): { [key: string]: Value } {
  const keys = new Set(params.map((p) => p.key))
  const shared = new Map<string, number>()
  for (const { key } of params) for (const prefix of prefixes(key)) shared.set(prefix, (shared.get(prefix) ?? 0) + 1)
  const root = bare()
  for (const { key, value } of [...params].sort((a, b) => a.key.localeCompare(b.key))) {
    let here = root
    let rest = key
    for (;;) {
      const dot = rest.indexOf('.')
      const prefix = key.slice(0, key.length - rest.length + dot)
      if (dot <= 0 || dot === rest.length - 1 || (shared.get(prefix) ?? 0) < 2 || keys.has(prefix)) break
      const step = rest.slice(0, dot)
      here = (here[step] ??= bare()) as { [key: string]: Value }
      rest = rest.slice(dot + 1)
    }
    here[rest] = nestedValue(value) ?? value
  }
  return root
}

function bare(): { [key: string]: Value } {
  return Object.create(null) as { [key: string]: Value }
}

function prefixes(key: string): string[] {
  const dots = [...key.matchAll(/\./g)].map((dot) => dot.index)
  return dots.filter((at) => at > 0).map((at) => key.slice(0, at))
}

/** Every single value, with the way to it: `config.model.layers[0].units`. Params that are JSON are taken apart. */
export function leaves(params: readonly Pair[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const { key, value } of params) {
    const parts = nestedValue(value)
    if (parts === undefined) found.set(key, value)
    else descend(parts, key, found)
  }
  return found
}

function descend(value: Value, path: string, found: Map<string, string>): void {
  if (typeof value !== 'object' || value === null) found.set(path, String(value))
  else if (Array.isArray(value)) {
    if (value.length === 0) found.set(path, '[]')
    for (const [i, item] of value.entries()) descend(item, `${path}[${i}]`, found)
  } else {
    const entries = Object.entries(value)
    if (entries.length === 0) found.set(path, '{}')
    for (const [key, item] of entries) descend(item, `${path}.${key}`, found)
  }
}

/** What most have: the median of numbers, else the most frequent value; undefined of nothing. */
export function typical(values: readonly string[]): string | undefined {
  if (values.length === 0) return undefined
  if (values.every((value) => value.trim() !== '' && Number.isFinite(Number(value)))) {
    const sorted = [...values].sort((a, b) => Number(a) - Number(b))
    return sorted[(sorted.length - 1) >> 1]
  }
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0]
}

export interface Compared extends Pair {
  /** What it is elsewhere; undefined if it is the same there, or not there at all. */
  other?: string
  differs: boolean
}

/**
 * Params, those that differ from the others first. Of those that are JSON, each single value that differs is one, under the way
 * to it; if none does they stay whole.
 *
 * @param others Their values by key; undefined if there is nothing to compare with.
 */
export function againstOthers(params: readonly Pair[], others: ReadonlyMap<string, readonly string[]> | undefined): Compared[] {
  const made = params.flatMap((param): Compared[] => {
    const values = others?.get(param.key) ?? []
    if (nestedValue(param.value) === undefined) return [compared(param, values)]
    const theirs = values.map((value) => leaves([{ key: param.key, value }]))
    const parts = [...leaves([param])].map(([key, value]) => compared({ key, value }, theirs.flatMap((one) => one.get(key) ?? [])))
    const differing = parts.filter((part) => part.differs)
    return differing.length ? differing : [{ ...param, differs: false }]
  })
  return made.sort((a, b) => Number(b.differs) - Number(a.differs) || a.key.localeCompare(b.key))
}

function compared({ key, value }: Pair, others: readonly string[]): Compared {
  const usual = typical(others)
  const differs = usual !== undefined && usual !== value
  return { key, value, other: differs ? usual : undefined, differs }
}

export interface Difference {
  path: string
  mine?: string
  other?: string
}

/** Leaves of two runs side by side, in the order of their names. */
export function sideBySide(mine: readonly Pair[], other: readonly Pair[]): Difference[] {
  const [a, b] = [leaves(mine), leaves(other)]
  return [...new Set([...a.keys(), ...b.keys()])].sort((x, y) => x.localeCompare(y)).map((path) => ({ path, mine: a.get(path), other: b.get(path) }))
}
