import { expect, test } from 'vitest'
import { boxOf, isNumeric, numberOf, ramp, scaleOf } from './scale'

test('texts that are numbers count as numbers', () => {
  expect([numberOf('1e-3'), numberOf(' 2 '), numberOf(''), numberOf('x'), numberOf(NaN), numberOf(undefined)]).toEqual([0.001, 2, undefined, undefined, undefined, undefined])
  expect(isNumeric(['1', 2, undefined])).toBe(true)
  expect(isNumeric(['1', 'relu'])).toBe(false)
  expect(isNumeric([undefined])).toBe(false)
})

test('a linear scale', () => {
  const scale = scaleOf([0, 5, 10])
  expect(scale).toMatchObject({ kind: 'number', log: false })
  expect([0, 5, 10].map((n) => scale.at(n))).toEqual([0, 0.5, 1])
  expect(scale.at('2.5')).toBe(0.25)
  expect(scale.at('none')).toBeUndefined()
})

test('wide and geometric values are on a log scale', () => {
  expect(scaleOf(['0.1', '0.001', '0.00001']).log).toBe(true)
  expect(scaleOf([32, 64, 128, 256]).log).toBe(true)
  expect(scaleOf([1, 2, 3, 4]).log).toBe(false)
  expect(scaleOf([-1, 1000]).log).toBe(false)
  expect(scaleOf([1, 1000], 5, false).log).toBe(false)
  expect(scaleOf([0.0001, 0.00012, 0.5, 1]).ticks.map((tick) => tick.text)).toContain('0.01')
})

test('few values are the ticks themselves', () => {
  expect(scaleOf([2, 3, 4, 5]).ticks.map((tick) => tick.text)).toEqual(['2', '3', '4', '5'])
  expect(scaleOf([32, 64, 128]).ticks.map((tick) => tick.text)).toEqual(['32', '64', '128'])
})

test('one value is in the middle', () => {
  expect(scaleOf([3]).at(3)).toBeCloseTo(0.5)
  expect(scaleOf(['relu']).at('relu')).toBe(0.5)
})

test('categories in natural order', () => {
  const scale = scaleOf(['b10', 'b9', 'a', undefined])
  expect(scale.ticks.map((tick) => tick.text)).toEqual(['a', 'b9', 'b10'])
  expect([scale.at('a'), scale.at('b9'), scale.at('b10'), scale.at(undefined)]).toEqual([0, 0.5, 1, undefined])
})

test('quartiles', () => {
  expect(boxOf([4, 1, 3, 2, 5])).toEqual({ min: 1, low: 2, median: 3, high: 4, max: 5, count: 5 })
  expect(boxOf([1, 2])?.median).toBe(1.5)
  expect(boxOf([])).toBeUndefined()
})

test('colours from low to high', () => {
  expect(ramp(0, false)).toBe('#3a1070')
  expect(ramp(2, true)).toBe('#ffe27a')
  expect(ramp(0.5, false)).toBe('#bd3d78')
})
