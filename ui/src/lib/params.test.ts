import { expect, test } from 'vitest'
import { againstOthers, leaves, nested, sideBySide, typical } from './params'

const pairs = (values: Record<string, string>) => Object.entries(values).map(([key, value]) => ({ key, value }))
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test('dots and JSON become levels', () => {
  const made = nested(pairs({ 'opt.name': 'adam', 'opt.lr': '0.1', 'only.one': '1', config: '{"a": [1, {"b": null}]}', text: '{no json' }))
  expect(plain(made)).toEqual({
    config: { a: [1, { b: null }] }, 'only.one': '1', opt: { lr: '0.1', name: 'adam' }, text: '{no json',
  })
})

test('a key that is itself a beginning stays whole', () => {
  expect(plain(nested(pairs({ a: '1', 'a.b': '2', 'a.c': '3' })))).toEqual({ a: '1', 'a.b': '2', 'a.c': '3' })
})

test('odd keys harm nothing', () => {
  const made = nested(pairs({ '__proto__.x': '1', '__proto__.y': '2', '.': '3', 'a.': '4', '.b': '5' }))
  expect(Object.keys(made).sort()).toEqual(['.', '.b', '__proto__', 'a.'])
  expect(({} as Record<string, unknown>).x).toBeUndefined()
})

test('leaves', () => {
  expect([...leaves(pairs({ a: '1', c: '{"x": [1, {"y": null}], "e": {}, "l": []}' }))]).toEqual([
    ['a', '1'], ['c.x[0]', '1'], ['c.x[1].y', 'null'], ['c.e', '{}'], ['c.l', '[]'],
  ])
})

test('what is typical', () => {
  expect(typical(['1', '100', '2'])).toBe('2')
  expect(typical(['a', 'b', 'b'])).toBe('b')
  expect(typical([])).toBeUndefined()
  expect(typical(['1', ''])).toBe('1')
})

test('what differs comes first', () => {
  const made = againstOthers(pairs({ a: '1', b: '2', c: '3' }), new Map([['a', ['1', '1']], ['b', ['9', '9']]]))
  expect(made.map((p) => [p.key, p.differs, p.other])).toEqual([['b', true, '9'], ['a', false, undefined], ['c', false, undefined]])
  expect(againstOthers(pairs({ b: '1', a: '2' }), undefined).map((p) => p.key)).toEqual(['a', 'b'])
})

test('of JSON, only what differs is taken out', () => {
  const made = againstOthers(pairs({ c: '{"x": 1, "y": {"z": 2}}', d: '{"k": 0}' }), new Map([['c', ['{"x": 1, "y": {"z": 3}}']], ['d', ['{"k": 0}']]]))
  expect(made.map((p) => [p.key, p.value, p.other])).toEqual([['c.y.z', '2', '3'], ['d', '{"k": 0}', undefined]])
})

test('side by side', () => {
  expect(sideBySide(pairs({ a: '1', c: '{"x": 1}' }), pairs({ a: '1', b: '2', c: '{"x": 2}' }))).toEqual([
    { path: 'a', mine: '1', other: '1' }, { path: 'b', mine: undefined, other: '2' }, { path: 'c.x', mine: '1', other: '2' },
  ])
})
