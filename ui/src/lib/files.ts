/** Files of several runs, matched by name; images of a series by step. */
import { inOrder, seriesOf, type Entry } from './artifacts'

export interface Match {
  name: string
  folder: boolean
  /** For each run; undefined where it has none. */
  entries: (Entry | undefined)[]
  /** How many of the runs have it. */
  runs: number
  /** Of a series: all steps that any run has, ascending, and for each run its images by step. */
  steps?: number[]
  frames?: ReadonlyMap<number, Entry>[]
}

/** What lies in the same folder of several runs: folders, then series, then files. */
export function matched(listings: readonly (readonly Entry[])[]): Match[] {
  const parts = listings.map((entries) => seriesOf(entries))
  const plain = new Map<string, Match>()
  parts.forEach(({ rest }, i) => {
    for (const entry of rest) {
      const key = `${entry.folder} ${entry.name}`
      const match: Match = plain.get(key) ?? { name: entry.name, folder: entry.folder, entries: listings.map(() => undefined), runs: 0 }
      match.entries[i] = entry
      match.runs += 1
      plain.set(key, match)
    }
  })
  const keys = [...new Set(parts.flatMap(({ series }) => series.map((one) => one.key)))].sort()
  const series = keys.map((key): Match => {
    const frames = parts.map(({ series }) => new Map((series.find((one) => one.key === key)?.frames ?? []).map((frame): [number, Entry] => [frame.step, frame.entry])))
    const steps = [...new Set(frames.flatMap((one) => [...one.keys()]))].sort((a, b) => a - b)
    return { name: key, folder: false, entries: frames.map((one) => one.get(steps[0] ?? NaN)), runs: frames.filter((one) => one.size).length, steps, frames }
  })
  const order = inOrder([...plain.values()].map(({ name, folder }) => ({ path: name, name, folder, size: 0 })))
  const sorted = order.flatMap(({ name, folder }) => plain.get(`${folder} ${name}`) ?? [])
  return [...sorted.filter((one) => one.folder), ...series, ...sorted.filter((one) => !one.folder)]
}
