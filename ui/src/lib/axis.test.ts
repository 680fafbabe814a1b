import { expect, test } from 'vitest'
import { lengthSplits, lengthTick, splits, tick, timeTicks, xText } from './axis'

test('numbers beside an axis are short, and no two that differ look alike', () => {
  const pairs: [number, string][] = [
    [0, '0'], [0.25, '0.25'], [0.30000000000000004, '0.3'], [1200, '1200'], [20000, '20k'], [1.5e6, '1.5M'], [-2e9, '-2G'], [654321, '654321'],
    [1e-7, '1e-7'], [1.9e301, '1.9e301'],
  ]
  for (const [value, text] of pairs) expect(tick(value)).toBe(text)
})

test('round numbers between two', () => {
  expect(splits(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1])
  expect(splits(-3, 12, 4)).toEqual([0, 5, 10])
  expect(splits(0, 1.9e301, 5)).toEqual([0, 5e300, 1e301, 1.5e301])
  expect(splits(-1.7e308, 1.7e308, 4)).toContain(0)
  expect(splits(5, 5.00001, 4).length).toBeGreaterThan(1)
})

test('round lengths of time between two', () => {
  expect(lengthSplits(0, 90_000, 4)).toEqual([0, 30_000, 60_000, 90_000])
  expect(lengthSplits(1200, 4200, 3)).toEqual([2000, 3000, 4000])
  expect(lengthSplits(0, 0.002, 4)).toEqual([0, 0.0005, 0.001, 0.0015, 0.002])
})

test('lengths of time', () => {
  const pairs: [number, string][] = [[0, '0'], [250, '250ms'], [1500, '1.5s'], [90_000, '1m 30s'], [7_200_000, '2h'], [90_000_000, '1d 1h'], [-60_000, '−1m']]
  for (const [ms, text] of pairs) expect(lengthTick(ms)).toBe(text)
})

test('times say the day once', () => {
  const noon = new Date(2026, 10, 21, 12).getTime()
  const found = timeTicks([noon, noon + 3_600_000, noon + 12 * 3_600_000])
  expect(found[0]).toContain('\n21 Nov')
  expect(found[1]).not.toContain('\n')
  expect(found[2]).toContain('\n22 Nov')
})

test('x in words', () => {
  expect(xText(654321, 'step')).toBe('Step 654,321')
  expect(xText(65_000, 'relative')).toBe('After 1m 5s')
  expect(xText(0.5, 'metric', 'loss')).toBe('loss 0.5')
})
