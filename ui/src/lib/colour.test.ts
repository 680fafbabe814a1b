import { expect, test } from 'vitest'
import { apart, COLOURS, colour, colourNumber } from './colour'

test('the same id has the same colour, and all colours are used alike', () => {
  const counts = new Array<number>(COLOURS).fill(0)
  for (let i = 0; i < 12_000; i++) counts[colourNumber(`${i.toString(16).padStart(32, '0')}`)]! += 1
  expect(Math.min(...counts)).toBeGreaterThan(600)
  expect(colour('ab', true)).toBe(colour('ab', true))
  expect(colour('ab', true)).not.toBe(colour('ab', false))
})

test('what is shown together has colours of its own, as long as there are any', () => {
  const ids = Array.from({ length: 40 }, (_, i) => `run ${i}`)
  const found = apart(ids)
  expect(new Set(ids.slice(0, COLOURS).map((id) => found.get(id))).size).toBe(COLOURS)
  expect(found.get(ids[0]!)).toBe(colourNumber(ids[0]!))
  expect(found.get(ids[30]!)).toBe(colourNumber(ids[30]!))
})
