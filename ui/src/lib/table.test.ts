import { describe, expect, test } from 'vitest'
import { columnsIn, Heights, layout, MAX_HEIGHT, movedTo, rowOf, sortedBy, stepped, type Column } from './table'

const column = (id: string, width = 100, pinned = false, down = false): Column => ({ id, label: id, width, pinned, down })

describe('layout', () => {
  test('pinned columns come first, whatever their place', () => {
    const found = layout([column('a'), column('b', 50, true), column('c', 70)], 36)
    expect(found.pinned.map((one) => [one.column.id, one.at, one.left])).toEqual([['b', 0, 36]])
    expect(found.rest.map((one) => [one.column.id, one.at, one.left])).toEqual([['a', 1, 0], ['c', 2, 100]])
    expect([found.pinnedWidth, found.restWidth]).toEqual([86, 170])
  })
})

describe('columnsIn', () => {
  const { rest } = layout(Array.from({ length: 500 }, (_, i) => column(`c${i}`)))

  test('only what a window shows, and one more on each side', () => {
    const ids = columnsIn(rest, 1000, 300).map((one) => one.column.id)
    expect(ids).toEqual(['c9', 'c10', 'c11', 'c12', 'c13', 'c14'])
  })

  test('at the ends', () => {
    expect(columnsIn(rest, 0, 100).map((one) => one.at)).toEqual([0, 1, 2])
    expect(columnsIn(rest, 49_900, 100).map((one) => one.at)).toEqual([498, 499])
  })

  test('the same array while all fit, so that nothing is drawn anew', () => {
    const few = rest.slice(0, 3)
    expect(columnsIn(few, 0, 1000)).toBe(few)
  })
})

describe('Heights', () => {
  test('a pixel is a pixel for 100 000 rows', () => {
    const heights = new Heights(100_000, 30, 600)
    expect(heights.drawn).toBe(3_000_000)
    expect(heights.first(2_999_400)).toBe(99_980)
    expect(heights.at(99_999, 2_999_400)).toBe(2_999_970)
  })

  test('beyond what browsers scroll, the ends are still reached and rows lie one below the other', () => {
    const heights = new Heights(10_000_000, 30, 600)
    expect(heights.drawn).toBe(MAX_HEIGHT)
    expect(heights.first(0)).toBe(0)
    const end = MAX_HEIGHT - 600
    expect(heights.first(end)).toBe(9_999_980)
    expect(heights.at(9_999_999, end) + 30).toBeCloseTo(MAX_HEIGHT, 3)
    expect(heights.at(5_000_001, 7_000_000) - heights.at(5_000_000, 7_000_000)).toBeCloseTo(30, 3)
    expect(heights.first(heights.top(30 * 1234567 + 1))).toBe(1234567)
  })

  test('a row is brought into the window with the least movement', () => {
    const heights = new Heights(1000, 30, 600)
    expect(heights.showing(5, 0)).toBe(0)
    expect(heights.showing(20, 0)).toBe(30)
    expect(heights.showing(5, 900)).toBe(150)
  })

  test('nothing at all', () => {
    const heights = new Heights(0, 30, 600)
    expect([heights.drawn, heights.first(0)]).toEqual([0, 0])
  })
})

test('each drawn row has a slot of its own, which it keeps while it is drawn', () => {
  const shows = (first: number) => [0, 1, 2, 3].map((slot) => rowOf(slot, 4, first))
  expect(shows(0)).toEqual([0, 1, 2, 3])
  expect(shows(1)).toEqual([4, 1, 2, 3])
  expect(shows(6)).toEqual([8, 9, 6, 7])
})

describe('sortedBy', () => {
  const name = column('name')
  const score = column('score', 100, false, true)

  test('the good direction, the other, none', () => {
    let sort = sortedBy([], score, false)
    expect(sort).toEqual([{ id: 'score', down: true }])
    sort = sortedBy(sort, score, false)
    expect(sort).toEqual([{ id: 'score', down: false }])
    expect(sortedBy(sort, score, false)).toEqual([])
  })

  test('another key is added, turned and taken away in its place', () => {
    let sort = sortedBy(sortedBy([], name, false), score, true)
    expect(sort).toEqual([{ id: 'name', down: false }, { id: 'score', down: true }])
    sort = sortedBy(sort, name, true)
    expect(sort).toEqual([{ id: 'name', down: true }, { id: 'score', down: true }])
    expect(sortedBy(sort, name, true)).toEqual([{ id: 'score', down: true }])
    expect(sortedBy(sort, score, false)).toEqual([{ id: 'score', down: false }])
  })
})

test('a column is moved to where another is', () => {
  expect(movedTo(['a', 'b', 'c', 'd'], 'a', 'c')).toEqual(['b', 'c', 'a', 'd'])
  expect(movedTo(['a', 'b', 'c', 'd'], 'd', 'b')).toEqual(['a', 'd', 'b', 'c'])
  expect(movedTo(['a', 'b'], 'x', 'a')).toEqual(['a', 'b'])
})

describe('stepped', () => {
  const at = { row: 5, column: 2 }
  test.each([
    ['ArrowUp', false, { row: 4, column: 2 }],
    ['ArrowDown', false, { row: 6, column: 2 }],
    ['ArrowLeft', false, { row: 5, column: 1 }],
    ['ArrowRight', false, { row: 5, column: 3 }],
    ['PageDown', false, { row: 9, column: 2 }],
    ['PageUp', false, { row: 0, column: 2 }],
    ['Home', false, { row: 5, column: 0 }],
    ['End', false, { row: 5, column: 3 }],
    ['Home', true, { row: 0, column: 2 }],
    ['End', true, { row: 9, column: 2 }],
    ['a', false, undefined],
  ])('%s', (key, control, to) => {
    expect(stepped(key, control, at, 10, 4, 8)).toEqual(to)
  })

  test('up from the first row is the head', () => {
    expect(stepped('ArrowUp', false, { row: 0, column: 0 }, 10, 4, 8)?.row).toBe(-1)
    expect(stepped('ArrowUp', false, { row: -1, column: 0 }, 10, 4, 8)?.row).toBe(-1)
  })
})
