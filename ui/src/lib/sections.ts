/** Metrics by the first step of their names. */

export interface Section {
  /** The step; empty for what has none, or too few neighbours to be apart. */
  name: string
  metrics: string[]
  /** Whether it is open unless the reader says otherwise: what a page shows at first has an end. */
  open: boolean
}

/** How many panels are open by themselves. */
const ENOUGH = 48
/** So many metrics with the same first step make a section: fewer would leave rows half empty. */
const FEW = 3

/** Sections in the order in which their metrics come, first what belongs to none. */
export function sectionsOf(metrics: readonly string[]): Section[] {
  const groups = new Map<string, string[]>()
  for (const metric of metrics) {
    const name = stepOf(metric)
    const known = groups.get(name)
    if (known) known.push(metric)
    else groups.set(name, [metric])
  }
  const apart = [...groups].filter(([name, list]) => name === 'system' || (name !== '' && list.length >= FEW))
  const own = new Set(apart.map(([name]) => name))
  const rest = metrics.filter((metric) => !own.has(stepOf(metric)))
  const all: [string, string[]][] = rest.length ? [['', rest], ...apart] : apart
  let before = 0
  return all.map(([name, list]) => {
    const open = before === 0 || before + list.length <= ENOUGH
    before += list.length
    return { name, metrics: list, open }
  })
}

function stepOf(metric: string): string {
  const cut = metric.indexOf('/')
  return cut > 0 ? metric.slice(0, cut) : ''
}
