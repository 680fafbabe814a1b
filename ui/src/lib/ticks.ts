/** Round numbers around what an axis shows, and labels that do not lie on one another. */
import { roundStep } from './axis'

/** A few round values from at most `min` to at least `max`, at equal distances. */
export function ticks(min: number, max: number, about = 4): number[] {
  if (!Number.isFinite(min) || !Number.isFinite(max)) return []
  if (min === max) return ticks(min - (Math.abs(min) * 0.1 || 1), max + (Math.abs(max) * 0.1 || 1), about)
  const step = roundStep((max - min) / about)
  const first = Math.floor(min / step + 1e-9)
  const last = Math.ceil(max / step - 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

/**
 * For labels in order of x, each with its width, the lane in which it overlaps no other: 0 is the first.
 *
 * @param gap Least distance between two in a lane.
 */
export function lanes(labels: readonly { x: number; width: number }[], gap = 6): number[] {
  const ends: number[] = []
  return labels.map(({ x, width }) => {
    const begin = x - width / 2
    const free = ends.findIndex((end) => end + gap <= begin)
    const lane = free < 0 ? ends.length : free
    ends[lane] = x + width / 2
    return lane
  })
}
