import { expect, test } from 'vitest'
import { cell, csv, curveOf, joined, nearest, rangeFrom, rangeOfX, rangeOfY, rangeText, refined, roomy, smoothed, summaryOf, type Answer, type Curve } from './series'

function points(values: (number | 'NaN' | 'Infinity' | '-Infinity')[], steps = values.map((_, i) => i)): Answer {
  return { run_id: 'r', metric_key: 'm', points: { step: steps, timestamp: steps.map((s) => 5000 + 10 * s), value: values } }
}

const BUCKETS: Answer = {
  run_id: 'r',
  metric_key: 'm',
  buckets: {
    start: [0, 10, 20, 30], end: [9, 19, 29, 39], min: [0, -1, null, '-Infinity'], max: [1, 1000, null, 'Infinity'], mean: [0.5, 4, null, 1e300],
    first: [0, 0.5, 'NaN', 2], last: [1, 0.6, 'NaN', 3], count: [10, 10, 3, 10], nans: [0, 0, 3, 0],
  },
}

function curve(answer: Answer): Curve {
  return curveOf(answer, 'step')
}

test('points are samples of their own', () => {
  const found = curve(points([1, 2, 3]))
  expect(found).toMatchObject({ run: 'r', x: [0, 1, 2], y: [1, 2, 3], low: [1, 2, 3], high: [1, 2, 3], summed: false, marks: [] })
  expect(curveOf(points([1, 2]), 'time').x).toEqual([5000, 5010])
  expect(curveOf(points([1, 2]), 'relative', 4000).x).toEqual([1000, 1010])
  expect(curveOf(points([1, 2]), 'relative').x).toEqual([0, 10])
  expect(curveOf({ run_id: 'r' }, 'step').x).toEqual([])
})

test('what is no finite number is a mark, and no line goes through it', () => {
  const found = curve(points([1, 'NaN', 3, 'Infinity', '-Infinity', Number.MAX_VALUE, -Number.MAX_VALUE]))
  expect(found.y.map(Number.isFinite)).toEqual([true, false, true, false, false, false, false])
  expect(found.marks.map((mark) => mark.kind)).toEqual(['NaN', 'Infinity', '-Infinity', 'Infinity', '-Infinity'])
  expect(found.marks.map((mark) => mark.x)).toEqual([1, 3, 4, 5, 6])
})

test('shares keep the extremes of all their points', () => {
  const found = curve(BUCKETS)
  expect(found.x).toEqual([4.5, 14.5, 24.5, 34.5])
  expect(found.high[1]).toBe(1000)
  expect(found.low[1]).toBe(-1)
  expect(rangeOfY([found])).toEqual([-1, 1000])
  expect(found.marks.map((mark) => mark.kind)).toEqual(['NaN', 'Infinity', '-Infinity'])
  // With infinities among them the last finite value stands for the others.
  expect([found.y[3], found.low[3], found.high[3]]).toEqual([3, 2, 3])
  expect(found.y[2]).toBeNaN()
})

test('where steps are missing the line is apart', () => {
  const steps = [...Array(20).keys(), ...Array.from({ length: 20 }, (_, i) => 200 + i), 900]
  expect(curve(points(steps, steps)).apart.flatMap((apart, i) => (apart ? [i] : []))).toEqual([20, 40])
  const sparse = Array.from({ length: 12 }, (_, i) => 2 ** i) // each space is twice the one before
  expect(curve(points(sparse, sparse)).apart.some(Boolean)).toBe(false)
  expect(curve(points([1, 2, 3], [0, 1, 1000])).apart.some(Boolean)).toBe(false)
  expect(curveOf(points(steps, steps), 'time').apart.some(Boolean)).toBe(false)
})

test('a moving mean begins without a bias, passes over gaps, and leaves constants alone', () => {
  expect(smoothed(curve(points([4, 4, 4])), 0.9)).toEqual([4, 4, 4])
  const step = smoothed(curve(points([0, 1, 1, 1])), 0.5)
  expect(step[0]).toBe(0)
  expect(step[1]).toBeCloseTo(1 / 1.5)
  expect(step[3]).toBeCloseTo((0.25 + 0.5 + 1) / (0.125 + 0.25 + 0.5 + 1))
  const holes = smoothed(curve(points([1, 'NaN', 1])), 0.9)
  expect(holes[1]).toBeNaN()
  expect(holes[2]).toBeCloseTo(1)
  const raw = curve(points([1, 2]))
  expect(smoothed(raw, 0)).toBe(raw.y)
})

