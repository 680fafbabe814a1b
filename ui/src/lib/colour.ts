/** Colours of runs: fixed by their id, and told apart by people who are colour-blind, on light and on dark. */

const LIGHT = ['#0072b2', '#d55e00', '#009e73', '#b5589b', '#8a6d00', '#3b8fd1', '#a03030', '#4d7f17', '#6a51a3', '#5c6670', '#c2397f', '#00798c']
const DARK = ['#56b4e9', '#f08a4b', '#2fc997', '#e08cc3', '#d9b93c', '#8fc7ff', '#f07f7f', '#9bd15b', '#b5a1f0', '#b4bec8', '#ff8fc0', '#4fd0df']

export const COLOURS = LIGHT.length

/** A number below COLOURS, always the same for the same id. */
export function colourNumber(id: string): number {
  let hash = 2166136261
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 16777619)
  hash ^= hash >>> 15
  return (hash >>> 0) % COLOURS
}

/** The colour of a run, or of anything else with an id. */
export function colour(id: string, dark: boolean): string {
  return coloured(colourNumber(id), dark)
}

export function coloured(i: number, dark: boolean): string {
  const palette = dark ? DARK : LIGHT
  return palette[i % palette.length] ?? '#888888'
}

/**
 * The colour of a run: the one that its tag `mlflow.runColor` says, if it does (one of ours keeps to the theme), else
 * that of its number, which `apart` gives to runs that are shown together.
 */
export function runColour(id: string, tag: unknown, dark: boolean, number = colourNumber(id)): string {
  if (typeof tag !== 'string' || !/^#[0-9a-f]{6}$/i.test(tag)) return coloured(number, dark)
  const ours = LIGHT.indexOf(tag.toLowerCase())
  return ours < 0 ? tag : coloured(ours, dark)
}

/**
 * Numbers of colours for things that are shown together: their own, but where two of the first COLOURS would have the
 * same, the later one takes one that is free.
 */
export function apart(ids: readonly string[]): Map<string, number> {
  const found = new Map<string, number>()
  const taken = new Set<number>()
  for (const id of ids) {
    let i = colourNumber(id)
    if (taken.size < COLOURS) while (taken.has(i)) i = (i + 5) % COLOURS // neighbours are told apart least
    taken.add(i)
    found.set(id, i)
  }
  return found
}
