import { expect, test } from 'vitest'
import { ago, count, duration, number, plural, short, size } from './format'

test.each([
  [0, '0'], [1, '1'], [12345678, '12345678'], [0.912345678, '0.91235'], [1234.5678, '1234.6'], [-0.00012345678, '-0.00012346'],
  [1.23456789e-7, '1.2346e-7'], [1e12, '1e12'], [1.5e300, '1.5e300'], [NaN, 'NaN'], [Infinity, '∞'], [-Infinity, '−∞'], [undefined, ''],
])('the number %s is written %s', (value, text) => expect(short(value)).toBe(text))

test('numbers as JSON spells them', () => {
  expect(number('NaN')).toBeNaN()
  expect(number('-Infinity')).toBe(-Infinity)
  expect(number(0)).toBe(0)
  expect(number(null)).toBeUndefined()
})

test.each([
  [0, '0ms'], [999, '999ms'], [1000, '1.0s'], [9999, '9.9s'], [59_999, '59s'], [60_000, '1m 0s'], [3_599_999, '59m 59s'],
  [3_600_000, '1h 0m'], [90_000_000, '1d 1h'], [-5, ''], [undefined, ''],
])('%s milliseconds are %s', (ms, text) => expect(duration(ms)).toBe(text))

test.each([
  [1000, 'just now'], [61_000, '1m ago'], [7_200_000, '2h ago'], [86_400_000 * 3, '3d ago'],
])('%s milliseconds back is %s', (past, text) => expect(ago(1e12 - past, 1e12)).toBe(text))

test('long ago, and in the future, is a date', () => {
  expect(ago(1e12 - 86_400_000 * 40, 1e12)).toMatch(/2001/)
  expect(ago(1e12 + 86_400_000, 1e12)).toMatch(/2001/)
  expect(ago(undefined, 1e12)).toBe('')
})

test.each([
  [0, '0 B'], [999, '999 B'], [1000, '1.0 kB'], [9949, '9.9 kB'], [9950, '10 kB'], [999_499, '999 kB'], [999_500, '1.0 MB'], [104_857_600, '105 MB'], [2e15, '2.0 PB'],
])('%s bytes are %s', (bytes, text) => expect(size(bytes)).toBe(text))

test('counts', () => {
  expect(count(10_000)).toBe('10,000')
  expect(plural(1, 'run')).toBe('1 run')
  expect(plural(2, 'match', 'matches')).toBe('2 matches')
})