test('a moving mean forgets by distance, not by the number of samples', () => {
  const steps = [0, 1, 2, 3, 4, 100]
  const far = smoothed(curve(points([0, 0, 0, 0, 0, 1], steps)), 0.9)
  expect(far[5]).toBeGreaterThan(0.99)
  const near = smoothed(curve(points([0, 0, 0, 0, 0, 1])), 0.9)
  expect(near[5]).toBeLessThan(0.4)
})

test('two metrics are joined at the steps that both have', () => {
  const found = joined(curve(points([10, 20, 'NaN', 40], [0, 2, 4, 6])), curve(points([1, 2, 3, 4, 'NaN'], [0, 1, 2, 4, 6])))
  expect(found.x).toEqual([10, 20, 40])
  expect(found.y.slice(0, 2)).toEqual([1, 3])
  expect(found.step).toEqual([0, 2, 6])
  expect(found.marks).toEqual([{ x: 40, kind: 'NaN' }])
})

test('a part that is known finer replaces the coarse one', () => {
  const fine = curve(points([7, 8, 9], [11, 12, 13]))
  const found = refined(curve(BUCKETS), fine, [10, 19])
  expect(found.x).toEqual([4.5, 11, 12, 13, 24.5, 34.5])
  expect(found.summed).toBe(true)
  expect(found.marks).toHaveLength(3)
})

test('ranges', () => {
  const some = [curve(points([1, -5, 3]))]
  expect(rangeOfX(some)).toEqual([0, 2])
  expect(rangeOfX(some, true)).toEqual([1, 2])
  expect(rangeOfX([])).toBeUndefined()
  expect(rangeOfY(some)).toEqual([-5, 3])
  expect(rangeOfY(some, [0, 0.5])).toEqual([1, 1])
  expect(rangeOfY(some, undefined, true)).toEqual([1, 3])
  expect(rangeOfY([curve(points(['NaN']))])).toBeUndefined()
  expect(roomy([2, 2], false)).toEqual([1.8, 2.2])
  expect(roomy([0, 0], false)).toEqual([-1, 1])
  const [low, high] = roomy([0.1, 10], true)
  expect(low).toBeLessThan(0.1)
  expect(low).toBeGreaterThan(0)
  expect(high).toBeGreaterThan(10)
})

test('the nearest sample', () => {
  expect([-3, 0.4, 0.6, 4, 99].map((x) => nearest([0, 1, 5], x))).toEqual([0, 0, 1, 2, 2])
  expect(nearest([], 1)).toBe(-1)
})

test('a summary has all points and where the extremes are', () => {
  expect(summaryOf(curve(BUCKETS))).toEqual({ points: 33, low: { y: -1, x: 14.5 }, high: { y: 1000, x: 14.5 }, last: 3, marks: 3 })
  expect(summaryOf(curve(points([])))).toEqual({ points: 0, marks: 0 })
})

test('zoom in a link', () => {
  expect(rangeFrom('100..900')).toEqual([100, 900])
  expect(rangeFrom('-1.5..2e3')).toEqual([-1.5, 2000])
  for (const bad of [undefined, '', '..', '1..', '3..3', '9..1', '1..2..3', 'a..b', '1..Infinity']) expect(rangeFrom(bad)).toBeUndefined()
  expect(rangeText([99.7312, 900.2])).toBe('100..900')
  expect(rangeText([0.12345678, 0.1245])).toBe('0.12346..0.1245')
  expect(rangeFrom(rangeText([1795297713104, 1795297713204]))).toEqual([1795297713104, 1795297713204])
})

test('CSV, in which nothing is taken for a formula', () => {
  expect(cell('=1+1')).toBe("'=1+1")
  expect(cell('a,"b"')).toBe('"a,""b"""')
  expect(csv([curve(points([1]))], () => '@run', 'step', 'm')).toBe("run,run_id,step,m,min,max,points\n'@run,r,0,1,1,1,1\n")
})
