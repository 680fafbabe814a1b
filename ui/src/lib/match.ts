/** Finding by a few letters. */

/**
 * How well a text fits what was typed, less being better; undefined if it does not. All words must occur;
 * at the beginning of the text or of a word of it is better than within.
 */
export function fit(text: string, typed: string): number | undefined {
  const lower = text.toLowerCase()
  let total = 0
  for (const word of typed.toLowerCase().split(/\s+/)) {
    if (word === '') continue
    const at = lower.indexOf(word)
    if (at < 0) return undefined
    total += at === 0 ? 0 : /[\s/_.\-:]/.test(lower[at - 1] ?? '') ? 1 : 3
  }
  return total + text.length / 1000
}

/** Those that fit, best first; all of them, as they came, if nothing was typed. */
export function rank<T>(items: readonly T[], typed: string, textOf: (item: T) => string): T[] {
  if (typed.trim() === '') return [...items]
  const fits = items.flatMap((item) => {
    const score = fit(textOf(item), typed)
    return score === undefined ? [] : [{ item, score }]
  })
  return fits.sort((a, b) => a.score - b.score).map(({ item }) => item)
}
