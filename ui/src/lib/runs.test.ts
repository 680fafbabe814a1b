import { describe, expect, test } from 'vitest'
import { above, below, chipFilters, compare, groupLines, groupsOf, linesOf, meanText, openedFrom, openedText, pythonOf, reordered, sortFrom, sortText, stats, toggled, type Found } from './runs'

/** a > (b > c, d), e */
const TREE: Found = { total: 5, rows: ['a', 'b', 'c', 'd', 'e'], depth: [0, 1, 2, 1, 0], context: [] }
const shown = (found: Found, open: string | undefined, searched = false) =>
  linesOf(found, openedFrom(open), searched).map(({ at, expanded }) => `${found.rows[at]}${expanded === undefined ? '' : expanded ? '-' : '+'}`)

describe('linesOf', () => {
  test('closed at first', () => expect(shown(TREE, undefined)).toEqual(['a+', 'e']))
  test('opened one by one, to any depth', () => {
    expect(shown(TREE, 'a')).toEqual(['a-', 'b+', 'd', 'e'])
    expect(shown(TREE, 'a,b')).toEqual(['a-', 'b-', 'c', 'd', 'e'])
    expect(shown(TREE, 'b')).toEqual(['a+', 'e'])
  })
  test('all open, but for some', () => {
    expect(shown(TREE, 'all')).toEqual(['a-', 'b-', 'c', 'd', 'e'])
    expect(shown(TREE, 'all,-b')).toEqual(['a-', 'b+', 'd', 'e'])
  })
  test('what was searched for is shown below its ancestors, which are marked', () => {
    const found: Found = { total: 1, rows: ['a', 'b', 'c'], depth: [0, 1, 2], context: [0, 1] }
    expect(shown(found, undefined, true)).toEqual(['a-', 'b-', 'c'])
    expect(linesOf(found, openedFrom(undefined), true).map((line) => line.context)).toEqual([true, true, undefined])
    expect(shown(found, '-a', true)).toEqual(['a+'])
  })
  test('without a tree', () => expect(shown({ total: 2, rows: [7, 8] }, 'all')).toEqual(['7', '8']))
})

test('what is open is read as it is written', () => {
  for (const text of ['', 'a,b', 'all', 'all,-b', '3,-4']) expect(openedText(openedFrom(text))).toBe(text)
  expect(openedText(toggled(openedFrom('a'), 'b', false))).toBe('a,b')
  expect(openedText(toggled(openedFrom('all'), 'b', true))).toBe('all,-b')
  expect(openedText(toggled(openedFrom('all,-b'), 'b', false))).toBe('all')
})

test('what is below and above', () => {
  expect(below(TREE, 0)).toEqual([1, 2, 3])
  expect(below(TREE, 3)).toEqual([])
  expect([0, 1, 2, 3, 4].map((at) => above(TREE, at))).toEqual([-1, 0, 1, 0, -1])
})

describe('compare', () => {
  test('nothing is last in both directions', () => {
    const values = [3, null, 1, 'NaN', 2, undefined]
    expect([...values].sort((a, b) => compare(a, b, false)).slice(0, 3)).toEqual([1, 2, 3])
    expect([...values].sort((a, b) => compare(a, b, true)).slice(0, 3)).toEqual([3, 2, 1])
  })
  test('texts with numbers', () => expect(['10', '9', 'b'].sort((a, b) => compare(a, b, false))).toEqual(['9', '10', 'b']))
  test('infinities', () => expect(compare('Infinity', 5, false)).toBeGreaterThan(0))
})

test('a tree in another order stays a tree', () => {
  const values: Record<string, number | null> = { a: 1, b: 5, c: 0, d: 9, e: 2 }
  const made = reordered({ ...TREE, context: [1] }, [{ id: 'x', down: true }], (at) => values[String(TREE.rows[at])])
  expect(made.rows).toEqual(['e', 'a', 'd', 'b', 'c'])
  expect(made.depth).toEqual([0, 0, 1, 1, 2])
  expect(made.context).toEqual([3])
})

test('stats', () => {
  expect(stats([1, 2, 3, null, 'NaN', 'x'])).toEqual({ n: 3, mean: 2, sd: 1, min: 1, max: 3 })
  expect(stats(['0.5'])).toEqual({ n: 1, mean: 0.5, sd: 0, min: 0.5, max: 0.5 })
  expect(stats([null, 'a', ''])).toBeUndefined()
  expect(meanText({ n: 3, mean: 0.912345, sd: 0.01234, min: 0, max: 1 })).toBe('0.9123 ± 0.012')
})

test('groups, and those without a value last', () => {
  const values = ['b', 'a', undefined, 'a', '10']
  const groups = groupsOf(TREE, (at) => values[at])
  expect(groups.map(({ value, places }) => [value, places])).toEqual([['10', [4]], ['a', [1, 3]], ['b', [0]], [null, [2]]])
  expect(groupLines(groups, openedFrom('~a')).map(({ at, depth }) => [at, depth])).toEqual([[-1, 0], [-1, 0], [1, 1], [3, 1], [-1, 0], [-1, 0]])
})

test('a sort is read as it is written', () => {
  expect(sortFrom('-metrics.acc,name')).toEqual([{ id: 'metrics.acc', down: true }, { id: 'name', down: false }])
  for (const text of ['', '-a', 'a,-b', '["-a,b"]']) expect(sortText(sortFrom(text))).toBe(text)
})

test('chips are conditions', () => {
  expect(chipFilters({ states: [] }, 0)).toEqual([])
  expect(chipFilters({ states: ['FAILED'], since: '1h', dataset: 'a' }, 3_600_000 * 2 + 59_999)).toEqual(
    ["status = 'FAILED'", 'start_time > 3600000', "dataset.name = 'a'"],
  )
  expect(chipFilters({ states: ['FAILED', 'KILLED'] }, 0)).toEqual(
    ["status != 'RUNNING'", "status != 'FINISHED'", "status != 'SCHEDULED'"],
  )
})

test('Python that loads runs', () => {
  expect(pythonOf(['a1'], 'http://x:5000')).toContain('mlflow.get_run(run_id) for run_id in run_ids')
  expect(pythonOf(['a1'], 'http://x:5000')).toContain('"a1"')
})
