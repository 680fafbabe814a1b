/** A curve so small that only its shape is seen. */

/** The `d` of a path through the values, which keep their distance; what is not finite leaves a gap. */
export function sparkPath(xs: readonly number[], ys: readonly number[], width: number, height: number): string {
  const finite = ys.filter((y) => Number.isFinite(y))
  if (finite.length === 0) return ''
  let [low, high] = [Infinity, -Infinity]
  for (const y of finite) [low, high] = [Math.min(low, y), Math.max(high, y)]
  const [first, last] = [xs[0] ?? 0, xs.at(-1) ?? 0]
  const at = (x: number) => round(last > first ? ((x - first) / (last - first)) * width : width / 2)
  // Halved first, so that the range of the largest numbers there are is a number too.
  const up = (y: number) => round(high > low ? height - ((y / 2 - low / 2) / (high / 2 - low / 2)) * height : height / 2)
  let path = ''
  let pen = 'M'
  for (const [i, y] of ys.entries()) {
    if (!Number.isFinite(y)) pen = 'M'
    else {
      path += `${pen}${at(xs[i] ?? 0)} ${up(y)}`
      pen = 'L'
    }
  }
  return /L/.test(path) ? path : `${path}h0.01`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
