import { expect, test } from 'vitest'
import { treeOf, type Span } from './spans'
import { barOf, kindOf, marksOf, minimap, windowFrom, windowText, within, zoomed } from './waterfall'

const span = (id: string, parent: string | undefined, start: number, end: number, more: Partial<Span> = {}): Span => ({
  id, parent, name: id, type: 'LLM', start, end, state: 'ok', message: '', inputs: undefined, outputs: undefined, attributes: {}, events: [], links: [], ...more,
})
const whole = { from: 0, to: 1000 }

test('bars are as wide as spans are long', () => {
  expect(barOf(250, 750, whole)).toEqual({ left: 0.25, width: 0.5, cutLeft: false, cutRight: false })
  expect(barOf(0, 500, { from: 250, to: 750 })).toEqual({ left: 0, width: 0.5, cutLeft: true, cutRight: false })
  expect(barOf(0, 200, { from: 250, to: 750 })).toBeUndefined()
  expect(barOf(500, 500, whole)).toEqual({ left: 0.5, width: 0, cutLeft: false, cutRight: false })
})

test('zooming keeps what the cursor is at, within the whole', () => {
  expect(zoomed(whole, 0.5, 0.25, whole)).toEqual({ from: 125, to: 625 })
  expect(zoomed({ from: 0, to: 500 }, 4, 0.5, whole)).toEqual(whole)
  expect(zoomed({ from: 0, to: 0.01 }, 0.001, 0, whole).to).toBeCloseTo(0.01)
  expect(within({ from: -100, to: 200 }, whole)).toEqual({ from: 0, to: 300 })
  expect(within({ from: 900, to: 1200 }, whole)).toEqual({ from: 700, to: 1000 })
})

test('a window in the link', () => {
  expect(windowFrom('100..900', whole)).toEqual({ from: 100, to: 900 })
  for (const bad of [undefined, '', '9..1', 'a..b', '1..2..3']) expect(windowFrom(bad, whole)).toEqual(whole)
  expect(windowText(whole, whole)).toBeUndefined()
  expect(windowText({ from: 1.23456789, to: 500 }, whole)).toBe('1.234568..500')
})

test('marks on the axis', () => {
  expect(marksOf(whole, 500).map((one) => one.text)).toEqual(['0', '200ms', '400ms', '600ms', '800ms', '1s'])
  expect(marksOf({ from: 0, to: 0.01 }, 300).map((one) => one.text)).toEqual(['0', '5µs', '10µs'])
})

test('a small picture of all', () => {
  const tree = treeOf([span('a', undefined, 0, 100), span('b', 'a', 0, 50, { state: 'error' }), span('c', 'a', 50, 100, { type: 'TOOL' })])
  expect(minimap(tree, 10, 20, kindOf)).toEqual([
    { x: 0, y: 0, width: 10, kind: 2 }, { x: 0, y: 1, width: 5, kind: -1 }, { x: 5, y: 2, width: 5, kind: 3 },
  ])
  const one = minimap(tree, 10, 1, kindOf)
  expect(one[0]).toEqual({ x: 0, y: 0, width: 5, kind: -1 })
})
