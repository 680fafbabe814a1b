import { expect, test } from 'vitest'
import { levelsFor, members, only, sortOf, summary } from './jsontree'

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test('members and what stands for them', () => {
  expect(members({ a: 1 })).toEqual([['a', 1]])
  expect(members(['x'])).toEqual([['0', 'x']])
  expect(members('x')).toBeUndefined()
  expect([{}, [], { a: 1 }, [1, 2]].map(summary)).toEqual(['{}', '[]', '{1}', '[2]'])
})

test('finding keeps what leads there', () => {
  const value = { model: { layers: [{ units: 64 }, { units: 32 }] }, lr: 0.1 }
  expect(plain(only(value, '32'))).toEqual({ model: { layers: { 1: { units: 32 } } } })
  expect(plain(only(value, 'LAYERS'))).toEqual({ model: { layers: value.model.layers } })
  expect(only(value, 'nothing')).toBeUndefined()
  expect(only(value, '')).toBe(value)
})

test('sorts', () => expect([null, 1, true, 'x'].map(sortOf)).toEqual(['null', 'number', 'boolean', 'string']))

test('as many levels are open as fit', () => {
  expect(levelsFor({ a: { b: { c: 1 } } })).toBe(3)
  expect(levelsFor({ a: Array.from({ length: 100 }, () => [1]) })).toBe(1)
  expect(levelsFor(Array.from({ length: 100 }, () => 1))).toBe(1)
  expect(levelsFor(1)).toBe(1)
})
